"""The functions that reduce the samples of each window: `*_over_time`, deriv, predict_linear.

Each takes windows and its scalar parameters, shape (steps,), and returns (values, present), shape
(series, steps).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from holdfast.errors import PromQLError
from holdfast.promql.fold import (
    Gathered,
    extreme_ranges,
    gathered,
    mean_ranges,
    quantile,
    sum_ranges,
    variance,
)
from holdfast.promql.values import Bools, Floats, Ints, Windows

Result = tuple[Floats, Bools]


def _nonempty(windows: Windows) -> Bools:
    return windows.high > windows.low


def sum_over_time(windows: Windows) -> Result:
    """Return the sum, with compensated rounding."""
    return sum_ranges(windows.values, windows.low, windows.high), _nonempty(windows)


def avg_over_time(windows: Windows) -> Result:
    """Return the mean."""
    counts = np.maximum(windows.high - windows.low, 1).astype(np.float64)
    return mean_ranges(windows.values, windows.low, windows.high, counts), _nonempty(windows)


def min_over_time(windows: Windows) -> Result:
    """Return the minimum; NaN only where all are NaN."""
    low, high = windows.low, windows.high
    return extreme_ranges(windows.values, low, high, largest=False), _nonempty(windows)


def max_over_time(windows: Windows) -> Result:
    """Return the maximum; NaN only where all are NaN."""
    low, high = windows.low, windows.high
    return extreme_ranges(windows.values, low, high, largest=True), _nonempty(windows)


def count_over_time(windows: Windows) -> Result:
    """Return how many samples there are."""
    return (windows.high - windows.low).astype(np.float64), _nonempty(windows)


def present_over_time(windows: Windows) -> Result:
    """Return 1 where there is a sample."""
    return np.ones(windows.low.shape), _nonempty(windows)


def last_over_time(windows: Windows) -> Result:
    """Return the newest sample."""
    present = _nonempty(windows)
    return _at(windows, np.where(present, windows.high - 1, 0)), present


def first_over_time(windows: Windows) -> Result:
    """Return the oldest sample."""
    present = _nonempty(windows)
    return _at(windows, np.where(present, windows.low, 0)), present


def ts_of_last_over_time(windows: Windows) -> Result:
    """Return when the newest sample was taken, Unix seconds."""
    return last_over_time(_timed(windows))


def ts_of_first_over_time(windows: Windows) -> Result:
    """Return when the oldest sample was taken, Unix seconds."""
    return first_over_time(_timed(windows))


def ts_of_max_over_time(windows: Windows) -> Result:
    """Return when the maximum was last reached, Unix seconds."""
    return _newest_at(windows, max_over_time(windows)[0]), _nonempty(windows)


def ts_of_min_over_time(windows: Windows) -> Result:
    """Return when the minimum was last reached, Unix seconds."""
    return _newest_at(windows, min_over_time(windows)[0]), _nonempty(windows)


def _newest_at(windows: Windows, wanted: Floats) -> Floats:
    out = np.full(wanted.size, np.nan)
    for portion in gathered(windows.low, windows.high):
        target = portion.each(wanted.ravel()[portion.ranges])
        values = windows.values[portion.index]
        there = (values == target) | np.isnan(target)
        times = np.where(there, windows.times_ms[portion.index] / 1000.0, -np.inf)
        out[portion.ranges] = np.maximum.reduceat(times, portion.starts)
    return out.reshape(wanted.shape)


def _timed(windows: Windows) -> Windows:
    return replace(windows, values=windows.times_ms / 1000.0)


def _at(windows: Windows, index: Ints) -> Floats:
    return windows.values[index] if windows.values.size else np.zeros(index.shape)


def _per_window(windows: Windows, reduce: Callable[[Floats, Gathered], Floats]) -> Floats:
    out = np.full(windows.low.size, np.nan)
    for portion in gathered(windows.low, windows.high):
        out[portion.ranges] = reduce(windows.values[portion.index], portion)
    return out.reshape(windows.low.shape)


def stdvar_over_time(windows: Windows) -> Result:
    """Return the population variance."""
    return _per_window(windows, variance), _nonempty(windows)


def stddev_over_time(windows: Windows) -> Result:
    """Return the population standard deviation."""
    return np.sqrt(_per_window(windows, variance)), _nonempty(windows)


def quantile_over_time(windows: Windows, phi: Floats) -> Result:
    """Return the interpolated phi-quantile."""
    steps = windows.frame.steps

    def reduce(values: Floats, portion: Gathered) -> Floats:
        return quantile(values, portion, phi[portion.ranges % steps])

    return _per_window(windows, reduce), _nonempty(windows)


def mad_over_time(windows: Windows) -> Result:
    """Return the median absolute deviation from the median."""

    def reduce(values: Floats, portion: Gathered) -> Floats:
        half = np.full(portion.counts.size, 0.5)
        median = quantile(values, portion, half)
        deviation = quantile(np.abs(values - portion.each(median)), portion, half)
        return np.where(portion.total(np.isnan(values) * 1.0) > 0, np.nan, deviation)

    return _per_window(windows, reduce), _nonempty(windows)


def deriv(windows: Windows) -> Result:
    """Return the slope per second of the least-squares line."""
    slope, _ = _regression(windows)
    return slope, windows.high - windows.low > 1


def predict_linear(windows: Windows, ahead_seconds: Floats) -> Result:
    """Return where the least-squares line is `ahead_seconds` after the evaluation time."""
    slope, now = _regression(windows)
    return slope * ahead_seconds + now, windows.high - windows.low > 1


def _regression(windows: Windows) -> tuple[Floats, Floats]:
    """Return slope per second, and the line's value at the evaluation time."""
    slope, now = np.full(windows.low.size, np.nan), np.full(windows.low.size, np.nan)
    evaluated = windows.frame.times_ms
    for portion in gathered(windows.low, windows.high):
        value = windows.values[portion.index]
        zero_ms = np.repeat(evaluated[portion.ranges % windows.frame.steps], portion.counts)
        seconds = (windows.times_ms[portion.index] - zero_ms) / 1000.0
        slope[portion.ranges], now[portion.ranges] = _least_squares(seconds, value, portion)
    shape = windows.low.shape
    return slope.reshape(shape), now.reshape(shape)


