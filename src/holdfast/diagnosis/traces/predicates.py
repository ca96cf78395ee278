"""What a request can have in common with others: a number in an interval, a value of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Quantity = Literal["duration", "own duration", "calls"]
"""An own duration is without the operations inside it."""


@dataclass(frozen=True, order=True)
class Interval:
    """`low` < the quantity of `operation` <= `high`; infinite where it is open.

    A request that did not call the operation has no duration there, and does not match.
    """

    operation: str
    quantity: Quantity
    low: float = -math.inf
    high: float = math.inf

    def __str__(self) -> str:
        of = f"{self.quantity} of {self.operation}"
        if math.isinf(self.low):
            return f"{of} <= {self.high:.4g}"
        if math.isinf(self.high):
            return f"{of} > {self.low:.4g}"
        return f"{of} in ({self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True, order=True)
class Value:
    """The attribute has this value, or, where `equal` is false, any other or none."""

    attribute: str
    value: str
    equal: bool = True

    def __str__(self) -> str:
        return f"{self.attribute} {'=' if self.equal else '!='} {self.value}"


@dataclass(frozen=True, order=True)
class Called:
    """The operation was called, or, where `called` is false, was not."""

    operation: str
    called: bool = True

    def __str__(self) -> str:
        return f"{self.operation} {'called' if self.called else 'not called'}"


Predicate = Interval | Value | Called
