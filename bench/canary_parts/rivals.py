"""What Holdfast's judge is measured against: Kayenta's classifier restated, and a static limit."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NORMAL_99 = 2.3263478740408408
"""Kayenta's 98 % confidence interval, two-sided."""

KAYENTA_PRECISION = 0.25
ALLOWED_INCREASE = 1.0
STATIC_FAILURES = 5


def kayenta_high(canary: Floats, baseline: Floats) -> Bools:
    """Return which runs Kayenta classifies High; both arrays are (runs, minutes).

    Hodges-Lehmann shift with the normal-approximation interval of the Mann-Whitney statistic, tie
    and continuity corrected; High if the lower end exceeds a quarter of the shift and the ratio of
    the means is at least `allowedIncrease` (default 1.0). One metric: High fails the group score.
    """
    runs, minutes = canary.shape
    shifts = (canary[:, :, None] - baseline[:, None, :]).reshape(runs, -1)
    pairs = minutes * minutes
    spread = np.sqrt(pairs / 12 * (2 * minutes + 1 - _ties(canary, baseline)))
    rank = np.ceil(pairs / 2 + 0.5 + NORMAL_99 * spread).astype(int)
    wanted = np.clip(pairs - rank, 0, pairs - 1)
    middle = [(pairs - 1) // 2, pairs // 2]
    ordered = np.partition(shifts, sorted({*wanted.tolist(), *middle}), axis=1)
    median = ordered[:, middle].mean(axis=1)
    low = ordered[np.arange(runs), wanted]
    precise = (rank <= pairs) & (low > KAYENTA_PRECISION * np.abs(median))
    return precise & (canary.mean(axis=1) >= ALLOWED_INCREASE * baseline.mean(axis=1))


def _ties(canary: Floats, baseline: Floats) -> Floats:
    """Return the tie correction of the variance, of ties within the arms."""
    total = 2 * canary.shape[1]
    cubes = np.zeros(len(canary))
    for arm in (canary, baseline):
        if not (np.diff(np.sort(arm, axis=1), axis=1) == 0).any():
            continue
        equal = (arm[:, :, None] == arm[:, None, :]).sum(axis=2)
        cubes += (equal**2 - 1).sum(axis=1)
    return cubes / (total * (total - 1))


def kayenta_once(canary: Floats, baseline: Floats) -> Floats:
    """Return the minute of the alarm, infinite without one: judged once, at the end."""
    minutes = canary.shape[1]
    return np.where(kayenta_high(canary, baseline), float(minutes), math.inf)


def kayenta_each_minute(canary: Floats, baseline: Floats) -> Floats:
    """Return the minute of the first alarm, judged anew each minute from the third."""
    found = np.full(len(canary), math.inf)
    for minute in range(3, canary.shape[1] + 1):
        open_runs = np.flatnonzero(np.isinf(found))
        if not len(open_runs):
            break
        high = kayenta_high(canary[open_runs, :minute], baseline[open_runs, :minute])
        found[open_runs[high]] = minute
    return found


def static_limit(canary: Floats, limit: float) -> Floats:
    """Return the minute of the fifth value above a fixed limit (Flagger's way)."""
    failures = np.cumsum(canary > limit, axis=1)
    reached = failures >= STATIC_FAILURES
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, math.inf)
