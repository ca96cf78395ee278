"""From believed causes to the action that mitigates one: planned whole, before anything is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from holdfast.diagnosis.board import Board
from holdfast.diagnosis.identity import action_id
from holdfast.diagnosis.judge import Judged
from holdfast.diagnosis.scene import Scene
from holdfast.diagnosis.signals import Gap
from holdfast.model.action import Action, ExpectedEffect, WorldState
from holdfast.model.base import content_hash
from holdfast.model.case import ActionCase, Case
from holdfast.model.change import Change
from holdfast.model.evidence import Vector
from holdfast.model.runbook import Runbook
from holdfast.model.slo import SLO
from holdfast.reasoning import narrate
from holdfast.reasoning.effects import is_told_apart, one_relieved, users_well
from holdfast.reasoning.runbook_calls import Mitigation, mitigation_of

_NEARLY_ALL_PERCENT = 97.0
"""A measured share above it is all of the traffic: what is left are requests under way."""

_Turn = tuple[Judged, Mitigation, ExpectedEffect | None]

MOST_TRIES = 3
"""How often one plan is made for a world that then turns out to have moved."""


def plan_action(
    board: Board, case: Case, scene: Scene, runbooks: Mapping[str, Runbook]
) -> Action | tuple[Gap, ...]:
    """Return the action on the likeliest cause that can be mitigated, or why there is none.

    Where several causes act at once, each is mitigated in its turn. The first are those whose
    relief can be measured while the others go on; the last brings users back.
    """
    left = [cause for cause in board.leading if scene.effect_of(cause.hypothesis.id) is None]
    found = [(cause, mitigation_of(cause, scene, runbooks)) for cause in left]
    gaps = [made for _, made in found if isinstance(made, Gap)]
    if scene.slo is None:
        return tuple(gaps) or (_no_objective(scene),) if left else ()
    ready = [(cause, made) for cause, made in found if isinstance(made, Mitigation)]
    for cause, mitigation, effect in _in_turn(ready, left, board, scene, scene.slo):
        if effect is None:
            gaps.append(Gap(narrate.in_doubt(mitigation.runbook.title)))
            continue
        planned = _planned(cause, mitigation, effect, case, scene)
        if isinstance(planned, Action):
            return planned
        gaps.append(planned)
    return tuple(gaps)


def _no_objective(scene: Scene) -> Gap:
    return Gap(f"no objective of {scene.target} would show whether an action helps")


def _in_turn(
    ready: Sequence[tuple[Judged, Mitigation]],
    left: Sequence[Judged],
    board: Board,
    scene: Scene,
    slo: SLO,
) -> list[_Turn]:
    """Return the mitigations in the order of their turn, each with the effect expected of it.

    None = it is not to be acted on: a likelier cause is not decided, and what came of the action
    could not be told from that one's doings.
    """
    others = scene.other_slos if board.others_were_met else ()
    apart: list[_Turn] = []
    whole: list[_Turn] = []
    for cause, made in ready:
        doubts = board.doubts_about(cause)
        rivals = (*left, *doubts)
        remaining = [c for c in rivals if c.hypothesis.service != cause.hypothesis.service]
        if remaining and is_told_apart(made.target, remaining, scene):
            apart.append((cause, made, one_relieved(made.target, remaining, scene, slo)))
        else:
            whole.append((cause, made, None if doubts else users_well(scene, slo, others)))
    return [*apart, *whole]


def has_moved(item: ActionCase) -> bool:
    """Whether nothing came of an action only because the world had moved since it was planned."""
    if item.claims:
        last = item.performances[-1] if item.performances else None
        return last is not None and last.part == "act" and last.drifted
    return item.guard is not None and item.guard.drifted


def is_under_way(item: ActionCase) -> bool:
    """Whether more is to come of an action: a decision, an answer, a verdict, its undo."""
    if item.claimed("undo"):
        return item.outcome_of("undo") in (None, "unknown")
    if item.claimed("act"):
        outcome = item.outcome_of("act")
        return outcome != "failed" and (item.verdict is None or item.verdict.effect != "seen")
    return item.guard is None or item.guard.decision != "deny"


def is_relief(item: ActionCase) -> bool:
    """Whether it took away one of several causes, and the others are left to mitigate."""
    seen = item.verdict is not None and item.verdict.effect == "seen"
    return seen and item.action.expected_effect.partial


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


def _planned(
    cause: Judged, made: Mitigation, effect: ExpectedEffect, case: Case, scene: Scene
) -> Action | Gap:
    """Return the action, or why it is not planned, or not once more."""
    change = made.change
    of_release = change is not None and not change.setting
    world = serving(cause, case, scene, change) if change and of_release else made.world
    if world is None:
        return Gap(f"{_version(change)} of {made.target} is not measured to serve")
    tries = [a for a in case.actions.values() if a.action.plan == made.act and has_moved(a)]
    if reason := _no_further_try(tries):
        return reason
    action = _action(cause, made, effect, scene, world, len(tries))
    return Gap(narrate.already_tried(action)) if action.id in case.actions else action


def _no_further_try(tries: Sequence[ActionCase]) -> Gap | None:
    """A plan is made anew for a world that has moved: a few times, and never twice for the same."""
    if len(tries) >= MOST_TRIES:
        return Gap(f"the world moved on at every try: {tries[-1].action.title}")
    refused = [item.action.preconditions for item in tries if item.claims]
    if len(refused) > 1 and refused[-1] == refused[-2]:
        return Gap(f"it was refused twice in the same state of the world: {tries[-1].action.title}")
    return None


def _action(
    cause: Judged,
    made: Mitigation,
    effect: ExpectedEffect,
    scene: Scene,
    world: WorldState,
    tries: int,
) -> Action:
    plan_hash = content_hash(made.act)
    again = f"-{tries + 1}" if tries else ""
    return Action(
        id=action_id(scene, plan_hash + again),
        hypothesis_id=cause.hypothesis.id,
        title=_title(made),
        plan=made.act,
        target=made.target,
        risk=made.runbook.risk,
        blast_radius=f"all requests of {made.target}; {_aside(made)}",
        preconditions=world,
        expected_effect=effect,
        effect_probe=made.probe,
        undo=made.undo,
        idempotency_key=f"{scene.incident_id}-{plan_hash[:16]}{again}",
    )


def _title(made: Mitigation) -> str:
    change = made.change
    if change is None:
        return made.runbook.title
    if change.setting:
        return (
            f"Set {change.setting} of {change.service} back "
            f"from {change.to_value} to {change.from_value}"
        )
    return f"Roll {change.service} back from {change.to_version} to {change.from_version}"


def _aside(made: Mitigation) -> str:
    """Say what else the action takes away or touches."""
    change = made.change
    if change is None:
        return f"what “{made.runbook.title}” gives up is missed until it is undone"
    if change.setting:
        return f"what {change.setting} was changed for is given up until it is changed again"
    return (
        f"requests under way at the change may fail, "
        f"and what {change.to_version} brought with it is gone until it is released again"
    )


def _version(change: Change | None) -> str:
    return str(change.to_version) if change else "the version"
