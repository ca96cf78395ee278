"""How much two equal arms differ by chance, and for how long: the floor under every paired test.

The log ratio of two equal arms is taken as white noise (sampling) plus a first-order
autoregression (hosts, caches, garbage collection). Its autocovariance is then
`variance` at lag 0 and `persistent_variance · persistence^k` at lag k, which gives the variance of
a mean over any number of intervals in closed form (Brockwell and Davis, Time Series, §7.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from holdfast.delivery.judge.records import PairedNoise

Floats = NDArray[np.float64]

MIN_HISTORY_INTERVALS = 30
"""Below so many paired intervals of history a noise is not learnt."""

SMALLEST_LOG_SD = 0.005
"""No two arms are believed to be more equal than half a percent."""

PRIOR_INTERVALS = 60
"""How many present intervals weigh as much as the history."""

MAX_PERSISTENCE = 0.95
_LAGS = 5


def fit_noise(log_ratios: Sequence[float | None]) -> PairedNoise | None:
    """Return the noise of equal arms, from log ratios in the order of time; None = a gap.

    Taken about zero, not about their mean: a lasting difference of equal arms is noise too.
    Returns None below MIN_HISTORY_INTERVALS values.
    """
    values = np.array([math.nan if one is None else one for one in log_ratios], dtype=np.float64)
    known = int(np.isfinite(values).sum())
    if known < MIN_HISTORY_INTERVALS:
        return None
    return _fit(values, known)


def _fit(values: Floats, known: int) -> PairedNoise:
    covariances = [_lagged(values, lag) for lag in range(_LAGS + 2)]
    variance = max(covariances[0], SMALLEST_LOG_SD**2)
    persistence = _persistence(covariances)
    powers = persistence ** np.arange(1, _LAGS + 1)
    weight = float(powers @ powers)
    shared = float(np.array(covariances[1 : _LAGS + 1]) @ powers) / weight if weight > 0 else 0.0
    return PairedNoise(
        variance=variance,
        persistent_variance=min(max(shared, 0.0), variance),
        persistence=persistence,
        intervals=known,
    )


def _lagged(values: Floats, lag: int) -> float:
    """Return the autocovariance about zero, over the pairs that are both known."""
    products = values[: len(values) - lag] * values[lag:]
    products = products[np.isfinite(products)]
    return float(products.mean()) if len(products) else 0.0


def _persistence(covariances: Sequence[float]) -> float:
    """Return the decay of the autocovariance from lag 1 on, by least squares."""
    before, after = np.array(covariances[1:-1]), np.array(covariances[2:])
    total = float(before @ before)
    decay = float(before @ after) / total if total > 0 else 0.0
    return min(max(decay, 0.0), MAX_PERSISTENCE)


def mean_variance(noise: PairedNoise, intervals: int) -> float:
    """Return the variance of the mean of so many consecutive log ratios."""
    carried = noise.persistent_variance * _carry(noise.persistence, intervals)
    return (noise.variance + carried) / intervals


@cache
def _carry(persistence: float, intervals: int) -> float:
    """Return 2·Σ(1 - k/n)·persistence^k for k from 1 to n-1."""
    lags = np.arange(1, intervals)
    return 2 * float(((1 - lags / intervals) * persistence**lags).sum())


def present_inflation(log_ratios: Floats, noise: PairedNoise) -> float:
    """Return by what factor (≥ 1) the present is noisier than the history, in variance.

    The present counts by its median absolute deviation, which a fault in a minority of intervals
    hardly moves: an intermittent fault must not hide behind the variance that it makes itself.
    """
    count = len(log_ratios)
    ordered = np.sort(log_ratios)
    apart = np.sort(np.abs(ordered - _middle(ordered)))
    present = (1.4826 * _middle(apart)) ** 2
    pooled = (PRIOR_INTERVALS * noise.variance + count * present) / (PRIOR_INTERVALS + count)
    return max(1.0, pooled / noise.variance)


def _middle(ordered: Floats) -> float:
    half = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[half])
    return float(ordered[half - 1] + ordered[half]) / 2
