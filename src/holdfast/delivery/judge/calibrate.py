"""A/A calibration: what two arms of the same version do in healthy history."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.delivery.judge.counts import dispersion
from holdfast.delivery.judge.noise import fit_noise
from holdfast.delivery.judge.records import Calibration, Interval, JudgePlan, Metric, MetricNoise
from holdfast.delivery.judge.series import checked, error_counts, log_ratios


def calibrate(history: Sequence[Interval], plan: JudgePlan) -> Calibration:
    """Return the noise between equal arms, per metric of the plan.

    `history`: intervals of the length that the canary will be judged by, both arms of the same
    version and healthy, in the order of time. A metric with too little of it is left out, and its
    verdict will say so. Raises InputError for intervals out of order.
    """
    intervals = checked(history)
    least = plan.min_requests_per_interval
    paired: list[MetricNoise] = []
    for one in plan.metrics:
        if one.metric is Metric.ERRORS:
            continue
        ratios = log_ratios(intervals, one.metric, resolution=one.resolution, min_requests=least)
        noise = fit_noise(ratios)
        if noise is not None:
            paired.append(MetricNoise(metric=one.metric, noise=noise))
    counts = [one for one in error_counts(intervals) if one is not None]
    return Calibration(paired=tuple(paired), error_dispersion=dispersion(counts))
