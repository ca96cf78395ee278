"""How much a difference between the arms means nothing, where no two arms were ever equal.

A/A history (two arms of one version: `judge.calibrate`) says it best, and is rare. Without it the
stable version's own history must do, from when it served alone. What one interval of it differs
from the next by is its sampling noise and whatever else is quick; the noise of a ratio of two arms
follows by their shares of the requests, as variances of means do: v/p + v/(1 - p). What lasts
between two arms (another host, another cache) cannot be seen in one arm alone and is assumed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

from holdfast.delivery.judge.counts import ErrorCounts, dispersion
from holdfast.delivery.judge.noise import MIN_HISTORY_INTERVALS, SMALLEST_LOG_SD
from holdfast.delivery.judge.records import (
    ArmMeasurements,
    Calibration,
    JudgePlan,
    Metric,
    MetricNoise,
    MetricPlan,
    PairedNoise,
)

ASSUMED_LASTING_LOG_SD = 0.03
"""By so much (as a ratio: 3 %) two equal arms may differ for a while. Not measured: assumed."""

ASSUMED_PERSISTENCE = 0.9
"""From one interval to the next."""


def own_history_calibration(
    history: Sequence[ArmMeasurements | None], plan: JudgePlan, *, canary_fraction: float
) -> Calibration:
    """Return the noise to expect of two arms, from one version's intervals; None = a gap.

    `history`: of the length that the canary is judged by, with all of the traffic, in order. A
    metric with fewer than 30 known steps from one interval to the next is left out: the judge then
    says nothing of it before 30 intervals. No verdict from it counts as calibrated.
    """
    found: list[MetricNoise] = []
    for metric in plan.metrics:
        if metric.metric is not Metric.ERRORS:
            noise = _noise(_logs(history, metric), canary_fraction)
            if noise is not None:
                found.append(MetricNoise(metric=metric.metric, noise=noise))
    counts = [
        ErrorCounts(one.failed_requests, one.requests, 0, 0)
        for one in history
        if one is not None and one.failed_requests is not None
    ]
    return Calibration(
        paired=tuple(found), error_dispersion=dispersion(counts), from_equal_arms=False
    )


def _logs(history: Iterable[ArmMeasurements | None], metric: MetricPlan) -> list[float | None]:
    values = [None if one is None else one.value(metric.metric) for one in history]
    return [
        None
        if value is None or value + metric.resolution <= 0
        else math.log(value + metric.resolution)
        for value in values
    ]


def _noise(logs: Sequence[float | None], canary_fraction: float) -> PairedNoise | None:
    pairs = itertools.pairwise(logs)
    steps = [after - before for before, after in pairs if before is not None and after is not None]
    if len(steps) < MIN_HISTORY_INTERVALS:
        return None
    quick = sum(step * step for step in steps) / len(steps) / 2
    lasting = ASSUMED_LASTING_LOG_SD**2
    variance = quick * (1 / canary_fraction + 1 / (1 - canary_fraction)) + lasting
    return PairedNoise(
        variance=max(variance, SMALLEST_LOG_SD**2),
        persistent_variance=lasting,
        persistence=ASSUMED_PERSISTENCE,
        intervals=len(steps),
    )
