"""Where a column of numbers falls into modes: cuts in the valleys of its density.

The density is that of the k nearest neighbours: the width that the same number of requests takes.
It follows any scale and tail without a bandwidth, and its relative error is known: one over the
root of that number (Silverman, Density Estimation, 1986, chapter 5). A valley counts where the
density on both sides stands above it by more standard errors than chance gives.
"""

from __future__ import annotations

import math

import numpy as np

from holdfast.diagnosis.traces.table import Numbers


def density_cuts(values: Numbers, window: int, standard_errors: float) -> list[float]:
    """Return where to cut, ascending.

    `values` are sorted and without NaN. `window` requests is the fewest that can be a mode.
    """
    starts, log_density = _log_density(values, window)
    if len(starts) < 3:
        return []
    depth = standard_errors * math.sqrt(2.0 / window)
    return [_widest_gap(values, starts[at], window) for at in _valleys(log_density, depth)]


def _log_density(values: Numbers, window: int) -> tuple[list[int], list[float]]:
    if len(values) < 2 * window:
        return [], []
    last = len(values) - 1 - window
    starts = np.unique(np.append(np.arange(0, last, max(1, window // 4)), last))
    spread = _spread_ties(values)
    width = spread[starts + window] - spread[starts]
    finest = (values[-1] - values[0]) * 1e-12
    if finest <= 0:
        return [], []
    width = np.maximum(width, finest)
    return starts.tolist(), (-np.log(width)).tolist()


def _spread_ties(values: Numbers) -> Numbers:
    """Return the values with equal ones laid evenly over the clock's step, as they came about."""
    starts = np.flatnonzero(np.append(True, np.diff(values) > 0))
    counts = np.diff(np.append(starts, len(values)))
    rank = np.arange(len(values)) - np.repeat(starts, counts)
    return values + _resolution(values) * ((rank + 0.5) / np.repeat(counts, counts) - 0.5)


def _resolution(values: Numbers) -> float:
    """Return the clock's step: the usual step between neighbours, or a decade that divides all.

    0.1, 0.3, 0.4 were taken in steps of 0.1, and so were 0.1 and 3.0, though no two are so near.
    """
    distinct = np.unique(values)
    if len(distinct) < 2:
        return 0.0
    usual = float(np.quantile(np.diff(distinct), 0.1, method="lower"))
    decade = 10.0 ** math.floor(math.log10(usual))
    for step in (usual, decade, decade / 10, decade / 100):
        counts = distinct / step
        if np.all(np.abs(counts - np.round(counts)) < 1e-6):
            return step
    return usual


def _valleys(heights: list[float], depth: float) -> list[int]:
    """Return the lowest place of each valley that is `depth` below what stands on both sides."""
    found: list[int] = []
    peak, lowest, at = -math.inf, math.inf, -1
    for index, height in enumerate(heights):
        if height < lowest:
            lowest, at = height, index
        if at >= 0 and peak - lowest > depth and height - lowest > depth:
            found.append(at)
            peak, lowest, at = height, height, index
        elif height > peak:
            peak, lowest, at = height, height, index
    return found


def _widest_gap(values: Numbers, start: int, window: int) -> float:
    inside = values[start : start + window + 1]
    at = int(np.argmax(np.diff(inside)))
    return float((inside[at] + inside[at + 1]) / 2)
