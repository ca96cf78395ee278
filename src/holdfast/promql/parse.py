"""From PromQL text to the tree that is evaluated; the rest is refused here, by name."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import Any

import promql_parser as pp

from holdfast.errors import PromQLError, PromQLUnsupported
from holdfast.promql.escapes import with_bytes
from holdfast.promql.registry import AGGREGATIONS, FUNCTIONS
from holdfast.promql.samples import Matcher
from holdfast.promql.tree import (
    Aggregation,
    At,
    Binary,
    Call,
    Cardinality,
    Grouping,
    Matching,
    Negation,
    Node,
    Number,
    RangeSelector,
    Selector,
    Subquery,
    Text,
)

_OPERATORS = frozenset(
    ["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless"]
)
_AT_NUMBER = re.compile(r"@ (-?[0-9.]+)(?: offset \S+)?$")
_AT_SECONDS = re.compile(r"tv_sec: (-?\d+)")
_LATEST_MS = 2**52
_SHOWN_LENGTH = 200
_HINT = "the embedded evaluator does not know it; ask a Prometheus server, or say it otherwise"


@lru_cache(maxsize=4096)
def parse(promql: str) -> Node:
    """Return the tree of an expression.

    Raises PromQLError with the parser's message, PromQLUnsupported for what is not evaluated.
    """
    try:
        return with_bytes(_convert(pp.parse(promql)), promql)
    except (ValueError, OverflowError) as error:
        raise PromQLError(f"cannot parse {_shown(promql)}: {error}") from error
    except RecursionError as error:
        raise PromQLError(f"cannot parse {_shown(promql)}: it is nested too deeply") from error
    except BaseException as panic:
        if type(panic).__name__ != "PanicException":  # pyo3's, which has no importable name
            raise
        raise PromQLError(f"cannot parse {_shown(promql)}: a number is out of bounds") from panic


def _shown(promql: str) -> str:
    return repr(promql if len(promql) <= _SHOWN_LENGTH else promql[:_SHOWN_LENGTH] + "...")


def _convert(expr: Any) -> Node:
    match expr:
        case pp.ParenExpr():
            return _convert(expr.expr)
        case pp.NumberLiteral():
            return Number(expr.val)
        case pp.StringLiteral():
            return Text(expr.val)
        case pp.UnaryExpr():
            return Negation(_convert(expr.expr))
        case pp.VectorSelector():
            return _selector(expr)
        case pp.MatrixSelector():
            return RangeSelector(_selector(expr.vector_selector), _milliseconds(expr.range))
        case _:
            return _convert_compound(expr)


def _convert_compound(expr: Any) -> Node:
    match expr:
        case pp.SubqueryExpr():
            return _subquery(expr)
        case pp.Call():
            return _call(expr)
        case pp.AggregateExpr():
            return _aggregation(expr)
        case pp.BinaryExpr():
            return _binary(expr)
        case _:
            raise PromQLUnsupported(f"expression {type(expr).__name__}", hint=_HINT)


def _milliseconds(delta: timedelta | None) -> int:
    return 0 if delta is None else round(delta / timedelta(milliseconds=1))


def _at(expr: pp.VectorSelector | pp.SubqueryExpr) -> At:
    if expr.at is None:
        return None
    if expr.at.type == pp.AtModifierType.Start:
        return "start"
    if expr.at.type == pp.AtModifierType.End:
        return "end"
    # Read from the text: the parser's own conversion panics before 1970, where its text says 0.
    written = _AT_NUMBER.search(str(expr))
    at_ms = round(float(written[1]) * 1000) if written else -1
    if at_ms == 0 and _AT_SECONDS.findall(repr(expr))[-1:] != ["0"]:
        at_ms = -1
    if not 0 <= at_ms <= _LATEST_MS:
        raise PromQLUnsupported(f"the time in {_shown(str(expr))}", hint="use Unix seconds, from 0")
    return at_ms


def _selector(expr: pp.VectorSelector) -> Selector:
    if expr.matchers.or_matchers:
        raise PromQLUnsupported("`or` between matchers", hint="write two selectors joined by `or`")
    named = [Matcher("__name__", "=", expr.name)] if expr.name else []
    matchers = [_matcher(matcher) for matcher in expr.matchers.matchers]
    return Selector(tuple(named + matchers), _milliseconds(expr.offset), _at(expr))


def _matcher(matcher: pp.Matcher) -> Matcher:
    if matcher.op == pp.MatchOp.Equal:
        return Matcher(matcher.name, "=", matcher.value)
    if matcher.op == pp.MatchOp.NotEqual:
        return Matcher(matcher.name, "!=", matcher.value)
    operator = "=~" if matcher.op == pp.MatchOp.Re else "!~"
    return Matcher(matcher.name, operator, matcher.value)


def _subquery(expr: pp.SubqueryExpr) -> Subquery:
    if expr.range is None:
        raise PromQLError(f"the subquery {expr} has no range")
    step = None if expr.step is None else _milliseconds(expr.step)
    return Subquery(
        _convert(expr.expr), _milliseconds(expr.range), step, _milliseconds(expr.offset), _at(expr)
    )


def _call(expr: pp.Call) -> Call:
    name = expr.func.name
    if name not in FUNCTIONS:
        raise PromQLUnsupported(f"function {name}", hint=_HINT)
    return Call(name, tuple(_convert(arg) for arg in expr.args))


def _aggregation(expr: pp.AggregateExpr) -> Aggregation:
    op = str(expr.op)
    if op not in AGGREGATIONS:
        raise PromQLUnsupported(f"aggregation {op}", hint=_HINT)
    modifier = expr.modifier
    grouping = Grouping(without=False, labels=())
    if modifier is not None:
        without = modifier.type == pp.AggModifierType.Without
        grouping = Grouping(without, tuple(modifier.labels))
    param = None if expr.param is None else _convert(expr.param)
    return Aggregation(op, _convert(expr.expr), param, grouping)


def _binary(expr: pp.BinaryExpr) -> Binary:
    op = str(expr.op)
    if op not in _OPERATORS:
        raise PromQLUnsupported(f"operator {op}", hint=_HINT)
    modifier = expr.modifier
    returns_bool = modifier is not None and modifier.return_bool
    matching = Matching() if modifier is None else _matching(modifier)
    return Binary(op, _convert(expr.lhs), _convert(expr.rhs), returns_bool, matching)


def _matching(modifier: pp.BinModifier) -> Matching:
    labels = modifier.matching
    return Matching(
        cardinality=_cardinality(modifier),
        on=labels is not None and labels.type == pp.LabelModifierType.Include,
        labels=() if labels is None else tuple(labels.labels),
        include=tuple(modifier.group_labels or ()),
        fill_left=modifier.fill_values.lhs,
        fill_right=modifier.fill_values.rhs,
    )


def _cardinality(modifier: pp.BinModifier) -> Cardinality:
    if modifier.card == pp.VectorMatchCardinality.ManyToOne:
        return "many-to-one"
    if modifier.card == pp.VectorMatchCardinality.OneToMany:
        return "one-to-many"
    if modifier.card == pp.VectorMatchCardinality.ManyToMany:
        return "many-to-many"
    return "one-to-one"
