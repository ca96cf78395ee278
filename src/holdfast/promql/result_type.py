"""Of which kind an expression's answer is, before it is evaluated."""

from __future__ import annotations

from typing import Literal

from holdfast.promql.tree import Binary, Call, Negation, Node, Number, RangeSelector, Subquery, Text

ResultType = Literal["scalar", "vector", "string", "matrix"]

_SCALAR_FUNCTIONS = frozenset(
    ["time", "pi", "scalar", "start", "end", "range", "step", "min_of", "max_of"]
)


def result_type(node: Node) -> ResultType:
    """Return the kind of an instant query's answer; the names are those of the HTTP API."""
    match node:
        case Number():
            return "scalar"
        case Text():
            return "string"
        case RangeSelector() | Subquery():
            return "matrix"
        case Call(name) if name in _SCALAR_FUNCTIONS:
            return "scalar"
        case Negation(expr):
            return result_type(expr)
        case Binary(_, left, right) if result_type(left) == result_type(right) == "scalar":
            return "scalar"
        case _:
            return "vector"
