"""Aggregations over series: groups of rows, reduced step by step at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.promql.fold import Gathered, mean_ranges, quantile, sum_ranges
from holdfast.promql.tree import Grouping
from holdfast.promql.values import NAME, Block, Bools, Floats, Ints, Labels, empty_block


@dataclass(frozen=True, slots=True)
class Groups:
    """The rows of a block, sorted by the group that they are in."""

    labels: list[Labels]
    """Of each group."""
    order: NDArray[np.intp]
    """Rows, group after group."""
    low: Ints
    high: Ints
    """Where each group starts and ends in `order`."""

    @property
    def starts(self) -> NDArray[np.intp]:
        """Where each group starts, as an index."""
        return self.low.astype(np.intp)


def group_rows(labels: list[Labels], grouping: Grouping) -> Groups:
    """Return the groups of the rows, in the order in which they first appear."""
    if not grouping.without and not grouping.labels:
        count = np.array([len(labels)], dtype=np.int64)
        return Groups([{}], np.arange(len(labels)), np.zeros(1, dtype=np.int64), count)
    places: dict[tuple[str | tuple[str, str], ...], int] = {}
    group_labels: list[Labels] = []
    owner = np.empty(len(labels), dtype=np.intp)
    keep = _kept_without if grouping.without else _kept_by
    for row, one in enumerate(labels):
        kept = keep(one, grouping.labels)
        owner[row] = place = places.setdefault(tuple(sorted(kept.items())), len(places))
        if place == len(group_labels):
            group_labels.append(kept)
    sizes = np.bincount(owner, minlength=len(places))
    high = np.cumsum(sizes)
    return Groups(group_labels, np.argsort(owner, kind="stable"), high - sizes, high)


def _kept_by(labels: Labels, names: tuple[str, ...]) -> Labels:
    return {name: labels[name] for name in names if name in labels}


def _kept_without(labels: Labels, names: tuple[str, ...]) -> Labels:
    return {name: value for name, value in labels.items() if name not in names and name != NAME}


@dataclass(frozen=True, slots=True)
class Sorted:
    """Values and presence, rows sorted by group; `counts` is (groups, steps)."""

    values: Floats
    present: Bools
    counts: Ints
    groups: Groups

    def filled(self, filler: float) -> Floats:
        """Return the values with `filler` where there is no sample."""
        return self.values if self.present.all() else np.where(self.present, self.values, filler)

    def sum(self, values: Floats) -> Floats:
        """Return compensated sums of each group."""
        return sum_ranges(values, self.groups.low, self.groups.high)


Reduce = Callable[[Sorted], Floats]


def _mean(rows: Sorted) -> Floats:
    counts = np.maximum(rows.counts, 1).astype(np.float64)
    return mean_ranges(rows.filled(0.0), rows.groups.low, rows.groups.high, counts)


def _variance(rows: Sorted) -> Floats:
    counts = np.maximum(rows.counts, 1)
    sizes = rows.groups.high - rows.groups.low
    mean = rows.sum(rows.filled(0.0)) / counts
    for _ in range(2):  # the second pass takes the rounding out of the mean
        moved = np.where(rows.present, rows.values - np.repeat(mean, sizes, axis=0), 0.0)
        mean = mean + rows.sum(moved) / counts
    moved = np.where(rows.present, rows.values - np.repeat(mean, sizes, axis=0), 0.0)
    return rows.sum(moved * moved) / counts


_REDUCERS: dict[str, Reduce] = {
    "sum": lambda rows: rows.sum(rows.filled(0.0)),
    "avg": _mean,
    "min": lambda rows: np.fmin.reduceat(rows.filled(np.nan), rows.groups.starts, axis=0),
    "max": lambda rows: np.fmax.reduceat(rows.filled(np.nan), rows.groups.starts, axis=0),
    "count": lambda rows: rows.counts.astype(np.float64),
    "group": lambda rows: np.ones(rows.counts.shape),
    "stdvar": _variance,
    "stddev": lambda rows: np.sqrt(_variance(rows)),
}
SIMPLE_AGGREGATIONS = frozenset(_REDUCERS)


def aggregate(op: str, block: Block, grouping: Grouping) -> Block:
    """Return one of `SIMPLE_AGGREGATIONS` for each group."""
    if block.rows == 0:
        return empty_block(block.values.shape[1])
    rows = sort_rows(block, group_rows(block.labels, grouping))
    return grouped_block(block, rows, _REDUCERS[op](rows))


def aggregate_quantile(block: Block, grouping: Grouping, phi: Floats) -> Block:
    """Return the interpolated phi-quantile of each group; `phi` has shape (steps,)."""
    if block.rows == 0:
        return empty_block(block.values.shape[1])
    rows = sort_rows(block, group_rows(block.labels, grouping))
    steps = phi.size
    sizes = rows.groups.high - rows.groups.low
    cell = np.repeat(np.arange(sizes.size), sizes)[:, np.newaxis] * steps + np.arange(steps)
    owner, values = cell[rows.present], rows.values[rows.present]
    order = np.argsort(owner, kind="stable")
    counts = rows.counts.ravel()
    ranges = np.flatnonzero(counts)
    sizes = counts[ranges]
    portion = Gathered(ranges, order, np.cumsum(sizes) - sizes, sizes)
    out = np.full(counts.size, np.nan)
    out[ranges] = quantile(values[order], portion, phi[ranges % steps])
    return grouped_block(block, rows, out.reshape(rows.counts.shape))


def sort_rows(block: Block, groups: Groups) -> Sorted:
    """Return the block's rows sorted by group."""
    present = block.present[groups.order]
    counts = np.add.reduceat(present.astype(np.int64), groups.starts, axis=0)
    return Sorted(block.values[groups.order], present, counts, groups)


def grouped_block(block: Block, rows: Sorted, values: Floats) -> Block:
    """Return the block of the groups; a group drops its name if one of its series does."""
    groups = rows.groups
    unnamed = np.logical_or.reduceat(block.unnamed[groups.order], groups.starts)
    named = np.array([NAME in labels for labels in groups.labels], dtype=np.bool_)
    return Block(groups.labels, values, rows.counts > 0, unnamed & named)
