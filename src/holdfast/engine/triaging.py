"""Triage: how bad is it, since when, what changed lately. Measured, with the gaps named."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from holdfast.catalog.template import fill
from holdfast.diagnosis.scene import choose_slo
from holdfast.diagnosis.triage import (
    Onset,
    as_time,
    blind_spots,
    find_onset,
    is_young,
    patience_seconds,
    points_of,
    recent_changes,
    services_in_question,
)
from holdfast.engine.investigating import keep
from holdfast.engine.stage import Entries
from holdfast.engine.world import World
from holdfast.errors import EvidenceError
from holdfast.learning.figures import make_figure
from holdfast.ledger.store import Entry
from holdfast.model.case import Case
from holdfast.model.change import Change
from holdfast.model.event import MilestoneReached, StatusChanged, Triaged
from holdfast.model.evidence import Evidence, Outcome, Table
from holdfast.model.figure import Derivation, Figure
from holdfast.model.hypothesis import Argument, ToolCall
from holdfast.model.incident import Impact, Milestone, Status
from holdfast.model.service import Signal
from holdfast.model.slo import SLO
from holdfast.reasoning.reasoner import Proposal
from holdfast.slo.budget import bad_events_query, budget_spent_query, total_events_query
from holdfast.slo.rules import ratio_query

_SAMPLES_PER_WINDOW = 4
_CHANGES_LOOKBACK_SECONDS = 3600.0


@dataclass
class _Findings:
    """What triage has measured so far."""

    figures: dict[str, Figure] = field(default_factory=dict[str, Figure])
    evidence: list[Evidence] = field(default_factory=list[Evidence])
    gaps: list[str] = field(default_factory=list[str])


def triage(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Measure the impact, date the onset, list what changed, and say what could not be asked.

    An alert may fire on trouble that is too young to be dated: then it is looked at again shortly.
    """
    del proposal
    now = world.now()
    slo = choose_slo(case.opened, {slo.name: slo for slo in world.config.slos})
    found = _Findings()
    acknowledged = Milestone(name="acknowledged", at=world.clock())
    onset = _onset(slo, now, world, found) if slo else None
    if onset is None and _too_young(case, slo, now, world, found):
        return
    if slo is None:
        found.gaps.append(f"{case.opened.service} has no objective: its impact is not measured")
    else:
        _impact(case, slo, onset, now, world, found)
    triaged = _triaged(case, onset, now, world, found)
    entries: list[Entry] = [
        *keep(*found.evidence),
        ("triaged", triaged),
        ("milestone:acknowledged", MilestoneReached(milestone=acknowledged)),
        ("status:active", StatusChanged(status=Status.ACTIVE, reason="triage is done")),
    ]
    if onset is not None:
        began = Milestone(
            name="impact_started",
            at=as_time(onset.at),
            evidence_ids=(found.evidence[0].id,),
            estimated=True,
        )
        entries.append(("milestone:impact_started", MilestoneReached(milestone=began)))
    yield entries


def _triaged(
    case: Case, onset: Onset | None, now: float, world: World, found: _Findings
) -> Triaged:
    services = services_in_question(case.opened.service, world.services)
    changes = _changes(world, now, found)
    spots = blind_spots(case.opened.service, world.services)
    return Triaged(
        impact=Impact(figures=found.figures),
        changes=recent_changes(
            changes,
            services,
            onset=onset.at if onset else None,
            now=now,
            lookback_seconds=_CHANGES_LOOKBACK_SECONDS,
        ),
        services=services,
        onset=as_time(onset.at) if onset else None,
        healthy_from=as_time(onset.healthy[0]) if onset and onset.healthy else None,
        healthy_to=as_time(onset.healthy[1]) if onset and onset.healthy else None,
        gaps=(*found.gaps, *(f"{name} is called and not in the catalog" for name in spots)),
    )


def _onset(slo: SLO, now: float, world: World, found: _Findings) -> Onset | None:
    """Ask for the bad ratio over time, and date where it left its healthy band."""
    resolution = world.config.metrics.resolution_seconds
    longest = max((tier.long_window_seconds for tier in slo.tiers), default=0.0)
    comparison = world.config.comparison_window_seconds
    end = math.floor(now / resolution) * resolution
    start = end - math.ceil((comparison + longest) / resolution) * resolution
    query = ratio_query(slo, _SAMPLES_PER_WINDOW * resolution)
    answer = _ask(
        world, found, "prometheus_query", query=query, time_range=(start, end, resolution)
    )
    if answer.outcome is not Outcome.DATA:
        found.gaps.append(f"when it began: {answer.error or 'no data'} ({slo.name})")
        return None
    return find_onset(
        points_of(answer),
        budget_fraction=slo.error_budget_fraction,
        comparison_seconds=comparison,
    )


