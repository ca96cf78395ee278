"""The canary judge: both arms' measurements in, one of three verdicts out. Pure.

Roll back if any metric is shown worse than its margin. Promote only if every required metric is
shown good enough over the whole plan, the arms were loaded as planned and enough was asked of the
canary. Anything else is inconclusive: no data, a gap or a doubt never lets a canary go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from holdfast.delivery.judge.records import (
    Calibration,
    CanaryVerdict,
    Decision,
    Interval,
    JudgePlan,
    MetricPlan,
    MetricVerdict,
    SplitCheck,
)
from holdfast.delivery.judge.series import checked
from holdfast.delivery.judge.split import check_split
from holdfast.delivery.judge.verdicts import judge_metric


def judge(
    intervals: Sequence[Interval],
    plan: JudgePlan,
    calibration: Calibration,
    *,
    judged_at: datetime,
) -> CanaryVerdict:
    """Return the verdict on all intervals since the canary began, in the order of time.

    May be asked after every interval: the alpha of the plan covers all looks and metrics. Give
    every interval each time; what was shown at an earlier look stays shown. `judged_at` (UTC) says
    up to when measurements were due. Raises InputError for intervals out of order.
    """
    known = checked(intervals)
    metrics = tuple(
        judge_metric(known, one, plan, calibration, judged_at=judged_at) for one in plan.metrics
    )
    split = check_split(known, plan)
    decision, reason = _overall(known, plan, metrics, split)
    return CanaryVerdict(
        decision=decision,
        reason=reason,
        metrics=metrics,
        split=split,
        baseline_requests=sum(one.baseline.requests for one in known),
        canary_requests=sum(one.canary.requests for one in known),
        canary_failed_requests=_failed(known),
    )


def _overall(
    intervals: Sequence[Interval],
    plan: JudgePlan,
    metrics: Sequence[MetricVerdict],
    split: SplitCheck,
) -> tuple[Decision, str]:
    worse = [one for one in metrics if one.decision is Decision.ROLL_BACK]
    if worse:
        said = "; ".join(f"{one.metric} {one.reason}" for one in worse)
        return Decision.ROLL_BACK, said if split.matches else f"{said}; besides, {split.reason}"
    doubts = [] if split.matches else [split.reason]
    doubts += _too_little(intervals, plan)
    doubts += [
        f"{one.metric}: {one.reason}"
        for one, wanted in zip(metrics, plan.metrics, strict=True)
        if not _lets_pass(one, wanted)
    ]
    if doubts:
        return Decision.INCONCLUSIVE, "; ".join(doubts)
    passed = [str(one.metric) for one in metrics if one.decision is Decision.PROMOTE]
    if not passed:
        return Decision.INCONCLUSIVE, "no metric was measured"
    return Decision.PROMOTE, f"shown good enough: {', '.join(passed)}"


def _lets_pass(verdict: MetricVerdict, wanted: MetricPlan) -> bool:
    """Return whether a metric stands in no promotion's way.

    One that is not required may never have been measured; one that was measured must be shown.
    """
    absent = verdict.paired_intervals == 0 and not wanted.required
    return absent or verdict.decision is Decision.PROMOTE


def _too_little(intervals: Sequence[Interval], plan: JudgePlan) -> list[str]:
    arms = {
        "baseline": sum(one.baseline.requests for one in intervals),
        "canary": sum(one.canary.requests for one in intervals),
    }
    return [
        f"the {arm} got {requests} requests, {plan.min_requests_per_arm} are needed"
        for arm, requests in arms.items()
        if requests < plan.min_requests_per_arm
    ]


def _failed(intervals: Sequence[Interval]) -> int | None:
    counts = [one.canary.failed_requests for one in intervals]
    known = [one for one in counts if one is not None]
    return sum(known) if known and len(known) == len(counts) else None
