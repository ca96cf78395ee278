"""Expressions that are offered as an SLI: a quantile is a chart, not an SLI, and often wrong too.

A quantile cannot be added up over time or set against a budget of events; a fraction of events
faster than a bound can (The Site Reliability Workbook, chapter 2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser
from promql_parser import AggregateExpr, Call, Expr, MatrixSelector, VectorSelector

from holdfast.catalog.template import parse
from holdfast.errors import PromQLError
from holdfast.model.claim import CheckedClaim

_CALL = re.compile(r"[a-z_]\(|\b(?:by|without)\s*\(")
_OVER_TIME = {"rate", "increase", "irate", "delta"}


def looks_like_promql(text: str) -> bool:
    """Whether a text is meant as an expression: it has a call, `sum(`, or a range, `[5m]`."""
    return _CALL.search(text) is not None or re.search(r"\[\d+[a-z]+\]", text) is not None


def check_expression(text: str) -> CheckedClaim:
    """Return what is wrong with an expression as an SLI. Without a quantile: not understood."""
    expression = text.strip().strip("`").strip()
    try:
        parsed = parse(expression)
    except PromQLError as error:
        return CheckedClaim(statement=text, verdict="not_understood", notes=(error.message,))
    quantiles = [call for call in _calls(parsed) if call.func.name == "histogram_quantile"]
    if not quantiles:
        return CheckedClaim(
            statement=text,
            verdict="not_understood",
            notes=(
                "no quantile is in the expression, and nothing else of it can be checked alone",
            ),
        )
    metric = next((s.name for s in _selectors(parsed) if s.name), None) or "METRIC"
    base = re.sub(r"_bucket$", "", metric)
    return CheckedClaim(
        statement=text,
        verdict="wrong",
        claimed="a quantile as an SLI",
        actual=f'sum(rate({base}_bucket{{le="BOUND"}}[5m])) / sum(rate({base}_count[5m]))',
        arithmetic="an SLI is good events over all events; a quantile is a chart: quantiles cannot "
        "be added up over time, nor set against a budget of events",
        notes=tuple(_faults(quantiles[0], parsed)),
    )


def _faults(quantile: Call, parsed: Expr) -> Iterator[str]:
    selectors = list(_selectors(parsed))
    functions = {call.func.name for call in _calls(parsed)}
    buckets = [s for s in selectors if (s.name or "").endswith("_bucket")]
    if not functions & _OVER_TIME:
        yield (
            "without rate(…[5m]) it is the quantile of all that was ever counted since each "
            "process began"
        )
    if not buckets:
        yield (
            "of a classic histogram it answers nothing: it needs the _bucket series, "
            "sum by (le) (rate(…_bucket[5m])); only a native histogram is read by its own name"
        )
    elif not _keeps_le(quantile):
        yield "the label le is summed away: histogram_quantile needs sum by (le) (…)"
    if len(quantile.args) == 2 and isinstance(quantile.args[0], promql_parser.NumberLiteral):
        value = quantile.args[0].val
        if not 0 <= value <= 1:
            yield f"a quantile lies between 0 and 1; {value:g} answers an infinity"


def _keeps_le(quantile: Call) -> bool:
    aggregates = [e for e in _walk(quantile) if isinstance(e, AggregateExpr)]
    return all(_grouping_keeps_le(each) for each in aggregates)


def _grouping_keeps_le(aggregate: AggregateExpr) -> bool:
    modifier = aggregate.modifier
    if modifier is None:
        return False
    named = "le" in set(modifier.labels)
    return named if modifier.type == promql_parser.AggModifierType.By else not named


def _walk(expression: Expr) -> list[Expr]:
    found: list[Expr] = []
    promql_parser.walk(expression, pre_visit=found.append)
    return found


def _calls(expression: Expr) -> Iterator[Call]:
    yield from (node for node in _walk(expression) if isinstance(node, Call))


def _selectors(expression: Expr) -> Iterator[VectorSelector]:
    for node in _walk(expression):
        if isinstance(node, MatrixSelector):
            yield node.vector_selector
        elif isinstance(node, VectorSelector):
            yield node