def _least_squares(x: Floats, y: Floats, portion: Gathered) -> tuple[Floats, Floats]:
    mean_x, mean_y = portion.total(x) / portion.counts, portion.total(y) / portion.counts
    dx = x - portion.each(mean_x)
    slope = portion.total(dx * (y - portion.each(mean_y))) / portion.total(dx * dx)
    intercept = mean_y - slope * mean_x
    first = y[portion.starts]
    constant = np.logical_and.reduceat(y == portion.each(first), portion.starts)
    flat = np.where(np.isinf(first), np.nan, 0.0)
    return np.where(constant, flat, slope), np.where(constant, first + flat, intercept)


def double_exponential_smoothing(windows: Windows, smoothing: Floats, trend: Floats) -> Result:
    """Return the Holt-smoothed last value; both factors must lie strictly between 0 and 1."""
    for name, factor in (("smoothing", smoothing), ("trend", trend)):
        if not ((factor > 0) & (factor < 1)).all():
            raise PromQLError(f"invalid {name} factor", hint="it lies between 0 and 1")
    present = windows.high - windows.low > 1
    _, steps = np.nonzero(present)
    low, counts = windows.low[present], (windows.high - windows.low)[present]
    sf, tf = smoothing[steps], trend[steps]
    out = np.full(present.shape, np.nan)
    out[present] = _holt(windows.values, low, counts, sf, tf)
    return out, present


def _holt(values: Floats, low: Ints, counts: Ints, sf: Floats, tf: Floats) -> Floats:
    """Smooth all windows, place by place; each has two samples or more."""
    if low.size == 0:
        return np.zeros(0)
    level = values[low]
    before, slope = np.zeros(low.size), values[low + 1] - level
    for place in range(1, int(counts.max())):
        going = counts > place
        sample = values[np.where(going, low + place, low)]
        if place > 1:
            slope = np.where(going, tf * (level - before) + (1 - tf) * slope, slope)
        smoothed = sf * sample + (1 - sf) * (level + slope)
        before, level = np.where(going, level, before), np.where(going, smoothed, level)
    return level
