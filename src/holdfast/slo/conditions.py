"""An alerting rule's expression taken apart: the level that is measured, and its limits.

An expression that answers nothing is either silent or blind. Asking for the level, and comparing
it here, tells the two apart with one query a rule.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from holdfast.errors import PromQLError
from holdfast.promql.parse import parse
from holdfast.promql.tree import Binary, Number

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_NUMBER = r"[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[iI]nf)"
_LAST_LIMIT = re.compile(
    rf"^(?P<rest>.*\S)\s*(?P<op>[<>]=?|==|!=)\s*(?P<number>{_NUMBER})\s*$", re.S
)


@dataclass(frozen=True)
class Limit:
    """A comparison with a constant, for example `> 8`."""

    op: str
    value: float

    def __str__(self) -> str:
        return f"{self.op} {self.value:g}"


@dataclass(frozen=True)
class Condition:
    """Fires for the series of `level` (PromQL) that are within every limit."""

    level: str
    limits: tuple[Limit, ...]

    def fires_at(self, value: float) -> bool:
        """Whether a series with this value is in the expression's answer."""
        return all(_COMPARE[limit.op](value, limit.value) for limit in self.limits)


def condition_of(expression: str) -> Condition | None:
    """Return the level and the limits of an expression.

    None where it is no level compared with constants, or where that cannot be told for certain:
    the expression then has to be asked as it stands.
    """
    level, limits = expression.strip(), list[Limit]()
    while found := _LAST_LIMIT.match(level):
        limits.insert(0, Limit(found["op"], float(found["number"])))
        level = found["rest"].strip()
    condition = Condition(level, tuple(limits))
    return condition if limits and _is_same(expression, condition) else None


def above(level: str, threshold: float) -> str:
    """Return the expression that fires while a finite level is above a threshold.

    A ratio whose denominator counts nothing is infinite, which says nothing of its level.
    """
    return f"({level}) > {threshold:.12g} < {math.inf:+}".replace("inf", "Inf")


def _is_same(expression: str, condition: Condition) -> bool:
    """Whether the expression's tree is that of the level, compared with the limits in turn."""
    try:
        whole, part = parse(expression), parse(condition.level)
    except PromQLError:
        return False
    for limit in reversed(condition.limits):
        if not isinstance(whole, Binary) or whole.returns_bool or whole.op != limit.op:
            return False
        if whole.right != Number(limit.value):
            return False
        whole = whole.left
    return whole == part
