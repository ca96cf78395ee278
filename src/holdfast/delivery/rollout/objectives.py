"""The objectives that a rollout must not break, and how much of their budgets is left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from holdfast.delivery.rollout.measure import Ask
from holdfast.delivery.rollout.records import RolloutWorld, Watched
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


def look_at_objectives(
    world: RolloutWorld, since: float
) -> tuple[tuple[Watched, ...], tuple[Evidence, ...]]:
    """Measure each objective over the time since the promotion."""
    now = world.now()
    window_seconds = max(now - since, 2 * world.resolution_seconds)
    found: list[Watched] = []
    kept: list[Evidence] = []
    for slo in world.objectives:
        answer = _ask(world.ask, ratio_query(slo, window_seconds), now)
        kept.append(answer)
        found.append(
            Watched(
                at=world.clock(),
                slo=slo.name,
                bad_fraction=number_of(answer),
                at_most=slo.error_budget_fraction,
                elapsed_seconds=now - since,
            )
        )
    return tuple(found), tuple(kept)


def number_of(evidence: Evidence) -> float | None:
    """Return the one number of an instant answer; None where there is none."""
    samples = evidence.value.samples if isinstance(evidence.value, Vector) else ()
    return samples[0].value if len(samples) == 1 else None


def _ask(ask: Ask, query: str, at: float) -> Evidence:
    return ask(ToolCall(tool="prometheus_query", arguments={"query": query, "time_range": at}))
