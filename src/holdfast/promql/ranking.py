"""topk, bottomk, count_values, sort: aggregations that choose or count, rather than compute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from holdfast.errors import PromQLError
from holdfast.promql.aggregation import group_rows
from holdfast.promql.tree import Grouping
from holdfast.promql.values import (
    Block,
    Floats,
    LabelKey,
    Labels,
    block_of,
    empty_block,
    format_value,
    label_key,
)


def keep_extremes(block: Block, grouping: Grouping, k: Floats, *, largest: bool) -> Block:
    """Return, for each group and step, the k samples that are largest (smallest); NaN last.

    `k` has shape (steps,). At a single step the rows come in order of rank.
    """
    _check_count(k)
    if block.rows == 0:
        return block
    groups = group_rows(block.labels, grouping)
    owner = np.empty(block.rows, dtype=np.intp)
    owner[groups.order] = np.repeat(np.arange(len(groups.labels)), groups.high - groups.low)
    rows, steps = np.nonzero(block.present)
    values = block.values[rows, steps]
    order = np.lexsort((rows, -values if largest else values, np.isnan(values), owner[rows], steps))
    rows, steps = rows[order], steps[order]
    rank = _rank_within(steps * len(groups.labels) + owner[rows])
    kept = rank < np.floor(k)[steps]
    present = np.zeros_like(block.present)
    present[rows[kept], steps[kept]] = True
    chosen = Block(block.labels, block.values, present, block.unnamed)
    seen = rows[kept] if k.size == 1 else np.flatnonzero(present.any(axis=1))
    return chosen.take(seen)


def keep_first(block: Block, grouping: Grouping, k: Floats) -> Block:
    """Return, for each group and step, its first k samples; `k` has shape (steps,)."""
    _check_count(k)
    if block.rows == 0:
        return block
    groups = group_rows(block.labels, grouping)
    owner = np.empty(block.rows, dtype=np.intp)
    owner[groups.order] = np.repeat(np.arange(len(groups.labels)), groups.high - groups.low)
    rows, steps = np.nonzero(block.present)
    order = np.lexsort((rows, owner[rows], steps))
    rows, steps = rows[order], steps[order]
    kept = _rank_within(steps * len(groups.labels) + owner[rows]) < np.floor(k)[steps]
    present = np.zeros_like(block.present)
    present[rows[kept], steps[kept]] = True
    return replace(block, present=present)


def _check_count(k: Floats) -> None:
    if np.isnan(k).any():
        raise PromQLError("Parameter value is NaN")
    if (np.abs(k) >= 2.0**63).any():
        raise PromQLError("Scalar value overflows int64")


def _rank_within(groups: np.ndarray[tuple[int], np.dtype[np.intp]]) -> np.ndarray:
    """Return each element's place among its equals; equals are neighbours."""
    place = np.arange(groups.size)
    first = np.concatenate([[True], groups[1:] != groups[:-1]]) if groups.size else place > 0
    return place - np.maximum.accumulate(np.where(first, place, 0))


def count_values(block: Block, grouping: Grouping, label: str) -> Block:
    """Return how many series of each group have each value, which becomes a label."""
    kept = Grouping(grouping.without, tuple(n for n in grouping.labels if n != label))
    if grouping.without:
        kept = Grouping(without=True, labels=(*grouping.labels, label))
    counts: dict[LabelKey, Floats] = {}
    found: dict[LabelKey, Labels] = {}
    steps = block.values.shape[1]
    groups = group_rows(block.labels, kept)
    for labels, low, high in zip(groups.labels, groups.low, groups.high, strict=True):
        for row in groups.order[low:high].tolist():
            for step in np.flatnonzero(block.present[row]).tolist():
                valued = {**labels, label: format_value(float(block.values[row, step]))}
                key = label_key(valued)
                found.setdefault(key, valued)
                if key not in counts:
                    counts[key] = np.zeros(steps)
                counts[key][step] += 1
    if not counts:
        return empty_block(steps)
    values = np.array(list(counts.values()))
    return block_of(list(found.values()), values, values > 0)


def sort_by_value(block: Block, *, descending: bool) -> Block:
    """Order the rows of a single step by value, NaN last; over several steps nothing changes."""
    if block.values.shape[1] != 1:
        return block
    seen = np.flatnonzero(block.present[:, 0])
    values = block.values[seen, 0]
    return block.take(seen[np.lexsort((-values if descending else values, np.isnan(values)))])
