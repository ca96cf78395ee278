"""The error budget, weighted by events: bad events over the bad events that the period allows.

A mean of ratios over time is wrong wherever traffic varies: a night's outage would weigh as much
as a day's. Here every request counts once. What is not known is `None`, never zero.
"""

from __future__ import annotations

import math
from typing import Literal

import promql_parser

from holdfast.catalog.template import fill, parse
from holdfast.errors import ConfigError
from holdfast.model.base import Record
from holdfast.model.evidence import Matrix
from holdfast.model.slo import SLO


class EventCounts(Record):
    """What was counted. None = no data; NaN is read as no data."""

    bad_events: float | None
    """In the window that is charged: an incident, or the whole period."""
    window_seconds: float
    period_events: float | None
    """All events of the SLO's period, as far as history reaches."""
    history_seconds: float | None
    """How far back the counters reach, at most the period; None = not known."""


class BudgetReading(Record):
    """How much of the period's budget the window spent. `statement` says what that rests on."""

    slo: str
    state: Literal["measured", "partial_history", "no_data", "contradictory"]
    allowed_bad_events: float | None
    spent_fraction: float | None
    """May exceed 1: more was spent than there was."""
    remaining_fraction: float | None
    """1 - spent; negative where overspent."""
    covered_fraction: float | None
    """How much of the period the history covers."""
    statement: str


def read_budget(slo: SLO, counts: EventCounts) -> BudgetReading:
    """Return what the counts say of the budget. Pure, and never a guess."""
    bad, total = _known(counts.bad_events), _known(counts.period_events)
    covered = _covered(counts.history_seconds, slo.period_seconds)
    if bad is None or total is None or total <= 0:
        missing = "bad events" if bad is None else "events of the period"
        return _unread(slo, "no_data", covered, f"no data: the {missing} could not be counted")
    if bad < 0 or bad > total * (1 + 1e-9):
        return _unread(
            slo,
            "contradictory",
            covered,
            "the queries contradict each other: more bad events than events; "
            "correct the SLO's indicator",
        )
    allowed = slo.error_budget_fraction * total
    return BudgetReading(
        slo=slo.name,
        state="measured" if covered == 1 else "partial_history",
        allowed_bad_events=allowed,
        spent_fraction=bad / allowed,
        remaining_fraction=1 - bad / allowed,
        covered_fraction=covered,
        statement=_statement(covered),
    )


def _known(count: float | None) -> float | None:
    return None if count is None or not math.isfinite(count) else count


def _covered(history_seconds: float | None, period_seconds: float) -> float | None:
    known = _known(history_seconds)
    return None if known is None else min(1.0, max(0.0, known / period_seconds))


def _statement(covered: float | None) -> str:
    if covered == 1:
        return "measured over the whole period"
    if covered is None:
        return (
            "how far back the counters reach is not known; if it is less than the period, "
            "the budget of the whole period is larger, and the fraction spent smaller"
        )
    return (
        "the counters do not reach back over the whole period: the fraction is of the budget of "
        "the events seen so far; of the whole period's budget it will be a smaller one"
    )


def _unread(
    slo: SLO,
    state: Literal["no_data", "contradictory"],
    covered: float | None,
    statement: str,
) -> BudgetReading:
    return BudgetReading(
        slo=slo.name,
        state=state,
        allowed_bad_events=None,
        spent_fraction=None,
        remaining_fraction=None,
        covered_fraction=covered,
        statement=statement,
    )


# ---- what to ask -----------------------------------------------------------------------------


def bad_events_query(slo: SLO, window_seconds: float) -> str:
    """Return PromQL for the number of bad events in the window."""
    return events_query(slo.indicator.bad_query, window_seconds)


def total_events_query(slo: SLO, window_seconds: float) -> str:
    """Return PromQL for the number of all events in the window."""
    return events_query(slo.indicator.total_query, window_seconds)


def budget_spent_query(slo: SLO, window_seconds: float) -> str:
    """Return PromQL for the fraction of the period's budget that the window spent."""
    bad = bad_events_query(slo, window_seconds)
    total = total_events_query(slo, slo.period_seconds)
    return f"({bad}) / ({slo.error_budget_fraction:.12g} * ({total}))"


def events_query(template: str, window_seconds: float) -> str:
    """Return PromQL for a count of events: rates become counts (increase = rate x window).

    Raises ConfigError for a template that has both rates and counts: its unit is unknown.
    """
    query = fill(template, window_seconds)
    functions = _functions(query)
    rates, counts = functions & {"rate", "irate"}, functions & {"increase", "delta"}
    if "irate" in rates:
        raise ConfigError(
            f"irate in {template!r} sees two samples of the window only", hint="use rate"
        )
    if rates and counts:
        raise ConfigError(
            f"{template!r} mixes rate and {', '.join(sorted(counts))}", hint="use rate alone"
        )
    return f"({query}) * {window_seconds:.12g}" if rates else query


def _functions(query: str) -> set[str]:
    found: set[str] = set()

    def note(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.Call):
            found.add(node.func.name)

    promql_parser.walk(parse(query), pre_visit=note)
    return found


def history_seconds(matrix: Matrix, end: float, period_seconds: float) -> float | None:
    """Return how far before `end` the first point of the total's series lies, at most the period.

    `matrix` is the answer to the total query over the period at a coarse step; None = no points.
    """
    starts = [series.points[0][0] for series in matrix.series if series.points]
    return min(period_seconds, end - min(starts)) if starts else None
