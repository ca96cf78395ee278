"""What an alert's expression compares with typed-in numbers: window, threshold, and its factors.

Understood are `ratio over a window > number`, both ways round; the number may be a product, as
`14.4 * 0.001` or `14.4 * (1 - 0.999)`. Windows stand in ranges, `[1h]`, or at the end of a
recorded series' name, `ratio_rate1h`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser
from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Expr,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from holdfast.catalog.template import parse

_RECORDED = re.compile(r"[a-z_:](\d+)(ms|[smhdwy])$")
_COUNTED = re.compile(r"(?!.*(ratio|burn)).*(increase|count|total|events)")
"""The name of a recorded series that holds a number of events."""
_UNIT_SECONDS = {
    "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0,
}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """One ratio over a window against a number."""

    window_seconds: float
    threshold: float
    burn: float | None
    """Where the threshold is a product: the factor that is a burn rate."""
    budget: float | None
    """And the one that is 1 - objective."""


def branches(expression: str) -> list[list[Comparison]]:
    """Return for each alternative of `or` its comparisons. Raises PromQLError."""
    return [list(_comparisons(branch)) for branch in _alternatives(parse(expression))]


def _alternatives(expression: Expr) -> Iterator[Expr]:
    """A common aggregation around the whole is looked through."""
    match expression:
        case ParenExpr(expr=inner):
            yield from _alternatives(inner)
        case AggregateExpr(expr=inner) if _has_or(inner):
            yield from _alternatives(inner)
        case BinaryExpr(lhs=left, rhs=right) if _operator(expression) == "or":
            yield from _alternatives(left)
            yield from _alternatives(right)
        case _:
            yield expression


def _has_or(expression: Expr) -> bool:
    return any(isinstance(n, BinaryExpr) and _operator(n) == "or" for n in _walk(expression))


def _comparisons(expression: Expr) -> Iterator[Comparison]:
    for node in _walk(expression):
        if not isinstance(node, BinaryExpr):
            continue
        measured, number = {
            ">": (node.lhs, node.rhs), ">=": (node.lhs, node.rhs),
            "<": (node.rhs, node.lhs), "<=": (node.rhs, node.lhs),
        }.get(_operator(node), (None, None))  # fmt: skip
        if measured is None or number is None:
            continue
        threshold = _value(number)
        window = _window(measured)
        if threshold is not None and window is not None and threshold > 0 and _is_ratio(measured):
            burn, budget = _product(number)
            yield Comparison(window, threshold, burn, budget)


def _is_ratio(expression: Expr) -> bool:
    """A count of events is compared with a count: no burn rate is in it."""
    nodes = _walk(expression)
    if any(isinstance(node, BinaryExpr) and _operator(node) == "/" for node in nodes):
        return True
    names = [node.name or "" for node in nodes if isinstance(node, VectorSelector)]
    return not any(isinstance(node, MatrixSelector) for node in nodes) and not any(
        _COUNTED.match(name) for name in names
    )


def _operator(node: BinaryExpr) -> str:
    return str(node.op)


def _walk(expression: Expr) -> list[Expr]:
    found: list[Expr] = []
    promql_parser.walk(expression, pre_visit=found.append)
    return found


def _window(expression: Expr) -> float | None:
    """The one window that the expression looks at; None = none, or several."""
    found: set[float] = set()
    for node in _walk(expression):
        if isinstance(node, MatrixSelector | SubqueryExpr):
            if node.range is not None:
                found.add(node.range.total_seconds())
        elif isinstance(node, VectorSelector):
            recorded = _RECORDED.search(node.name or "")
            if recorded:
                found.add(int(recorded[1]) * _UNIT_SECONDS[recorded[2]])
    return found.pop() if len(found) == 1 else None


# ---- numbers -----------------------------------------------------------------------------------


def _value(expression: Expr) -> float | None:
    match expression:
        case NumberLiteral(val=value):
            return value
        case ParenExpr(expr=inner):
            return _value(inner)
        case UnaryExpr(expr=inner):
            value = _value(inner)
            return None if value is None else -value
        case BinaryExpr(lhs=left, rhs=right):
            return _calculated(_operator(expression), _value(left), _value(right))
        case _:
            return None


def _calculated(operator: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    match operator:
        case "*":
            return left * right
        case "+":
            return left + right
        case "-":
            return left - right
        case "/" if right != 0:
            return left / right
        case _:
            return None


def _product(expression: Expr) -> tuple[float | None, float | None]:
    """(burn rate, 1 - objective) of a product of two; (None, None) where it is none."""
    while isinstance(expression, ParenExpr):
        expression = expression.expr
    if not isinstance(expression, BinaryExpr) or _operator(expression) != "*":
        return None, None
    factors = [
        value for value in map(_value, (expression.lhs, expression.rhs)) if value is not None
    ]
    if len(factors) != 2 or not 0 < min(factors) < 1:
        return None, None
    return max(factors), min(factors)