def _too_young(case: Case, slo: SLO | None, now: float, world: World, found: _Findings) -> bool:
    """Whether an alert fires on trouble that the next samples will date."""
    patience = patience_seconds(world.config.metrics.resolution_seconds)
    if slo is None or case.opened.alert is None or now - case.opened_at.timestamp() > patience:
        return False
    asked = found.evidence[0]
    is_told = asked.outcome is Outcome.DATA
    return is_told and is_young(points_of(asked), budget_fraction=slo.error_budget_fraction)


def _impact(
    case: Case, slo: SLO, onset: Onset | None, now: float, world: World, found: _Findings
) -> None:
    window = max(1.0, math.ceil(now - onset.at)) if onset else slo.tiers[0].long_window_seconds
    bad = "slow_requests" if slo.kind == "latency" else "failed_requests"
    counts = {
        "requests": (total_events_query(slo, window), "count"),
        bad: (bad_events_query(slo, window), "count"),
        "budget_spent_fraction": (budget_spent_query(slo, window), "percent"),
        "sli_now": (f"1 - {ratio_query(slo, window)}", "percent"),
    }
    for name, (query, style) in counts.items():
        _measure(name, query, now, style, world, found)
    p95 = world.services[case.opened.service].signals.get(Signal.LATENCY_P95)
    if p95 is not None:
        _measure("latency_p95_seconds_now", fill(p95, window), now, "duration", world, found)
    if onset is not None and onset.healthy is not None:
        _before(slo, p95, onset.healthy, world, found)
    _users(case, slo, window, now, world, found)


def _before(
    slo: SLO, p95: str | None, healthy: tuple[float, float], world: World, found: _Findings
) -> None:
    window, at = max(1.0, math.floor(healthy[1] - healthy[0])), healthy[1]
    _measure("sli_before", f"1 - {ratio_query(slo, window)}", at, "percent", world, found)
    if p95 is not None:
        query = fill(p95, window)
        _measure("latency_p95_seconds_before", query, at, "duration", world, found)


def _users(case: Case, slo: SLO, window: float, now: float, world: World, found: _Findings) -> None:
    """Count the users who had a slow or failed request, where logs carry users."""
    service = world.services[case.opened.service]
    if service.logs is None:
        return
    answer = _ask(
        world,
        found,
        "get_request_impact",
        service=service.name,
        lookback_minutes=window / 60,
        slow_seconds=slo.threshold_seconds or 1.0,
        until=now,
    )
    users = Derivation(
        function="cell",
        evidence_ids=(answer.id,),
        parameters={"key_column": "version", "key": "*", "column": "users_affected"},
    )
    _add(found, "users_affected", users, answer, "count")


def _changes(world: World, now: float, found: _Findings) -> tuple[Change, ...]:
    minutes = _CHANGES_LOOKBACK_SECONDS / 60
    answer = _ask(world, found, "get_recent_changes", lookback_minutes=minutes, until=now)
    if answer.outcome is Outcome.ERROR:
        found.gaps.append(f"what changed lately: {answer.error}")
    if not isinstance(answer.value, Table):
        return ()
    columns = answer.value.columns
    return tuple(
        Change.model_validate(dict(zip(columns, row, strict=True))) for row in answer.value.rows
    )


def _measure(name: str, query: str, at: float, style: str, world: World, found: _Findings) -> None:
    answer = _ask(world, found, "prometheus_query", query=query, time_range=at)
    wanted = Derivation(function="largest", evidence_ids=(answer.id,))
    _add(found, name, wanted, answer, style)


def _add(found: _Findings, name: str, derivation: Derivation, answer: Evidence, style: str) -> None:
    try:
        figure = make_figure(name, derivation, {answer.id: answer}, style=style)
    except EvidenceError as error:
        found.gaps.append(f"{name}: {error}")
        return
    found.figures[name] = figure
    if figure.value is None:
        found.gaps.append(f"{name}: {answer.error or 'no data'}")


def _ask(world: World, found: _Findings, tool: str, **arguments: Argument) -> Evidence:
    answer = world.toolbox.ask(ToolCall(tool=tool, arguments=arguments))
    found.evidence.append(answer)
    return answer
