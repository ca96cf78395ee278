"""Reading stored series at instants and over windows: lookback, staleness, `@` and offset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from holdfast.promql.adjacent import joined
from holdfast.promql.samples import NATIVE_NAN, Matcher, SampleStore, is_native, is_stale
from holdfast.promql.tree import RangeSelector, Selector
from holdfast.promql.values import (
    Block,
    Bools,
    Floats,
    Frame,
    Ints,
    Labels,
    Settings,
    Windows,
    block_of,
    empty_block,
)

_LONG = 2000
"""Samples of a series, on average, from which each is searched by itself."""


@dataclass(frozen=True, slots=True)
class Flat:
    """The samples of several series, one series after another."""

    labels: list[Labels]
    times_ms: Ints
    values: Floats
    bounds: Ints
    """Shape (series + 1,): where each series starts and ends."""

    def positions(self, at_ms: Ints, side: Literal["left", "right"]) -> Ints:
        """Return, per series and instant, where the instant falls among the series' samples.

        As `numpy.searchsorted` per series; short series are searched all at once, by keys that put
        them apart.
        """
        if self.times_ms.size > _LONG * len(self.labels):
            return self._positions_one_by_one(at_ms, side)
        base, last = int(self.times_ms.min()) - 1, int(self.times_ms.max()) + 1
        series = np.arange(len(self.labels), dtype=np.int64) * (last - base + 1)
        keys = (self.times_ms - base) + np.repeat(series, np.diff(self.bounds))
        within = np.clip(at_ms, base, last)  # far times must not reach another series' keys
        asked = (within - base)[np.newaxis, :] + series[:, np.newaxis]
        return np.searchsorted(keys, asked, side=side).astype(np.int64, copy=False)

    def _positions_one_by_one(self, at_ms: Ints, side: Literal["left", "right"]) -> Ints:
        """Search each series; those that were scraped together have the same times."""
        found = np.empty((len(self.labels), at_ms.size), dtype=np.int64)
        known, places = np.empty(0, dtype=np.int64), np.zeros(at_ms.size, dtype=np.int64)
        bounds: list[int] = self.bounds.tolist()
        for row, (low, high) in enumerate(pairwise(bounds)):
            times = self.times_ms[low:high]
            if not np.array_equal(times, known):
                known, places = times, np.searchsorted(times, at_ms, side=side)
            found[row] = places + low
        return found


def _read(
    store: SampleStore, matchers: tuple[Matcher, ...], start_ms: int, end_ms: int
) -> Flat | None:
    series = store.select(matchers, start_ms, end_ms)
    if not series:
        return None
    bounds = np.zeros(len(series) + 1, dtype=np.int64)
    np.cumsum([one.values.size for one in series], out=bounds[1:])
    return Flat(
        [one.labels for one in series],
        joined([one.times_ms for one in series]),
        joined([one.values for one in series]),
        bounds,
    )


def select_instant(
    store: SampleStore, selector: Selector, frame: Frame, settings: Settings
) -> tuple[Block, Floats]:
    """Return the newest sample within the lookback of each instant, and when it was taken.

    The times are Unix seconds, shape (series, steps), meaningless where there is no sample.
    """
    times = frame.effective_times(selector.at, selector.offset_ms)
    asked = times[:1] if selector.at is not None else times
    open_ms = 1 if settings.left_open else 0
    oldest = asked - settings.lookback_ms + open_ms
    flat = _read(store, selector.matchers, int(oldest.min()), int(asked.max()))
    if flat is None:
        return empty_block(frame.steps), np.zeros((0, frame.steps))
    newest = flat.positions(asked, "right") - 1
    present = newest >= flat.bounds[:-1, np.newaxis]
    newest = np.maximum(newest, 0)
    taken = flat.times_ms[newest]
    values = flat.values[newest]
    present &= (taken >= oldest) & ~is_stale(values)
    return _broadcast(flat.labels, values, present, taken / 1000.0, frame.steps)


def _broadcast(
    labels: list[Labels], values: Floats, present: Bools, taken: Floats, steps: int
) -> tuple[Block, Floats]:
    seen = np.flatnonzero(present.any(axis=1))
    if seen.size < len(labels):
        labels = [labels[row] for row in seen.tolist()]
        values, present, taken = values[seen], present[seen], taken[seen]
    if values.shape[1] != steps:
        values, taken = np.repeat(values, steps, axis=1), np.repeat(taken, steps, axis=1)
        present = np.repeat(present, steps, axis=1)
    block = block_of(labels, values, present)
    native = present & is_native(values)
    return (replace(block, native=native) if native.any() else block), taken


def select_windows(
    store: SampleStore, node: RangeSelector, frame: Frame, settings: Settings
) -> Windows:
    """Return the samples of each window; staleness markers are not samples."""
    selector = node.selector
    ends = frame.effective_times(selector.at, selector.offset_ms)
    open_ms = 1 if settings.left_open else 0
    start_ms = int(ends.min()) - node.range_ms + open_ms
    flat = _read(store, selector.matchers, start_ms, int(ends.max()))
    return windows_over(flat and _without_stale(flat), ends, node.range_ms, frame, settings)


def _without_stale(flat: Flat) -> Flat:
    if not np.isnan(flat.values).any():
        return flat
    kept = ~is_stale(flat.values)
    if kept.all():
        return flat
    before = np.concatenate([[0], np.cumsum(kept)])
    return Flat(flat.labels, flat.times_ms[kept], flat.values[kept], before[flat.bounds])


def windows_over(
    flat: Flat | None, ends: Ints, range_ms: int, frame: Frame, settings: Settings
) -> Windows:
    """Cut flat series into windows of `range_ms` that end at `ends`."""
    if flat is None or flat.times_ms.size == 0:
        nothing = np.zeros((0, frame.steps), dtype=np.int64)
        none, no_values = np.zeros(0, dtype=np.int64), np.zeros(0)
        unnamed = np.zeros(0, dtype=np.bool_)
        return Windows([], none, no_values, nothing, nothing, ends, range_ms, frame, unnamed)
    return Windows(
        flat.labels,
        flat.times_ms,
        flat.values,
        flat.positions(ends - range_ms, "right" if settings.left_open else "left"),
        flat.positions(ends, "right"),
        ends,
        range_ms,
        frame,
        np.zeros(len(flat.labels), dtype=np.bool_),
    )


def flatten(block: Block, times_ms: Ints) -> Flat:
    """Return the samples of a block as flat series, for a subquery."""
    rows, columns = np.nonzero(block.present)
    bounds = np.zeros(block.rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=block.rows), out=bounds[1:])
    values = block.values
    if block.native is not None:
        values = np.where(block.native, NATIVE_NAN, values)
    return Flat(block.labels, times_ms[columns], values[rows, columns], bounds)
