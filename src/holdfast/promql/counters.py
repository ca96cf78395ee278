"""rate, increase, delta and their kin: differences over windows, as Prometheus extrapolates them.

Formulae from Prometheus, promql/functions.go: `extrapolatedRate`, `instantValue`, `funcResets`,
`funcChanges`. Each function takes windows and returns (values, present), shape (series, steps).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.promql.fold import sum_ranges
from holdfast.promql.values import Bools, Floats, Ints, Settings, Windows

_EXTRAPOLATION_LIMIT = 1.1
"""A window's edge is "near" when closer than this many average sample intervals."""

_CELLS_AT_ONCE = 1 << 15
"""Windows that are computed at once."""

Result = tuple[Floats, Bools]


@dataclass(frozen=True, slots=True)
class _Ends:
    """First and last sample of each window; where `enough` is false they mean nothing."""

    enough: Bools
    first: Ints
    last: Ints

    @classmethod
    def of(cls, windows: Windows) -> _Ends:
        enough = windows.high - windows.low > 1
        return cls(enough, np.where(enough, windows.low, 0), np.where(enough, windows.high - 1, 0))


def rate(windows: Windows, settings: Settings) -> Result:
    """Return the increase per second, counter resets undone."""
    increased, present = increase(windows, settings)
    return increased / (windows.range_ms / 1000.0), present


def increase(windows: Windows, settings: Settings) -> Result:
    """Return the increase over the window, counter resets undone."""
    fell = np.flatnonzero(windows.values[1:] < windows.values[:-1]) + 1
    return _by_rows(windows, lambda part: _increase(part, fell, settings))


def _increase(windows: Windows, fell: NDArray[np.intp], settings: Settings) -> Result:
    ends = _Ends.of(windows)
    if not ends.enough.any():
        return np.zeros(ends.enough.shape), ends.enough
    first = windows.values[ends.first]
    risen = windows.values[ends.last] - first + _lost_in_resets(windows, fell)
    return _extrapolate(windows, ends, risen, first, settings), ends.enough


def delta(windows: Windows, settings: Settings) -> Result:
    """Return last minus first, extrapolated to the window's edges."""
    return _by_rows(windows, lambda part: _delta(part, settings))


def _delta(windows: Windows, settings: Settings) -> Result:
    ends = _Ends.of(windows)
    if not ends.enough.any():
        return np.zeros(ends.enough.shape), ends.enough
    moved = windows.values[ends.last] - windows.values[ends.first]
    return _extrapolate(windows, ends, moved, None, settings), ends.enough


def _by_rows(windows: Windows, compute: Callable[[Windows], Result]) -> Result:
    """Compute some series at a time: what is intermediate stays in the processor's cache."""
    series, steps = windows.low.shape
    at_once = max(1, _CELLS_AT_ONCE // max(1, steps))
    if series <= at_once:
        return compute(windows)
    values, present = np.empty((series, steps)), np.empty((series, steps), dtype=np.bool_)
    for first in range(0, series, at_once):
        rows = slice(first, first + at_once)
        part = replace(windows, low=windows.low[rows], high=windows.high[rows])
        values[rows], present[rows] = compute(part)
    return values, present


def _lost_in_resets(windows: Windows, fell: NDArray[np.intp]) -> Floats:
    """Return the sum of the values from which the counter fell inside each window.

    `fell` are the places of the samples that are smaller than the one before.
    """
    lost = np.zeros(windows.low.shape)
    if fell.size == 0 or lost.size == 0:
        return lost
    earliest: Ints = windows.low.min(axis=1)
    latest: Ints = windows.high.max(axis=1)
    reset = np.searchsorted(fell, earliest, "right") < np.searchsorted(fell, latest, "left")
    rows = np.flatnonzero(reset)  # few series are reset at all
    low = np.searchsorted(fell, windows.low[rows], side="right")
    high = np.maximum(low, np.searchsorted(fell, windows.high[rows], side="left"))
    lost[rows] = sum_ranges(windows.values[fell - 1], low, high)
    return lost


def _extrapolate(
    windows: Windows, ends: _Ends, moved: Floats, first: Floats | None, settings: Settings
) -> Floats:
    """Stretch a movement between samples to the window; `first` is given for counters."""
    first_ms, last_ms = windows.times_ms[ends.first], windows.times_ms[ends.last]
    to_start = (first_ms - (windows.end_ms - windows.range_ms)) / 1000.0
    to_end = (windows.end_ms - last_ms) / 1000.0
    sampled = (last_ms - first_ms) / 1000.0
    between = sampled / (ends.last - ends.first)
    to_zero = np.full(moved.shape, np.inf)
    if first is not None:
        to_zero = np.where((moved > 0) & (first >= 0), sampled * (first / moved), np.inf)
    if not settings.left_open:  # 2.x looks for the zero point before it limits the stretch
        to_start = np.minimum(to_start, to_zero)
    near = between * _EXTRAPOLATION_LIMIT
    to_start = np.where(to_start >= near, between / 2, to_start)
    if settings.left_open:
        to_start = np.minimum(to_start, to_zero)
    to_end = np.where(to_end >= near, between / 2, to_end)
    return moved * ((sampled + to_start + to_end) / sampled)


def irate(windows: Windows) -> Result:
    """Return the rate per second between the last two samples."""
    return _between_last_two(windows, per_second=True)


def idelta(windows: Windows) -> Result:
    """Return the difference of the last two samples."""
    return _between_last_two(windows, per_second=False)


def _between_last_two(windows: Windows, *, per_second: bool) -> Result:
    ends = _Ends.of(windows)
    if not ends.enough.any():
        return np.zeros(ends.enough.shape), ends.enough
    newest, before = windows.values[ends.last], windows.values[ends.last - 1]
    if not per_second:
        return newest - before, ends.enough
    moved = np.where(newest < before, newest, newest - before)
    seconds = (windows.times_ms[ends.last] - windows.times_ms[ends.last - 1]) / 1000.0
    return moved / seconds, ends.enough & (seconds != 0)


def resets(windows: Windows) -> Result:
    """Return how often the value fell."""
    return _count_between(windows, windows.values[1:] < windows.values[:-1])


def changes(windows: Windows) -> Result:
    """Return how often the value changed; NaN to NaN is no change."""
    before, after = windows.values[:-1], windows.values[1:]
    return _count_between(windows, (before != after) & ~(np.isnan(before) & np.isnan(after)))


def _count_between(windows: Windows, happened: Bools) -> Result:
    """Count the steps between neighbouring samples, both inside the window, that are true."""
    before = np.concatenate([[0], [0], np.cumsum(happened)])
    present = windows.high > windows.low
    counts = before[windows.high] - before[np.minimum(windows.low + 1, before.size - 1)]
    return np.where(present, counts, 0).astype(np.float64), present
