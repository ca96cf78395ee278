"""One look at a step of a rollout, and one at the objectives after it: asked, judged, told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from holdfast.delivery.judge.records import ArmMeasurements, Calibration, JudgePlan
from holdfast.delivery.rollout.calibration import own_history_calibration
from holdfast.delivery.rollout.measure import Arms, Span, measure_arms, measure_one
from holdfast.delivery.rollout.objectives import bad_fraction, number_of
from holdfast.delivery.rollout.records import Looked, RolloutWorld, Watched
from holdfast.delivery.rollout.report import verdict_evidence
from holdfast.delivery.rollout.step import judge_plan, step_verdict
from holdfast.model.evidence import Evidence
from holdfast.model.policy import CanaryStep

HISTORY_INTERVALS = 120
"""How much of the stable version's own history is asked for."""

History = tuple[ArmMeasurements | None, ...]


@dataclass(frozen=True)
class StepUnderWay:
    """A step whose shares were set at `since` (Unix seconds). `number` counts from 1."""

    arms: Arms
    step: CanaryStep
    number: int
    of: int
    plan: JudgePlan
    calibration: Calibration
    since: float


def own_history(world: RolloutWorld, version: str) -> History:
    """Return what the version did alone, up to now."""
    now, canary = world.now(), world.canary
    since = now - HISTORY_INTERVALS * canary.interval_seconds - 2 * world.resolution_seconds
    return measure_one(world.ask, world.service, version, _span(world, since))[0]


def prepare(
    world: RolloutWorld, arms: Arms, step: CanaryStep, history: History
) -> tuple[JudgePlan, Calibration]:
    """Return the plan of a step and the noise to expect, before it begins."""
    plan = judge_plan(world.canary, step)
    fraction = arms.candidate_percent / 100
    own = own_history_calibration(history, plan, canary_fraction=fraction)
    return plan, world.calibration or own


def look(world: RolloutWorld, at: StepUnderWay) -> tuple[Looked, tuple[Evidence, ...]]:
    """Measure and judge a step; return the look, and its evidence, the verdict's own last."""
    measured = measure_arms(world.ask, world.service, at.arms, _span(world, at.since))
    now = world.clock()
    verdict = step_verdict(
        measured.intervals,
        at.plan,
        at.calibration,
        step=at.step,
        step_started_at=datetime.fromtimestamp(at.since, UTC),
        now=now,
    )
    judged = verdict_evidence(
        verdict.canary,
        service=world.service.name,
        arms=at.arms,
        plan=at.plan,
        intervals=measured.intervals,
        judged_at=now,
    )
    looked = Looked(
        at=now,
        step=at.number,
        steps=at.of,
        percent=at.arms.candidate_percent,
        verdict=verdict,
        problems=measured.problems,
    )
    return looked, (*measured.evidence, judged)


def look_at_objectives(
    world: RolloutWorld, since: float
) -> tuple[tuple[Watched, ...], tuple[Evidence, ...]]:
    """Measure each objective over the time since the promotion."""
    now = world.now()
    window_seconds = max(now - since, 2 * world.resolution_seconds)
    found: list[Watched] = []
    kept: list[Evidence] = []
    for slo in world.objectives:
        answer = bad_fraction(world.ask, slo, window_seconds, now)
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


def _span(world: RolloutWorld, since: float) -> Span:
    return Span(since, world.now(), world.canary.interval_seconds, world.resolution_seconds)
