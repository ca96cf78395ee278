"""Reductions over many ranges of one array at once.

`fold_ranges` answers ranges from a tree of dyadic blocks: O(n) to build, O(log n) a range, no
subtraction of prefix sums, so that no digit is cancelled and a NaN or an infinity stays where it
is. `gathered` lays overlapping ranges out one after another, for what has no such tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.promql.values import Floats, Ints

State = tuple[Floats, ...]
Merge = Callable[[State, State], State]

_GATHER_LIMIT = 2_000_000
_OVERFLOW_SCALE = 2.0**-30
_IN_ORDER_LIMIT = 128
"""Longer ranges are summed by the tree: other rounding, no less exact, much faster."""


def fold_ranges(leaf: State, low: Ints, high: Ints, merge: Merge, identity: State) -> State:
    """Merge the leaves [low, high) of each range, along axis 0 of the leaves.

    `merge` must be associative and commutative. The result has the shape of `low`, then the
    leaves' further axes.
    """
    shape = low.shape + leaf[0].shape[1:]
    out = tuple(np.broadcast_to(unit, shape).copy() for unit in identity)
    low, high, level = low.copy(), high.copy(), leaf
    while True:
        odd = (low < high) & (low & 1 == 1)
        _absorb(out, odd, level, low, merge)
        low += odd
        odd = (low < high) & (high & 1 == 1)
        high -= odd
        _absorb(out, odd, level, high, merge)
        if not (low < high).any():
            return out
        low >>= 1
        high >>= 1
        level = _halve(level, merge)


def _absorb(out: State, chosen: NDArray[np.bool_], level: State, at: Ints, merge: Merge) -> None:
    if not chosen.any():
        return
    blocks = at[chosen]
    merged = merge(tuple(part[chosen] for part in out), tuple(part[blocks] for part in level))
    for target, part in zip(out, merged, strict=True):
        target[chosen] = part


def _halve(level: State, merge: Merge) -> State:
    # A last odd block is never asked for whole at the next level: its range ends inside it.
    pairs = level[0].shape[0] // 2 * 2
    return merge(tuple(p[0:pairs:2] for p in level), tuple(p[1:pairs:2] for p in level))


def _add(left: State, right: State) -> State:
    """Add (sum, error) pairs by Knuth's TwoSum; infinite sums carry no error."""
    total = left[0] + right[0]
    virtual = total - left[0]
    error = (left[0] - (total - virtual)) + (right[0] - virtual)
    error[~np.isfinite(total)] = 0.0
    return total, left[1] + right[1] + error


def _add_in_order(values: Floats, low: Ints, high: Ints) -> State:
    """Kahan-Neumaier sums sample by sample, to the bit as Prometheus's `kahanSumInc`."""
    shape = low.shape + values.shape[1:]
    total, error = np.zeros(shape), np.zeros(shape)
    for place in range(int((high - low).max(initial=0))):
        going = low + place < high
        if going.all():
            total, error = _kahan_sum(total, error, values[low + place])
        else:
            sample = values[low[going] + place]
            total[going], error[going] = _kahan_sum(total[going], error[going], sample)
    return total, error


def _kahan_sum(before: Floats, error: Floats, sample: Floats) -> tuple[Floats, Floats]:
    after = before + sample
    larger = np.abs(before) >= np.abs(sample)
    lost = np.where(larger, (before - after) + sample, (sample - after) + before)
    return after, np.where(np.isinf(after), 0.0, error + lost)


def _compensated(values: Floats, low: Ints, high: Ints) -> State:
    if (high - low).max(initial=0) <= _IN_ORDER_LIMIT:
        return _add_in_order(values, low, high)
    zero = np.zeros(1)
    return fold_ranges((values, np.zeros_like(values)), low, high, _add, (zero, zero))


def sum_ranges(values: Floats, low: Ints, high: Ints) -> Floats:
    """Return compensated sums of values[low:high] along axis 0."""
    total, error = _compensated(values, low, high)
    return np.where(np.isinf(total), total, total + error)


def mean_ranges(values: Floats, low: Ints, high: Ints, counts: Floats) -> Floats:
    """Return means over the ranges; a sum that overflows is taken of scaled values."""
    total, error = _compensated(values, low, high)
    mean = total / counts + error / counts
    if np.isinf(total).any():
        scaled = sum_ranges(values * _OVERFLOW_SCALE, low, high) / counts / _OVERFLOW_SCALE
        mean = np.where(np.isinf(total), scaled, mean)
    return mean


def extreme_ranges(values: Floats, low: Ints, high: Ints, *, largest: bool) -> Floats:
    """Return maxima or minima over the ranges; NaN only where there is nothing else."""
    choose = np.fmax if largest else np.fmin
    nothing = np.full(1, np.nan)
    return fold_ranges((values,), low, high, lambda a, b: (choose(a[0], b[0]),), (nothing,))[0]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Some of the non-empty ranges, laid out one after another."""

    ranges: NDArray[np.intp]
    """Which ranges these are, as flat indices."""
    index: Ints
    """For each laid-out sample its place in the array."""
    starts: NDArray[np.intp]
    """Where each range starts in `index`."""
    counts: Ints

    def each(self, per_range: Floats) -> Floats:
        """Repeat a value of each range for its samples."""
        return np.repeat(per_range, self.counts)

    def total(self, per_sample: Floats) -> Floats:
        """Sum the samples of each range."""
        return np.add.reduceat(per_sample, self.starts)


def gathered(low: Ints, high: Ints) -> Iterator[Gathered]:
    """Yield all non-empty ranges in portions of bounded memory."""
    flat_low, counts = low.ravel(), (high - low).ravel()
    nonempty = np.flatnonzero(counts > 0)
    ends = np.cumsum(counts[nonempty])
    first = 0
    while first < nonempty.size:
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + _GATHER_LIMIT, side="right")))
        chosen = nonempty[first:last]
        sizes = counts[chosen]
        starts = np.cumsum(sizes) - sizes
        index = np.repeat(flat_low[chosen] - starts, sizes) + np.arange(int(sizes.sum()))
        yield Gathered(chosen, index, starts, sizes)
        first = last


def variance(values: Floats, portion: Gathered) -> Floats:
    """Return the population variance of each range; `values` are laid out."""
    counts = portion.counts.astype(np.float64)
    mean = portion.total(values) / counts
    mean = mean + portion.total(values - portion.each(mean)) / counts
    return portion.total((values - portion.each(mean)) ** 2) / counts


def quantile(values: Floats, portion: Gathered, phi: Floats) -> Floats:
    """Return the phi-quantile of each range, interpolated; NaN sorts first.

    `phi` has one value a range: NaN gives NaN, below 0 -Inf, above 1 +Inf.
    """
    owner = np.repeat(np.arange(portion.counts.size), portion.counts)
    ordered = values[np.lexsort((values, ~np.isnan(values), owner))]
    last = portion.counts - 1.0
    rank = np.clip(np.where(np.isnan(phi), 0.0, phi), 0.0, 1.0) * last
    below = np.floor(rank)
    above = np.minimum(last, below + 1)
    weight = rank - below
    low_value = ordered[portion.starts + below.astype(np.intp)]
    high_value = ordered[portion.starts + above.astype(np.intp)]
    result = low_value * (1 - weight) + high_value * weight
    result = np.where(phi < 0, -np.inf, np.where(phi > 1, np.inf, result))
    return np.where(np.isnan(phi), np.nan, result)
