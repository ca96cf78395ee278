"""How a rollout goes on: its steps, the judge's plan for each, and what a look comes to. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from holdfast.delivery.judge.judge import judge
from holdfast.delivery.judge.records import (
    DEFAULT_METRICS,
    Calibration,
    CanaryVerdict,
    Decision,
    Interval,
    JudgePlan,
    Metric,
    MetricPlan,
)
from holdfast.model.base import Record
from holdfast.model.policy import CanaryPolicy, CanaryStep

HORIZON_FRACTION = 0.8
"""After this part of a step's intervals it may go on: a fifth of them may be missing (the judge's
`max_gap_fraction`) before its time is over."""

LOOKS = (3, 5, 7, 10, 15, 20, 30, 45, 60)
_LATER_LOOKS = 1.5
_AIM_INTERVALS = 10
_MOST_PER_INTERVAL = 20
CPU_JUDGED_PERCENT = (25.0, 75.0)
"""A process has a fixed cost of processor time; shared by few requests it looks like a slow-down.
So processor time a request is compared only while both arms have much traffic."""


class StepDecision(StrEnum):
    """What becomes of a step at a look."""

    GO_ON = "go_on"
    TAKE_BACK = "take_back"
    KEEP_LOOKING = "keep_looking"


class StepVerdict(Record):
    """A look at a step: what the judge says, and what follows from it now."""

    decision: StepDecision
    reason: str
    elapsed_seconds: float
    canary: CanaryVerdict


def rollout_steps(
    canary: CanaryPolicy, budget_remaining_fraction: float | None
) -> tuple[CanaryStep, ...]:
    """Return the steps, by the fraction of the error budget that is left (None = unknown).

    At most `careful_below_budget_fraction`, or unknown: the first step has half its share. None
    left: every step has; a policy that sets that bound below 0 puts this off to there. A halved
    step may take twice its time: it is judged on as many requests, at half of them a second.
    """
    careful_below = canary.careful_below_budget_fraction
    first, *others = canary.steps
    if budget_remaining_fraction is None or math.isnan(budget_remaining_fraction):
        return (_halved(first), *others)
    if budget_remaining_fraction <= min(0.0, careful_below):
        return tuple(_halved(step) for step in canary.steps)
    if budget_remaining_fraction <= careful_below:
        return (_halved(first), *others)
    return canary.steps


def _halved(step: CanaryStep) -> CanaryStep:
    return step.model_copy(
        update={"percent": step.percent / 2, "duration_seconds": step.duration_seconds * 2}
    )


def judge_plan(canary: CanaryPolicy, step: CanaryStep) -> JudgePlan:
    """Return what the judge is told before a step begins.

    Alpha is shared evenly by the policy's steps. The policy's margins are those of latency; those
    of the other metrics are the judge's defaults, and never narrower than the policy's.
    """
    intervals = max(1, math.floor(step.duration_seconds / canary.interval_seconds))
    horizon = max(1, math.floor(intervals * HORIZON_FRACTION))
    return JudgePlan(
        alpha=canary.alpha / len(canary.steps),
        metrics=_metrics(canary, step),
        looks=looks_until(horizon),
        aim_intervals=min(_AIM_INTERVALS, horizon),
        min_requests_per_arm=canary.min_requests,
        min_requests_per_interval=max(1, min(_MOST_PER_INTERVAL, canary.min_requests // horizon)),
    )


def looks_until(horizon: int) -> tuple[int, ...]:
    """Return the counts of intervals at which is looked, the last being the horizon."""
    found = [look for look in LOOKS if look < horizon]
    while (later := math.ceil(max(found, default=horizon) * _LATER_LOOKS)) < horizon:
        found.append(later)
    return (*found, horizon)


def _metrics(canary: CanaryPolicy, step: CanaryStep) -> tuple[MetricPlan, ...]:
    low, high = CPU_JUDGED_PERCENT
    comparable = low <= step.percent <= high
    return tuple(
        _with_margins(metric, canary)
        for metric in DEFAULT_METRICS
        if metric.metric is not Metric.CPU or comparable
    )


def _with_margins(metric: MetricPlan, canary: CanaryPolicy) -> MetricPlan:
    if metric.metric is Metric.LATENCY_MEAN:
        margins = {
            "roll_back_above": canary.roll_back_above,
            "promote_below": canary.promote_below,
        }
    else:
        margins = {
            "roll_back_above": max(metric.roll_back_above, canary.roll_back_above),
            "promote_below": max(metric.promote_below, canary.promote_below),
        }
    if metric.metric is Metric.ERRORS:
        margins["promote_below_fraction"] = canary.failed_fraction_at_most
    return metric.model_copy(update=margins)


def step_verdict(
    intervals: Sequence[Interval],
    plan: JudgePlan,
    calibration: Calibration,
    *,
    step: CanaryStep,
    step_started_at: datetime,
    now: datetime,
) -> StepVerdict:
    """Return what a look comes to. `intervals`: all of the step so far, in order.

    Shown worse is taken back at once; shown good enough goes on. Anything else is looked at again
    until the step's time is over, and is then taken back: no data never lets a candidate go on.
    """
    verdict = judge(intervals, plan, calibration, judged_at=now)
    elapsed_seconds = (now - step_started_at).total_seconds()
    decision, reason = _decide(verdict, elapsed_seconds, step.duration_seconds)
    return StepVerdict(
        decision=decision, reason=reason, elapsed_seconds=elapsed_seconds, canary=verdict
    )


def _decide(
    verdict: CanaryVerdict, elapsed_seconds: float, duration_seconds: float
) -> tuple[StepDecision, str]:
    if verdict.decision is Decision.ROLL_BACK:
        return StepDecision.TAKE_BACK, verdict.reason
    if verdict.decision is Decision.PROMOTE:
        return StepDecision.GO_ON, verdict.reason
    if elapsed_seconds >= duration_seconds:
        over = f"inconclusive when its {duration_seconds:g} s were over: {verdict.reason}"
        return StepDecision.TAKE_BACK, over
    return StepDecision.KEEP_LOOKING, verdict.reason
