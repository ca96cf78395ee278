"""The objectives that a rollout must not break, and how much of their budgets is left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from holdfast.delivery.rollout.measure import Ask
from holdfast.model.evidence import Evidence, Vector
from holdfast.model.hypothesis import ToolCall
from holdfast.model.service import Service
from holdfast.model.slo import SLO
from holdfast.slo.budget import budget_spent_query
from holdfast.slo.rules import ratio_query


def objectives_of(
    service: str, services: Sequence[Service], slos: Iterable[SLO]
) -> tuple[SLO, ...]:
    """Return the objectives of a service and of those that call it, directly or not."""
    touched = {service}
    while more := {s.name for s in services if touched & set(s.depends_on)} - touched:
        touched |= more
    return tuple(slo for slo in slos if slo.service in touched)


def budget_remaining(ask: Ask, slos: Sequence[SLO], at: float) -> float | None:
    """Return the smallest fraction of a budget that is left (negative = overspent).

    None where there is no objective, or where that of any cannot be said.
    """
    spent = [number_of(_ask(ask, budget_spent_query(slo, slo.period_seconds), at)) for slo in slos]
    known = [one for one in spent if one is not None]
    return 1 - max(known) if known and len(known) == len(spent) else None


def bad_fraction(ask: Ask, slo: SLO, window_seconds: float, at: float) -> Evidence:
    """Ask for the fraction of bad events over the window that ends at `at` (Unix seconds)."""
    return _ask(ask, ratio_query(slo, window_seconds), at)


def number_of(evidence: Evidence) -> float | None:
    """Return the one number of an instant answer; None where there is none."""
    samples = evidence.value.samples if isinstance(evidence.value, Vector) else ()
    return samples[0].value if len(samples) == 1 else None


def _ask(ask: Ask, query: str, at: float) -> Evidence:
    return ask(ToolCall(tool="prometheus_query", arguments={"query": query, "time_range": at}))
