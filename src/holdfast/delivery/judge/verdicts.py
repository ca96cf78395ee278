"""What one metric says: shown worse, shown good enough, or neither, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.delivery.judge.counts import ErrorCounts, count_looks, failed_fraction_upper
from holdfast.delivery.judge.noise import MIN_HISTORY_INTERVALS
from holdfast.delivery.judge.paired import PairedLook, first_above, paired_looks
from holdfast.delivery.judge.records import (
    Calibration,
    Decision,
    Interval,
    JudgePlan,
    Metric,
    MetricPlan,
    MetricVerdict,
)
from holdfast.delivery.judge.series import Gaps, absent_since, error_counts, gaps, log_ratios


@dataclass(frozen=True)
class _Finding:
    """What a test came to, before gaps and exposure are weighed."""

    known: int
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    worse_at: int | None = None
    failed_fraction_below: float | None = None


def judge_metric(
    intervals: Sequence[Interval],
    metric: MetricPlan,
    plan: JudgePlan,
    calibration: Calibration,
    *,
    judged_at: datetime,
) -> MetricVerdict:
    """Return the verdict on one metric of checked intervals, gaps counted up to `judged_at`."""
    tail = (None,) * absent_since(intervals, judged_at)
    if metric.metric is Metric.ERRORS:
        counts = error_counts(intervals) + tail
        found = _errors(counts, metric, plan, calibration.error_dispersion or 1.0)
        missing, known = gaps(counts), calibration.error_dispersion is not None
    else:
        ratios = log_ratios(
            intervals,
            metric.metric,
            resolution=metric.resolution,
            min_requests=plan.min_requests_per_interval,
        )
        ratios += tail
        found = _paired(ratios, metric, plan, calibration)
        missing, known = gaps(ratios), calibration.noise(metric.metric) is not None
    decision, reason = _decide(found, missing, metric, plan)
    return MetricVerdict(
        metric=metric.metric,
        decision=decision,
        reason=reason,
        effect_ratio=found.effect,
        interval_low_ratio=found.low,
        interval_high_ratio=found.high,
        roll_back_above=metric.roll_back_above,
        promote_below=metric.promote_below,
        alpha=plan.alpha_of(metric),
        paired_intervals=found.known,
        gap_intervals=missing.missing,
        decided_at_interval=found.worse_at,
        calibrated=known and calibration.from_equal_arms,
    )


def _paired(
    ratios: Sequence[float | None], metric: MetricPlan, plan: JudgePlan, calibration: Calibration
) -> _Finding:
    known = [one for one in ratios if one is not None]
    looks = paired_looks(
        known,
        noise=calibration.noise(metric.metric),
        plan=plan,
        alpha=plan.alpha_of(metric),
    )
    worse = first_above(looks, metric.roll_back_above)
    shown = worse or (looks[-1] if looks else None)
    if shown is None:
        return _Finding(known=len(known), effect=_ratio_of(known))
    return _Finding(
        known=len(known),
        effect=math.exp(shown.mean),
        low=math.exp(shown.low),
        high=math.exp(shown.high),
        worse_at=_count(worse),
    )


def _ratio_of(log_values: Sequence[float]) -> float | None:
    return math.exp(sum(log_values) / len(log_values)) if log_values else None


def _count(look: PairedLook | None) -> int | None:
    return look.intervals if look else None


def _errors(
    counts: Sequence[ErrorCounts | None], metric: MetricPlan, plan: JudgePlan, dispersion: float
) -> _Finding:
    known = [one for one in counts if one is not None]
    alpha = plan.alpha_of(metric)
    looks = count_looks(
        known, margin_ratio=metric.roll_back_above, alpha=alpha, dispersion=dispersion
    )
    if not looks:
        return _Finding(known=0)
    worse = next((one for one in looks if one.log_e >= math.log(1 / alpha)), None)
    shown = worse or looks[-1]
    failed = sum(one.canary_failed for one in known)
    below = failed_fraction_upper(failed, sum(one.canary_requests for one in known), alpha)
    return _Finding(
        known=len(known),
        effect=shown.ratio,
        low=shown.low,
        high=shown.high if math.isfinite(shown.high) else None,
        worse_at=worse.intervals if worse else None,
        failed_fraction_below=below,
    )


def _decide(
    found: _Finding, missing: Gaps, metric: MetricPlan, plan: JudgePlan
) -> tuple[Decision, str]:
    """Return the decision and its reason. Worse is said first; then every reason for doubt."""
    if found.worse_at is not None:
        return Decision.ROLL_BACK, (
            f"shown above {metric.roll_back_above:g} times the baseline after "
            f"{found.worse_at} intervals: {_span(found)}"
        )
    doubt = _doubt(found, missing, plan)
    if doubt:
        return Decision.INCONCLUSIVE, doubt
    if found.high is not None and found.high < metric.promote_below:
        return Decision.PROMOTE, f"below {metric.promote_below:g} times: {_span(found)}"
    fraction, limit = found.failed_fraction_below, metric.promote_below_fraction
    if fraction is not None and limit is not None and fraction < limit:
        return Decision.PROMOTE, f"at most {fraction:.3%} of requests fail, under {limit:.3%}"
    return Decision.INCONCLUSIVE, (
        f"neither above {metric.roll_back_above:g} nor below {metric.promote_below:g} times "
        f"the baseline: {_span(found)}"
    )


def _doubt(found: _Finding, missing: Gaps, plan: JudgePlan) -> str:
    """Return why it may not be promoted yet, whatever the estimate; empty = no reason."""
    if not found.known:
        return f"no data: {missing.missing} of {missing.expected} intervals have no pair"
    if missing.trailing > plan.max_trailing_gap_intervals:
        return f"no data in the last {missing.trailing} intervals: a gap is not health"
    if missing.fraction > plan.max_gap_fraction:
        return f"no data in {missing.missing} of {missing.expected} intervals"
    if found.known < plan.horizon_intervals:
        return f"{found.known} of {plan.horizon_intervals} paired intervals"
    if found.low is None:
        return f"without A/A history at least {MIN_HISTORY_INTERVALS} intervals are needed"
    return ""


def _span(found: _Finding) -> str:
    effect = "ratio unknown" if found.effect is None else f"ratio {found.effect:.3g}"
    low = "0" if found.low is None else f"{found.low:.3g}"
    high = "no bound" if found.high is None else f"{found.high:.3g}"
    return f"{effect}, interval {low} to {high}"
