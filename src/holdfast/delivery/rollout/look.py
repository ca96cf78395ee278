"""One look at a step of a rollout: asked, judged, and kept as evidence. Needs no deployer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from holdfast.delivery.judge.records import ArmMeasurements, Calibration, JudgePlan
from holdfast.delivery.rollout.calibration import own_history_calibration
from holdfast.delivery.rollout.measure import Arms, Ask, Span, measure_arms, measure_one
from holdfast.delivery.rollout.report import verdict_evidence
from holdfast.delivery.rollout.step import StepVerdict, judge_plan, step_verdict
from holdfast.model.evidence import Evidence
from holdfast.model.policy import CanaryPolicy, CanaryStep
from holdfast.model.service import Service

HISTORY_INTERVALS = 120
"""How much of the stable version's own history is asked for."""

History = tuple[ArmMeasurements | None, ...]


@dataclass(frozen=True)
class Measuring:
    """Where and by which policy a service's arms are measured."""

    ask: Ask
    service: Service
    canary: CanaryPolicy
    resolution_seconds: float

    def span(self, since: float, until: float) -> Span:
        """Return the intervals between two Unix times."""
        return Span(since, until, self.canary.interval_seconds, self.resolution_seconds)


@dataclass(frozen=True)
class StepUnderWay:
    """A step whose shares were set at `since` (Unix seconds), as planned before it began."""

    arms: Arms
    step: CanaryStep
    plan: JudgePlan
    calibration: Calibration
    since: float


@dataclass(frozen=True)
class Look:
    """What a look came to. Of the evidence, the verdict's own stands last."""

    verdict: StepVerdict
    evidence: tuple[Evidence, ...]
    problems: tuple[str, ...]


def own_history(measuring: Measuring, version: str, until: float) -> History:
    """Return what a version did alone, up to `until`: before it got a rival."""
    length = HISTORY_INTERVALS * measuring.canary.interval_seconds
    since = until - length - 2 * measuring.resolution_seconds
    span = measuring.span(since, until)
    return measure_one(measuring.ask, measuring.service, version, span)[0]


def begin_step(
    measuring: Measuring,
    arms: Arms,
    step: CanaryStep,
    *,
    since: float,
    history: Sequence[ArmMeasurements | None],
    equal_arms: Calibration | None = None,
) -> StepUnderWay:
    """Return a step with its plan and the noise to expect: of equal arms, else by own history.

    The same arguments give the same step again, so that nothing need be kept between two looks.
    """
    plan = judge_plan(measuring.canary, step)
    fraction = arms.candidate_percent / 100
    own = own_history_calibration(history, plan, canary_fraction=fraction)
    return StepUnderWay(arms, step, plan, equal_arms or own, since)


def look(measuring: Measuring, at: StepUnderWay, now: datetime) -> Look:
    """Measure a step from its beginning up to `now`, and judge it."""
    measured = measure_arms(
        measuring.ask, measuring.service, at.arms, measuring.span(at.since, now.timestamp())
    )
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
        service=measuring.service.name,
        arms=at.arms,
        plan=at.plan,
        intervals=measured.intervals,
        judged_at=now,
    )
    return Look(verdict, (*measured.evidence, judged), measured.problems)
