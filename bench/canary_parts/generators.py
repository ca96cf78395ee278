"""Made-up canaries, with the truth known: both arms share a drift, each has noise of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MINUTES = 60
HISTORY_MINUTES = 480
REQUESTS_PER_MINUTE = 600
DRIFT_SD, DRIFT_PERSISTENCE = 0.15, 0.9
REQUEST_LOG_SD = 0.5
SLOW_SHARE_OF_HEALTHY_DEVIATES = 1.6448536269514722
"""A request is slow above the 95th percentile of a healthy arm."""

INTERMITTENT_SHARE, INTERMITTENT_FACTOR = 0.3, 2.0
BURST = 5


@dataclass(frozen=True)
class Noise:
    """An arm's own noise: stationary standard deviation of the log, and its AR(1) persistence."""

    sd: float
    persistence: float


@dataclass(frozen=True)
class LatencyRuns:
    """Mean latency per minute, 1 = healthy, (runs, minutes); what the canary served slowly."""

    canary: Floats
    baseline: Floats
    slow_requests: Floats


def autoregression(chance: np.random.Generator, shape: tuple[int, int], noise: Noise) -> Floats:
    """Return a stationary AR(1) process along the minutes."""
    found = chance.normal(0.0, noise.sd, shape)
    fresh = math.sqrt(1 - noise.persistence**2)
    for minute in range(1, shape[1]):
        found[:, minute] = noise.persistence * found[:, minute - 1] + fresh * found[:, minute]
    return found


def latency_runs(
    chance: np.random.Generator, runs: int, minutes: int, noise: Noise, effect: str
) -> LatencyRuns:
    """Return runs of two arms; `effect` is `none`, `intermittent` or a share such as `0.2`."""
    shape = (runs, minutes)
    drift = autoregression(chance, shape, Noise(DRIFT_SD, DRIFT_PERSISTENCE))
    level = [np.exp(drift + autoregression(chance, shape, noise)) for _ in range(2)]
    level[0] *= effect_factor(chance, shape, effect)
    limit = SLOW_SHARE_OF_HEALTHY_DEVIATES - np.log(level[0]) / REQUEST_LOG_SD
    slow = REQUESTS_PER_MINUTE * erfc(limit / math.sqrt(2)) / 2
    canary, baseline = (one * sampling(chance, shape) for one in level)
    return LatencyRuns(canary, baseline, np.asarray(slow, dtype=np.float64))


def effect_factor(chance: np.random.Generator, shape: tuple[int, int], effect: str) -> Floats:
    """Return what the fault multiplies each minute of the canary by."""
    if effect == "none":
        return np.ones(shape)
    if effect == "intermittent":
        hit = chance.random(shape) < INTERMITTENT_SHARE
        return np.where(hit, INTERMITTENT_FACTOR, 1.0)
    return np.full(shape, 1.0 + float(effect))


def sampling(chance: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return the mean of a minute's requests over its expectation: lognormal, taken as normal."""
    sd = math.sqrt(math.expm1(REQUEST_LOG_SD**2) / REQUESTS_PER_MINUTE)
    return np.maximum(1 + chance.normal(0.0, sd, shape), 0.5)


def failures(
    chance: np.random.Generator, shape: tuple[int, int], requests: int, rate: float, *, burst: bool
) -> Counts:
    """Return failures per minute at a rate; in a burst, five fail together, at the same rate."""
    if burst:
        return np.minimum(requests, BURST * chance.poisson(requests * rate / BURST, shape))
    return chance.binomial(requests, rate, shape)
