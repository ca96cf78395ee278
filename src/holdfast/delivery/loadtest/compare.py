"""Candidate against good: the ratio of each percentile, with an interval by block bootstrap.

Requests close in time share what the machine does to them, so whole stretches of time are drawn,
the same ones for both arms (they had the same schedule). The draws work on histograms of 0.5 %
resolution, as an HDR histogram does; the ratio itself is of the exact percentiles.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.delivery.loadtest.measure import Floats, effective_seconds, percentile
from holdfast.delivery.loadtest.records import Ratio
from holdfast.delivery.loadtest.wire import ArmSamples

DRAWS = 1000
FEWEST_STRETCHES = 8
MOST_STRETCHES = 60
_RESOLUTION = 1.005
_LEAST_SECONDS = 1e-5
_FRACTIONS = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}

Counts = NDArray[np.int64]


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
    if stretches >= FEWEST_STRETCHES:
        counts = [
            _counts(_stretch_of(arm, duration_seconds, stretches), seconds, stretches)
            for arm, seconds in zip((candidate, good), took, strict=True)
        ]
        drawn = _draw(stretches, seed), counts[0], counts[1]
    return tuple(
        found
        for name, fraction in _FRACTIONS.items()
        if (found := _ratio(name, fraction, took[0], took[1], drawn)) is not None
    )


def _ratio(
    name: str,
    fraction: float,
    candidate: Floats,
    good: Floats,
    drawn: tuple[Counts, Counts, Counts] | None,
) -> Ratio | None:
    above, below = percentile(candidate, fraction), percentile(good, fraction)
    if above is None or not below:
        return None
    if drawn is None:
        return Ratio(measure=name, ratio=above / below, low=None, high=None)
    weights, first, second = drawn
    logs = _log_percentiles(weights @ first, fraction) - _log_percentiles(
        weights @ second, fraction
    )
    low, high = np.quantile(np.exp(logs), (0.025, 0.975))
    return Ratio(measure=name, ratio=above / below, low=float(low), high=float(high))


def _stretch_of(arm: ArmSamples, duration_seconds: float, stretches: int) -> Counts:
    starts = np.asarray(arm.starts, dtype=np.float64)
    return np.clip(starts / duration_seconds * stretches, 0, stretches - 1).astype(np.int64)


def _counts(stretch: Counts, seconds: Floats, stretches: int) -> Counts:
    """Return requests by stretch (rows) and bucket of latency (columns, logarithmic)."""
    most = int(np.log(1e3 / _LEAST_SECONDS) / np.log(_RESOLUTION))
    bucket = np.log(np.maximum(seconds, _LEAST_SECONDS) / _LEAST_SECONDS) / np.log(_RESOLUTION)
    counts = np.zeros((stretches, most + 1), dtype=np.int64)
    np.add.at(counts, (stretch, np.minimum(bucket.astype(np.int64), most)), 1)
    return counts


def _draw(stretches: int, seed: int) -> Counts:
    """Return how often each stretch is drawn, one row a draw."""
    chance = np.random.default_rng(seed)
    return chance.multinomial(stretches, np.full(stretches, 1 / stretches), size=DRAWS)


def _log_percentiles(counts: Counts, fraction: float) -> Floats:
    running = np.cumsum(counts, axis=1)
    reached = running >= np.ceil(running[:, -1:] * fraction)
    return np.argmax(reached, axis=1) * np.log(_RESOLUTION)
