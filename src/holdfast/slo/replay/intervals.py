"""Intervals for what was counted few times: Wilson's for fractions, the bootstrap for medians."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from holdfast.model.replay import Estimate, Share

_Z95 = 1.959963984540054
_RESAMPLES = 400


def share(count: int, of: int) -> Share:
    """Return count / of with Wilson's 95 % score interval (Wilson, JASA 22, 1927)."""
    if of == 0:
        return Share(count=0, of=0, fraction=None, low=None, high=None)
    p, z2 = count / of, _Z95**2
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z95 / (1 + z2 / of) * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Share(
        count=count,
        of=of,
        fraction=p,
        low=0.0 if count == 0 else low,
        high=1.0 if count == of else high,
    )


def median_estimate(values: Sequence[float], seed: int) -> Estimate | None:
    """Return the median with a percentile bootstrap's 95 % interval; None of nothing."""
    if not len(values):
        return None
    known = np.asarray(values, dtype=np.float64)
    chosen = np.random.default_rng(seed).integers(0, len(known), (_RESAMPLES, len(known)))
    medians = np.median(known[chosen], axis=1)
    low, high = np.percentile(medians, [2.5, 97.5])
    return Estimate(median=float(np.median(known)), low=float(low), high=float(high))
