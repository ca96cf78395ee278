"""From a believed cause to the action that mitigates it: planned whole, before anything is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from holdfast.diagnosis.identity import action_id
from holdfast.diagnosis.judge import Judged
from holdfast.diagnosis.scene import Scene
from holdfast.diagnosis.signals import Gap
from holdfast.model.action import (
    Action,
    EffectProbe,
    ExpectedEffect,
    Parameter,
    RunbookCall,
    WorldState,
)
from holdfast.model.base import content_hash
from holdfast.model.case import ActionCase, Case
from holdfast.model.change import Change
from holdfast.model.evidence import Vector
from holdfast.model.hypothesis import Bound
from holdfast.model.runbook import Runbook
from holdfast.model.slo import SLO
from holdfast.slo.rules import ratio_query

_NEARLY_ALL_PERCENT = 97.0
"""A measured share above it is all of the traffic: what is left are requests under way."""

MOST_TRIES = 3
"""How often one plan is made for a world that then turns out to have moved."""


class _Plan(NamedTuple):
    act: RunbookCall
    undo: RunbookCall


def plan_action(
    cause: Judged, case: Case, scene: Scene, runbooks: Mapping[str, Runbook]
) -> Action | Gap:
    """Return the action that mitigates a cause, or why there is none."""
    hypothesis, runbook_id = cause.hypothesis, cause.pattern.runbook_id
    runbook = runbooks.get(runbook_id or "")
    if runbook is None:
        return Gap(f"no runbook mitigates {hypothesis.mechanism} of {hypothesis.service}")
    change = scene.changes.get(hypothesis.change_id or "")
    if change is None or not change.from_version or not change.to_version:
        return Gap(f"the version of {hypothesis.service} to go back to is not recorded")
    if scene.slo is None:
        return Gap(f"no objective of {scene.target} would show whether an action helps")
    world = serving(cause, case, scene, change)
    if world is None:
        return Gap(f"{change.to_version} of {hypothesis.service} is not measured to serve")
    plan = _Plan(
        _call(runbook, change.service, str(change.to_version), str(change.from_version)),
        _call(runbook, change.service, str(change.from_version), str(change.to_version)),
    )
    tries = [a for a in case.actions.values() if a.action.plan == plan.act and has_moved(a)]
    if reason := _no_further_try(tries):
        return reason
    return _rollback(cause, scene, scene.slo, change, runbook, plan, world, len(tries))


def has_moved(item: ActionCase) -> bool:
    """Whether nothing came of an action only because the world had moved since it was planned."""
    if item.claims:
        last = item.performances[-1] if item.performances else None
        return last is not None and last.part == "act" and last.drifted
    return item.guard is not None and item.guard.drifted


def _no_further_try(tries: Sequence[ActionCase]) -> Gap | None:
    """A plan is made anew for a world that has moved: a few times, and never twice for the same."""
    if len(tries) >= MOST_TRIES:
        return Gap(f"the world moved on at every try: {tries[-1].action.title}")
    refused = [item.action.preconditions for item in tries if item.claims]
    if len(refused) > 1 and refused[-1] == refused[-2]:
        return Gap(f"it was refused twice in the same state of the world: {tries[-1].action.title}")
    return None


def serving(cause: Judged, case: Case, scene: Scene, change: Change) -> WorldState | None:
    """Return what was measured to serve: shares in whole percent; None where it is not known."""
    answer = cause.answer("serving")
    result = answer.result if answer else None
    kept = case.evidence.get(result.evidence_ids[0]) if result and result.evidence_ids else None
    if kept is None or not isinstance(kept.value, Vector):
        return None
    label = scene.services[change.service].version_label
    rates = {s.labels.get(label, ""): s.value for s in kept.value.samples if s.value > 0}
    bad, total = rates.get(change.to_version or "", 0.0), sum(rates.values())
    if bad <= 0:
        return None
    if 100 * bad / total >= _NEARLY_ALL_PERCENT or _has_just_finished(change, scene):
        return WorldState(versions={change.service: {str(change.to_version): 100.0}})
    shares = {version: float(round(100 * rate / total)) for version, rate in rates.items()}
    return WorldState(versions={change.service: shares})


def _has_just_finished(change: Change, scene: Scene) -> bool:
    """Whether the measured shares still mix in what served before the change was finished.

    Then all traffic is taken to have moved; the guard holds the plan to what it sees itself.
    """
    if change.finished_at is None:
        return False
    return 0 <= scene.now - change.finished_at.timestamp() < scene.shortest_window_seconds


def is_under_way(item: ActionCase) -> bool:
    """Whether more is to come of an action: a decision, an answer, a verdict, its undo."""
    if item.claimed("undo"):
        return item.outcome_of("undo") in (None, "unknown")
    if item.claimed("act"):
        outcome = item.outcome_of("act")
        return outcome != "failed" and (item.verdict is None or item.verdict.effect != "seen")
    return item.guard is None or item.guard.decision != "deny"


def _rollback(
    cause: Judged,
    scene: Scene,
    slo: SLO,
    change: Change,
    runbook: Runbook,
    plan: _Plan,
    world: WorldState,
    tries: int,
) -> Action:
    service, bad, good = change.service, str(change.to_version), str(change.from_version)
    plan_hash = content_hash(plan.act)
    again = f"-{tries + 1}" if tries else ""
    return Action(
        id=action_id(scene, plan_hash + again),
        hypothesis_id=cause.hypothesis.id,
        title=f"Roll {service} back from {bad} to {good}",
        plan=plan.act,
        target=service,
        risk=runbook.risk,
        blast_radius=(
            f"all requests of {service}; requests under way at the change may fail, "
            f"and what {bad} brought with it is gone until it is released again"
        ),
        preconditions=world,
        expected_effect=_expected_effect(scene, slo),
        effect_probe=EffectProbe(service=service, version=good),
        undo=plan.undo,
        idempotency_key=f"{scene.incident_id}-{plan_hash[:16]}{again}",
    )


def _call(runbook: Runbook, service: str, leave: str, serve: str) -> RunbookCall:
    parameters: dict[str, Parameter] = {
        "service": service,
        "from_version": leave,
        "to_version": serve,
    }
    return RunbookCall(runbook_id=runbook.id, parameters=parameters)


def _expected_effect(scene: Scene, slo: SLO) -> ExpectedEffect:
    return ExpectedEffect(
        statement=f"bad requests of {scene.target} are within the error budget ({slo.name})",
        query=ratio_query(slo, short_window_seconds(slo, scene)),
        bound=Bound(at_most=slo.error_budget_fraction, unit="of requests"),
        hold_seconds=scene.settings.hold_seconds,
        deadline_seconds=scene.settings.deadline_seconds,
    )


def short_window_seconds(slo: SLO, scene: Scene) -> float:
    """Return the shortest window of the objective's alerts that pages, or else of any."""
    pages = [tier for tier in slo.tiers if tier.action == "page"] or list(slo.tiers)
    shortest = min((tier.short_window_seconds for tier in pages), default=60.0)
    return max(shortest, scene.shortest_window_seconds) if not pages else shortest
