"""The adjusted Rand index, its bootstrap interval, and KMeans as the data's authors ran it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

STARTS = 10
"""scikit-learn's number of starts of KMeans in 2023, of which the tightest is kept."""


def adjusted_rand_index(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Return the agreement of two groupings, 0 by chance, 1 the same (Hubert and Arabie, 1985)."""
    _, a = np.unique(first, return_inverse=True)
    _, b = np.unique(second, return_inverse=True)
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    together = _pairs(table)
    rows, columns = _pairs(table.sum(axis=1)), _pairs(table.sum(axis=0))
    expected = rows * columns / _pairs(np.array([len(a)]))
    highest = (rows + columns) / 2
    return 1.0 if highest == expected else (together - expected) / (highest - expected)


def _pairs(counts: NDArray[np.float64] | NDArray[np.int64]) -> float:
    return float(np.sum(counts * (counts - 1) / 2))


def kmeans(columns: NDArray[np.float64], groups: int, seed: int = 0) -> NDArray[np.int64]:
    """Return the groups of the tightest of ten starts (k-means++), on the columns as they are."""
    random = np.random.default_rng(seed)
    best: NDArray[np.int64] = np.zeros(len(columns), dtype=np.int64)
    least = float("inf")
    for _ in range(STARTS):
        centres, labels = kmeans2(columns, groups, minit="++", rng=random)
        spread = float(np.sum((columns - centres[labels]) ** 2))
        if spread < least:
            least, best = spread, labels.astype(np.int64)
    return best


def interval(values: Sequence[float], seed: int = 0, resamples: int = 2000) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean: files drawn anew, with replacement."""
    given = np.asarray(values)
    picks = np.random.default_rng(seed).integers(0, len(given), (resamples, len(given)))
    low, high = np.quantile(given[picks].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)
