"""Growing arrays for one series, and for the times of all scrapes.

What was handed out stays valid and unchanged: arrays grow behind its end, or are replaced.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.promql.samples import StoredSeries

_FIRST_CAPACITY = 64


def _grown(array: NDArray[np.int64], used: int, wanted: int) -> NDArray[np.int64]:
    """Return an array with room for `wanted` elements, the first `used` copied."""
    if wanted <= len(array):
        return array
    larger = np.empty(max(_FIRST_CAPACITY, wanted + wanted // 2), dtype=array.dtype)
    larger[:used] = array[:used]
    return larger


class SeriesColumn:
    """One series in memory, strictly ascending in time."""

    __slots__ = ("_times", "_values", "labels", "size")

    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = labels
        self.size = 0
        self._times = np.empty(0, dtype=np.int64)
        self._values = np.empty(0, dtype=np.int64)  # the bits of float64, so that NaNs keep theirs

    def extend(self, times_ms: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Append samples, ascending; those not after the last one, or doubled, are left out."""
        bits = values.view(np.int64)
        last = self._times[self.size - 1] if self.size else np.iinfo(np.int64).min
        if len(times_ms) > 1 or times_ms[0] <= last:
            fresh = np.diff(times_ms, prepend=times_ms[0] - 1) > 0
            fresh &= times_ms > last
            times_ms, bits = times_ms[fresh], bits[fresh]
        end = self.size + len(times_ms)
        self._times = _grown(self._times, self.size, end)
        self._values = _grown(self._values, self.size, end)
        self._times[self.size : end] = times_ms
        self._values[self.size : end] = bits
        self.size = end

    def window(self, start_ms: int, end_ms: int) -> StoredSeries | None:
        """Return the part with start <= t <= end, as a view; None where it is empty."""
        times = self._times[: self.size]
        low = int(times.searchsorted(start_ms, side="left"))
        high = int(times.searchsorted(end_ms, side="right"))
        if low >= high:
            return None
        values = self._values[low:high].view(np.float64)
        return StoredSeries(labels=self.labels, times_ms=times[low:high], values=values)

    def forget_before(self, time_ms: int) -> None:
        """Drop older samples."""
        low = int(self._times[: self.size].searchsorted(time_ms, side="left"))
        self._times = self._times[low : self.size].copy()
        self._values = self._values[low : self.size].copy()
        self.size -= low


class GrowingTimes:
    """Times in milliseconds, never descending: one that comes late counts as the last one."""

    def __init__(self) -> None:
        self._times = np.empty(0, dtype=np.int64)
        self._size = 0

    def extend(self, times_ms: NDArray[np.int64]) -> None:
        """Append times, sorted among themselves; times that are known already add nothing."""
        fresh = np.unique(times_ms)
        fresh = fresh[fresh > self.newest()]
        end = self._size + len(fresh)
        self._times = _grown(self._times, self._size, end)
        self._times[self._size : end] = fresh
        self._size = end

    def newest(self) -> int:
        """Return the last time, -1 where there is none."""
        return int(self._times[self._size - 1]) if self._size else -1

    def oldest(self) -> int:
        """Return the first time, -1 where there is none."""
        return int(self._times[0]) if self._size else -1

    def at_or_before(self, at_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the newest time at or before each of the given ones, -1 where there is none."""
        known = np.concatenate(([-1], self._times[: self._size]))
        return known[known.searchsorted(at_ms, side="right") - 1]

    def forget_before(self, time_ms: int) -> None:
        """Drop older times."""
        low = int(self._times[: self._size].searchsorted(time_ms, side="left"))
        self._times = self._times[low : self._size].copy()
        self._size -= low
