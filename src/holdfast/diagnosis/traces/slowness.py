"""Which requests are the slow ones, where nobody has said it."""

from __future__ import annotations

import numpy as np

from holdfast.diagnosis.traces.table import Flags, Numbers


def slow_requests(latency: Numbers, threshold: float | None = None) -> Flags:
    """Return which requests took longer than the threshold; NaN is not slow.

    Without one, it lies where the two sides differ most: the greatest variance between classes of
    log latency (Otsu, IEEE Transactions on Systems, Man and Cybernetics 9, 1979).
    """
    limit = otsu_threshold(latency) if threshold is None else threshold
    return np.greater(latency, limit, where=~np.isnan(latency), out=np.zeros(len(latency), bool))


def otsu_threshold(latency: Numbers) -> float:
    """Return the threshold; infinity where all latencies are equal or none is positive."""
    ordered = np.sort(latency[latency > 0])
    if len(ordered) < 2 or ordered[0] == ordered[-1]:
        return float("inf")
    logs = np.log(ordered)
    below = np.arange(1, len(logs))
    sums = np.cumsum(logs)[:-1]
    means_below, means_above = sums / below, (logs.sum() - sums) / (len(logs) - below)
    between = below * (len(logs) - below) * (means_above - means_below) ** 2
    between[ordered[1:] == ordered[:-1]] = -1.0
    return float(ordered[int(np.argmax(between))])
