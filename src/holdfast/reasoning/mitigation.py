"""From a believed cause to the action that mitigates it: planned whole, before anything is done."""

from __future__ import annotations

from collections.abc import Mapping

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
    return _rollback(cause, scene, scene.slo, change, runbook, world)


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
    cause: Judged, scene: Scene, slo: SLO, change: Change, runbook: Runbook, world: WorldState
) -> Action:
    service, bad, good = change.service, str(change.to_version), str(change.from_version)
    plan = _call(runbook, service, bad, good)
    plan_hash = content_hash(plan)
    identifier = action_id(scene, plan_hash)
    return Action(
        id=identifier,
        hypothesis_id=cause.hypothesis.id,
        title=f"Roll {service} back from {bad} to {good}",
        plan=plan,
        target=service,
        risk=runbook.risk,
        blast_radius=(
            f"all requests of {service}; requests under way at the change may fail, "
            f"and what {bad} brought with it is gone until it is released again"
        ),
        preconditions=world,
        expected_effect=_expected_effect(scene, slo),
        effect_probe=EffectProbe(service=service, version=good),
        undo=_call(runbook, service, good, bad),
        idempotency_key=f"{scene.incident_id}-{plan_hash[:16]}",
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
