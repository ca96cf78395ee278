"""The paired test: does the canary's value stand above the baseline's, interval by interval?

Both arms share the load, the hour and the database; their ratio in the same interval does not.
So the log ratio is tested, with its noise from A/A history, and never one arm against another hour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.delivery.judge.boundary import look_boundaries, mixture_boundary
from holdfast.delivery.judge.noise import (
    MIN_HISTORY_INTERVALS,
    Floats,
    fit_noise,
    mean_variance,
    present_inflation,
)
from holdfast.delivery.judge.records import JudgePlan, Monitoring, PairedNoise


@dataclass(frozen=True)
class PairedLook:
    """One look: the mean log ratio and its bounds after so many paired intervals."""

    intervals: int
    mean: float
    low: float
    high: float


def paired_looks(
    log_ratios: Sequence[float], *, noise: PairedNoise | None, plan: JudgePlan, alpha: float
) -> tuple[PairedLook, ...]:
    """Return every look that the plan allows so far, in order.

    Without A/A noise the present must speak for itself: looks below MIN_HISTORY_INTERVALS are
    left out, and the noise is fitted about the present mean.
    """
    values = np.asarray(log_ratios, dtype=np.float64)
    found: list[PairedLook] = []
    for count, boundary in _schedule(len(values), plan, alpha):
        so_far = values[:count]
        error = _standard_error(so_far, noise)
        if error is not None:
            mean = float(so_far.mean())
            found.append(PairedLook(count, mean, mean - boundary * error, mean + boundary * error))
    return tuple(found)


def _schedule(known: int, plan: JudgePlan, alpha: float) -> list[tuple[int, float]]:
    """Return (count of intervals, boundary in standard errors) of each look that has come."""
    if plan.monitoring is Monitoring.EVERY_INTERVAL:
        counts = range(plan.looks[0], known + 1)
        return [(one, mixture_boundary(one, alpha, plan.aim_intervals)) for one in counts]
    boundaries = look_boundaries(plan.looks, alpha, plan.aim_intervals)
    return [pair for pair in zip(plan.looks, boundaries, strict=True) if pair[0] <= known]


def _standard_error(values: Floats, noise: PairedNoise | None) -> float | None:
    if noise is not None:
        inflation = present_inflation(values, noise)
        return math.sqrt(inflation * mean_variance(noise, len(values)))
    if len(values) < MIN_HISTORY_INTERVALS:
        return None
    own = fit_noise((values - values.mean()).tolist())
    return math.sqrt(mean_variance(own, len(values))) if own else None


def first_above(looks: Sequence[PairedLook], margin_ratio: float) -> PairedLook | None:
    """Return the first look whose whole interval is above a ratio, or None."""
    limit = math.log(margin_ratio)
    return next((one for one in looks if one.low > limit), None)
