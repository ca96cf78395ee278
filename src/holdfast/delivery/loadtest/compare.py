"""Candidate against good: the ratio of each percentile, with an interval by block bootstrap.

Requests close in time share what the machine does to them, so whole stretches of time are drawn,
the same ones for both arms (they had the same schedule). The draws work on histograms of 0.5 %
resolution, as an HDR histogram does; the ratio itself is of the exact percentiles.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from holdfast.delivery.loadtest.measure import Floats, effective_seconds, percentile
from holdfast.delivery.loadtest.records import Ratio
from holdfast.delivery.loadtest.wire import ArmSamples

DRAWS = 1000
FEWEST_STRETCHES = 8
MOST_STRETCHES = 60
_STEP = float(np.log(1.005))
_LEAST_SECONDS = 1e-5
_FRACTIONS = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}

Whole = NDArray[np.int64]


def compare(
    candidate: ArmSamples,
    good: ArmSamples,
    *,
    duration_seconds: float,
    timeout_seconds: float,
    seed: int,
) -> tuple[Ratio, ...]:
    """Return the ratio of each percentile that both arms have."""
    took = [effective_seconds(arm, timeout_seconds) for arm in (candidate, good)]
    stretches = int(min(MOST_STRETCHES, duration_seconds / 0.25))
    drawn = None
    if stretches >= FEWEST_STRETCHES and all(seconds.size for seconds in took):
        placed = [_stretch_of(arm, duration_seconds, stretches) for arm in (candidate, good)]
        drawn = _draw(placed, took, stretches, seed)
    return tuple(
        found
        for name, fraction in _FRACTIONS.items()
        if (found := _ratio(name, fraction, took, drawn)) is not None
    )


def _ratio(
    name: str, fraction: float, took: Sequence[Floats], drawn: Sequence[Floats] | None
) -> Ratio | None:
    above, below = (percentile(seconds, fraction) for seconds in took)
    if above is None or not below:
        return None
    if drawn is None:
        return Ratio(measure=name, ratio=above / below, low=None, high=None)
    first, second = (_log_percentiles(running, fraction) for running in drawn)
    low, high = np.quantile(np.exp(first - second), (0.025, 0.975))
    return Ratio(measure=name, ratio=above / below, low=float(low), high=float(high))


def _stretch_of(arm: ArmSamples, duration_seconds: float, stretches: int) -> Whole:
    starts = np.asarray(arm.starts, dtype=np.float64)
    return np.clip(starts / duration_seconds * stretches, 0, stretches - 1).astype(np.int64)


def _draw(
    placed: Sequence[Whole], took: Sequence[Floats], stretches: int, seed: int
) -> list[Floats]:
    """Return each arm's running histogram (columns) in each draw of stretches (rows)."""
    chance = np.random.default_rng(seed)
    even = np.full(stretches, 1 / stretches)
    weights = chance.multinomial(stretches, even, size=DRAWS).astype(np.float64)
    logs = [np.log(np.maximum(seconds, _LEAST_SECONDS)) / _STEP for seconds in took]
    least = min(float(log.min()) for log in logs)
    width = int(max(float(log.max()) for log in logs) - least) + 1
    running: list[Floats] = []
    for stretch, log in zip(placed, logs, strict=True):
        cells = stretch * width + (log - least).astype(np.int64)
        counts = np.bincount(cells, minlength=stretches * width).reshape(stretches, width)
        running.append(np.cumsum(weights @ counts.astype(np.float64), axis=1))
    return running


def _log_percentiles(running: Floats, fraction: float) -> Floats:
    reached = running >= np.ceil(running[:, -1:] * fraction)
    return np.argmax(reached, axis=1) * _STEP
