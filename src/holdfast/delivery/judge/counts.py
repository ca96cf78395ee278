"""The test for failures: an e-process on how they fall to the arms, valid at every look.

Given the failures of an interval, the canary's are binomial; odds = rate ratio times its requests
over the baseline's (both arms Poisson). The e-process is the likelihood of a beta mixture of rate
ratios above the tested one against the tested one: a beta-binomial whose split may move between
intervals, so it is summed over a fixed grid. By Ville's inequality it exceeds 1/alpha with at most
probability alpha, at whatever time one looks (Lindon, Sanden and Shirikian, KDD 2022).

"Always valid" assumes that failures are exchangeable. They come in bursts: so the exponent is
divided by the dispersion seen between equal arms, and requests are never counted one by one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MIN_INTERVALS = 30
"""Below so many intervals of history a dispersion is not learnt."""

_RATIOS_LOG2 = (-10.0, 14.0)
_STEPS_PER_OCTAVE = 8
_PRIOR = 0.5


@dataclass(frozen=True)
class ErrorCounts:
    """Failures and requests of both arms in one interval."""

    canary_failed: int
    canary_requests: int
    baseline_failed: int
    baseline_requests: int


@dataclass(frozen=True)
class CountLook:
    """After so many intervals: the rate ratio and its bounds, and log e against the margin."""

    intervals: int
    ratio: float | None
    low: float
    high: float
    log_e: float


@lru_cache(maxsize=16)
def _ratios(margin: float) -> tuple[Floats, Floats]:
    """Return the grid of rate ratios, the margin among them, and the log of its prior."""
    low, high = _RATIOS_LOG2
    even = 2.0 ** np.linspace(low, high, round((high - low) * _STEPS_PER_OCTAVE) + 1)
    grid = np.unique(np.append(even, margin))
    share = grid / (1 + grid)
    middles = np.concatenate(([0.0], (share[:-1] + share[1:]) / 2, [1.0]))
    arcsine = np.arcsin(np.sqrt(middles)) * 2 / math.pi
    return grid, np.log(np.diff(arcsine))


def count_looks(
    counts: Sequence[ErrorCounts], *, margin_ratio: float, alpha: float, dispersion: float
) -> tuple[CountLook, ...]:
    """Return a look after each interval. Bounds are running ones: they only ever tighten."""
    grid, log_prior = _ratios(margin_ratio)
    likelihood = np.cumsum([_log_likelihood(one, grid) for one in counts], axis=0) / dispersion
    if not len(likelihood):
        return ()
    above = _log_e(likelihood, log_prior)
    below = _log_e(likelihood[:, ::-1], log_prior[::-1])[:, ::-1]
    limit = math.log(1 / alpha)
    lows = np.maximum.accumulate(_bound(above >= limit, grid, upper=False))
    highs = np.minimum.accumulate(_bound(below >= limit, grid, upper=True))
    at_margin = above[:, int(np.searchsorted(grid, margin_ratio))]
    columns = zip(_rate_ratios(counts), lows.tolist(), highs.tolist(), at_margin, strict=True)
    return tuple(
        CountLook(at, ratio, low, high, float(log_e))
        for at, (ratio, low, high, log_e) in enumerate(columns, start=1)
    )


def _log_likelihood(one: ErrorCounts, grid: Floats) -> Floats:
    """Return the log likelihood of the split of one interval's failures, per rate ratio."""
    if not (one.canary_requests and one.baseline_requests):
        return np.zeros_like(grid)
    odds = grid * (one.canary_requests / one.baseline_requests)
    return one.canary_failed * np.log(odds) - (one.canary_failed + one.baseline_failed) * np.log1p(
        odds
    )


def _log_e(likelihood: Floats, log_prior: Floats) -> Floats:
    """Return log e against each ratio, of the mixture over the ratios after it in the grid."""
    joint = (likelihood + log_prior)[:, ::-1]
    total = np.logaddexp.accumulate(joint, axis=1)[:, ::-1]
    weight = np.logaddexp.accumulate(log_prior[::-1])[::-1]
    after = np.full_like(likelihood, -np.inf)
    after[:, :-1] = (total - weight)[:, 1:] - likelihood[:, :-1]
    return after


def _bound(refuted: NDArray[np.bool_], grid: Floats, *, upper: bool) -> Floats:
    """Return per look the outermost end of what is not refuted."""
    if upper:
        edge = np.where(refuted, grid, np.inf).min(axis=1)
        return np.asarray(edge, dtype=np.float64)
    return np.asarray(np.where(refuted, grid, 0.0).max(axis=1), dtype=np.float64)


def _rate_ratios(counts: Sequence[ErrorCounts]) -> list[float | None]:
    """Return per look the canary's failed fraction over the baseline's; None over zero."""
    fields = [
        (one.canary_failed, one.canary_requests, one.baseline_failed, one.baseline_requests)
        for one in counts
    ]
    totals = np.cumsum(np.array(fields, dtype=np.float64), axis=0).tolist()
    return [(a * d) / (c * b) if c and b else None for a, b, c, d in totals]


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def failed_fraction_upper(failed: int, requests: int, alpha: float) -> float:
    """Return an upper bound of a failed fraction that holds at every look: beta-binomial.

    1 where there are no requests.
    """
    if not requests:
        return 1.0
    grid = np.concatenate((np.geomspace(1e-7, 0.1, 400), np.linspace(0.1, 1, 200)[1:-1]))
    passed = requests - failed
    mixture = _log_beta(failed + _PRIOR, passed + _PRIOR) - _log_beta(_PRIOR, _PRIOR)
    evidence = mixture - (failed * np.log(grid) + passed * np.log1p(-grid))
    refuted = grid[(evidence >= math.log(1 / alpha)) & (grid > failed / requests)]
    return float(refuted.min()) if len(refuted) else 1.0


def split_log_e(canary: int, baseline: int, planned_canary_fraction: float) -> float:
    """Return log e against the planned split of requests (Lindon and Malek, NeurIPS 2022)."""
    first, second = planned_canary_fraction * 100, (1 - planned_canary_fraction) * 100
    mixture = _log_beta(canary + first, baseline + second) - _log_beta(first, second)
    exact = canary * math.log(planned_canary_fraction)
    return mixture - exact - baseline * math.log1p(-planned_canary_fraction)


def dispersion(counts: Sequence[ErrorCounts]) -> float | None:
    """Return how much more than by chance failures fall to one arm, ≥ 1; None = too few intervals.

    Pearson's chi-squared of the split, averaged over the intervals with a failure. Where those are
    few, the variance over the mean of an interval's failures instead: bursts show in it as well,
    and what both arms share only makes it larger.
    """
    scores: list[float] = []
    for one in counts:
        total, requests = one.canary_failed + one.baseline_failed, one.canary_requests
        if total and requests and one.baseline_requests:
            share = requests / (requests + one.baseline_requests)
            surprise = (one.canary_failed - total * share) ** 2
            scores.append(surprise / (total * share * (1 - share)))
    if len(scores) >= MIN_INTERVALS:
        return max(1.0, float(np.mean(scores)))
    totals = np.array([one.canary_failed + one.baseline_failed for one in counts])
    if len(totals) < MIN_INTERVALS or not totals.any():
        return None
    return max(1.0, float(totals.var() / totals.mean()))
