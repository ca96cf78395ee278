"""The expression as the evaluator walks it: immutable, durations in milliseconds, no parentheses.

Built once an expression by `parse`, so that evaluation never crosses into the parser again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from holdfast.promql.samples import Matcher

At = int | Literal["start", "end"] | None
"""The `@` modifier: Unix milliseconds, the query's start or end, or none."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal number."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A literal string."""

    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """An instant vector selector; the metric name is a matcher on `__name__`."""

    matchers: tuple[Matcher, ...]
    offset_ms: int
    at: At


@dataclass(frozen=True, slots=True)
class RangeSelector:
    """A range vector selector; offset and `@` are those of its selector."""

    selector: Selector
    range_ms: int


@dataclass(frozen=True, slots=True)
class Subquery:
    """An expression evaluated on a grid of its own, read as a range vector."""

    expr: Node
    range_ms: int
    step_ms: int | None
    """`None` takes the engine's default."""
    offset_ms: int
    at: At


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function that the registry knows."""

    name: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """Unary minus."""

    expr: Node


@dataclass(frozen=True, slots=True)
class Grouping:
    """`by (labels)` or `without (labels)`."""

    without: bool
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """An aggregation over the series of a vector."""

    op: str
    expr: Node
    param: Node | None
    grouping: Grouping


Cardinality = Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"]


@dataclass(frozen=True, slots=True)
class Matching:
    """How the series of two vectors are paired."""

    cardinality: Cardinality = "one-to-one"
    on: bool = False
    labels: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None


@dataclass(frozen=True, slots=True)
class Binary:
    """A binary operation; `returns_bool` is the `bool` modifier of comparisons."""

    op: str
    left: Node
    right: Node
    returns_bool: bool
    matching: Matching


Node = Number | Text | Selector | RangeSelector | Subquery | Call | Negation | Aggregation | Binary
