"""Quantiles of classic histograms, from their `le` buckets (promql/quantile.go, bucketQuantile).

Groups that have the same bounds at a step are computed together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from holdfast.promql.values import (
    Block,
    Bools,
    Floats,
    LabelKey,
    Labels,
    Settings,
    block_of,
    drop_names,
    empty_block,
    label_key,
)

_PRECISION = 1e-12
"""Differences of neighbouring buckets smaller than this fraction are rounding."""


@dataclass(frozen=True, slots=True)
class _Group:
    labels: Labels
    rows: list[int]
    bounds: list[float]


def histogram_quantile(block: Block, phi: Floats, settings: Settings) -> Block:
    """Return the phi-quantile of each histogram; series without a numeric `le` are ignored.

    `phi` has shape (steps,). A step without a `+Inf` bucket, or with no observations, gives NaN.
    """
    groups = _groups(block)
    steps = block.values.shape[1]
    if not groups:
        return empty_block(steps)
    values = np.full((len(groups), steps), np.nan)
    present = np.zeros((len(groups), steps), dtype=np.bool_)
    for place, group in enumerate(groups):
        present[place] = block.present[group.rows].any(axis=0)
    for bounds, places in _same_bounds(groups).items():
        _fill(block, groups, places, np.array(bounds), phi, values)
    labels = [group.labels for group in groups]
    unnamed = np.array([block.unnamed[group.rows].any() for group in groups])
    return drop_names(replace(block_of(labels, values, present), unnamed=unnamed), settings)


def _groups(block: Block) -> list[_Group]:
    found: dict[LabelKey, _Group] = {}
    for row, labels in enumerate(block.labels):
        bound = _bound(labels.get("le", ""))
        if bound is None:
            continue
        rest = {name: value for name, value in labels.items() if name != "le"}
        group = found.setdefault(label_key(rest), _Group(rest, [], []))
        group.rows.append(row)
        group.bounds.append(bound)
    return [_sorted(group) for group in found.values()]


def _bound(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _sorted(group: _Group) -> _Group:
    order = sorted(range(len(group.rows)), key=group.bounds.__getitem__)
    return _Group(group.labels, [group.rows[i] for i in order], [group.bounds[i] for i in order])


def _same_bounds(groups: list[_Group]) -> dict[tuple[float, ...], list[int]]:
    same: dict[tuple[float, ...], list[int]] = {}
    for place, group in enumerate(groups):
        same.setdefault(tuple(group.bounds), []).append(place)
    return same


def _fill(
    block: Block,
    groups: list[_Group],
    places: list[int],
    bounds: Floats,
    phi: Floats,
    values: Floats,
) -> None:
    """Compute the groups at `places`, one pass for each pattern of buckets that are there."""
    rows = np.array([groups[place].rows for place in places])
    counts, present = block.values[rows], block.present[rows]
    there = np.moveaxis(present, 1, 2).reshape(-1, bounds.size)
    flat = np.moveaxis(counts, 1, 2).reshape(-1, bounds.size)
    wanted = np.tile(phi, len(places))
    result = np.full(wanted.size, np.nan)
    for pattern in _patterns(there):
        columns = np.flatnonzero((there == pattern).all(axis=1))
        chosen = flat[columns][:, pattern]
        result[columns] = bucket_quantiles(wanted[columns], bounds[pattern], chosen)
    values[places] = result.reshape(len(places), -1)


def _patterns(there: Bools) -> list[Bools]:
    if there.all():
        return [there[0]]
    return [pattern for pattern in np.unique(there, axis=0) if pattern.any()]


def bucket_quantiles(phi: Floats, bounds: Floats, counts: Floats) -> Floats:
    """Return quantiles of cumulative counts, shape (columns, buckets), bounds ascending."""
    result = np.full(phi.size, np.nan)
    if np.isposinf(bounds[-1]):
        bounds, counts = _coalesce(bounds, counts)
        if bounds.size > 1:
            result = _interpolate(phi, bounds, _monotonic(counts))
    result = np.where(phi < 0, -np.inf, np.where(phi > 1, np.inf, result))
    return np.where(np.isnan(phi), np.nan, result)


def _coalesce(bounds: Floats, counts: Floats) -> tuple[Floats, Floats]:
    unique, starts = np.unique(bounds, return_index=True)
    if unique.size == bounds.size:
        return bounds, counts
    return unique, np.add.reduceat(counts, starts, axis=1)


def _monotonic(counts: Floats) -> Floats:
    """Undo rounding between neighbours, then decreases: counts are cumulative."""
    fixed = counts.copy()
    kept = fixed[:, 0].copy()
    for bucket in range(1, fixed.shape[1]):
        current = fixed[:, bucket]
        same = np.abs(current - kept) <= _PRECISION * current
        kept = np.where(same, kept, current)
        fixed[:, bucket] = kept
    return np.maximum.accumulate(fixed, axis=1)


def _interpolate(phi: Floats, bounds: Floats, counts: Floats) -> Floats:
    observed = counts[:, -1]
    rank = np.nan_to_num(phi) * observed
    reached = counts[:, :-1] >= rank[:, np.newaxis]
    bucket = np.where(reached.any(axis=1), reached.argmax(axis=1), bounds.size - 1)
    column = np.arange(bucket.size)
    below = np.maximum(bucket - 1, 0)
    first = bucket == 0
    start = np.where(first, 0.0, bounds[below])
    before = np.where(first, 0.0, counts[column, below])
    inside = (rank - before) / (counts[column, bucket] - before)
    result = start + (bounds[bucket] - start) * inside
    result = np.where(first & (bounds[0] <= 0), bounds[0], result)
    result = np.where(bucket == bounds.size - 1, bounds[-2], result)
    return np.where((observed == 0) | np.isnan(observed), np.nan, result)
