"""A canary step, judged on both arms at the client's side: goes on, or is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from holdfast.actions.fix_steps import steps_taken
from holdfast.delivery.judge.records import ArmMeasurements, Decision, JudgePlan, Metric
from holdfast.delivery.rollout.look import (
    History,
    Look,
    Measuring,
    StepUnderWay,
    begin_step,
    look,
)
from holdfast.delivery.rollout.measure import Arms, measure_one
from holdfast.delivery.rollout.step import StepDecision, judge_plan
from holdfast.engine.investigating import keep
from holdfast.engine.world import World
from holdfast.ledger.store import Entry
from holdfast.model.action import Action, Verdict
from holdfast.model.case import ActionCase, Case
from holdfast.model.event import CanaryLooked
from holdfast.model.policy import CanaryPolicy, CanaryStep

_EFFECTS: dict[Decision, Literal["seen", "not_seen", "no_data"]] = {
    Decision.PROMOTE: "seen",
    Decision.ROLL_BACK: "not_seen",
    Decision.INCONCLUSIVE: "no_data",
}


def judge_canary(
    case: Case, latest: ActionCase, world: World
) -> tuple[Verdict | None, tuple[Entry, ...]]:
    """Look at the step where a look is due, and return what it comes to.

    A look that decides nothing is told as well: a person who waits sees what is missing.
    """
    canary = world.read_policy().canary
    step = step_of(latest.action, canary)
    intervals, over = _progress(latest, step, canary, world)
    if not over and not _is_due(intervals, latest, judge_plan(canary, step)):
        return None, ()
    found = _look(case, latest, step, canary, world)
    told = (*keep(found.evidence[-1]), _told(latest, found, intervals))
    if found.verdict.decision is StepDecision.KEEP_LOOKING:
        return None, told
    return _verdict(latest, found), (*keep(*found.evidence[:-1]), *told)


def step_of(action: Action, canary: CanaryPolicy) -> CanaryStep:
    """Return the step that an action carries out; a halved one has twice its time."""
    percent = float(action.plan.parameters["percent"])
    ahead = [step for step in canary.steps if step.percent >= percent] or list(canary.steps[-1:])
    halved = percent < ahead[0].percent
    return CanaryStep(
        percent=percent, duration_seconds=ahead[0].duration_seconds * (2 if halved else 1)
    )


def _progress(
    latest: ActionCase, step: CanaryStep, canary: CanaryPolicy, world: World
) -> tuple[int, bool]:
    """Return how many whole intervals the step has had, and whether its time is over."""
    began, now = latest.performed_at[-1].timestamp(), world.now()
    resolution = world.config.metrics.resolution_seconds
    intervals = int((now - began - 2 * resolution) // canary.interval_seconds)
    return max(0, intervals), now - began >= step.duration_seconds


def _is_due(intervals: int, latest: ActionCase, plan: JudgePlan) -> bool:
    """Whether the plan decides at some count of intervals since the last look.

    Behind the last planned one, gaps may have kept it from deciding: then at each interval.
    """
    seen = latest.looks[-1].look if latest.looks else 0
    planned = any(seen < count <= intervals for count in plan.looks)
    return planned or intervals > max(seen, plan.looks[-1])


def _look(
    case: Case, latest: ActionCase, step: CanaryStep, canary: CanaryPolicy, world: World
) -> Look:
    service = world.services[latest.action.target]
    resolution = world.config.metrics.resolution_seconds
    measuring = Measuring(world.toolbox.ask, service, canary, resolution)
    return look(measuring, _under_way(case, latest, step, measuring), world.clock())


def _under_way(
    case: Case, latest: ActionCase, step: CanaryStep, measuring: Measuring
) -> StepUnderWay:
    """Return the step with its plan, and the noise that the good version has when it is alone."""
    parameters = latest.action.plan.parameters
    stable = str(parameters["stable_version"])
    return begin_step(
        measuring,
        Arms(stable, str(parameters["version"]), step.percent),
        step,
        since=latest.performed_at[-1].timestamp(),
        history=_history(case, stable, measuring),
    )


def _history(case: Case, stable: str, measuring: Measuring) -> History:
    """Return what the good version did alone and in health: before the trouble, and since it ended.

    The trouble itself and its aftermath would pass for noise, in which any difference drowns.
    """
    found: list[ArmMeasurements | None] = []
    for since, until in _healthy_spans(case):
        span = measuring.span(since, until)
        found += [*measure_one(measuring.ask, measuring.service, stable, span)[0], None]
    return tuple(found)


def _healthy_spans(case: Case) -> Iterator[tuple[float, float]]:
    triage, well = case.triage, case.milestones.get("mitigated")
    if triage is not None and triage.healthy_from and triage.healthy_to:
        yield triage.healthy_from.timestamp(), triage.healthy_to.timestamp()
    first = next(a for a in steps_taken(case) if a.action.purpose == "canary")
    if well is not None:
        yield well.at.timestamp(), first.claimed_at[0].timestamp()


def _told(latest: ActionCase, found: Look, intervals: int) -> Entry:
    looked = CanaryLooked(
        action_id=latest.action.id,
        look=intervals,
        decision=found.verdict.canary.decision.value,
        reason="; ".join((found.verdict.reason, *found.problems)),
        evidence_ids=(found.evidence[-1].id,),
    )
    return f"action:{latest.action.id}:look:{len(latest.looks) + 1}", looked


def _verdict(latest: ActionCase, found: Look) -> Verdict:
    judged = found.verdict.canary
    ratios = {metric.metric: metric.effect_ratio for metric in judged.metrics}
    *measured, verdict = found.evidence
    return Verdict(
        action_id=latest.action.id,
        effect=_EFFECTS[judged.decision],
        measured=ratios.get(Metric.LATENCY_MEAN),
        expected=f"{latest.action.expected_effect.statement}: {found.verdict.reason}",
        held_seconds=found.verdict.elapsed_seconds,
        evidence_ids=(verdict.id, *(item.id for item in measured)),
    )
