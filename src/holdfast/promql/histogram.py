"""Quantiles and fractions of classic histograms, from their `le` buckets.

After Prometheus, promql/quantile.go: `bucketQuantile`, `BucketFraction`.

Groups that have the same bounds at a step are computed together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.promql.notes import Notes
from holdfast.promql.values import (
    NAME,
    Block,
    Bools,
    Evaluates,
    Floats,
    LabelKey,
    Labels,
    block_of,
    drop_names,
    empty_block,
    format_value,
    label_key,
    merge_same_labels,
    stack,
)

_PRECISION = 1e-12
"""Differences of neighbouring buckets smaller than this fraction are rounding."""


Compute = Callable[..., Floats]
"""Takes parameters of each column, the bounds and the counts, shape (columns, buckets)."""


@dataclass(frozen=True, slots=True)
class _Group:
    labels: Labels
    rows: list[int]
    bounds: list[float]


def histogram_quantile(block: Block, phi: Floats, evaluator: Evaluates) -> Block:
    """Return the phi-quantile of each histogram; series without a numeric `le` are ignored.

    `phi` has shape (steps,). A step without a `+Inf` bucket, or with no observations, gives NaN.
    """
    evaluator.notes.quantile(phi)

    def compute(phi: Floats, bounds: Floats, counts: Floats) -> Floats:
        if _decreases(phi, bounds, counts):
            evaluator.notes.fixed_monotonicity(block.labels[0].get(NAME, ""))
        return bucket_quantiles(phi, bounds, counts)

    return drop_names(_reduce(block, [phi], compute, evaluator.notes), evaluator.settings)


def histogram_quantiles(
    block: Block, label: str, quantiles: list[Floats], evaluator: Evaluates
) -> Block:
    """Return several quantiles of each histogram, told apart by a label; shapes (steps,)."""
    parts: list[Block] = []
    for phi in quantiles:
        part = histogram_quantile(block, phi, evaluator)
        for text in dict.fromkeys(map(_quantile_text, phi.tolist())):
            here = np.array([_quantile_text(value) == text for value in phi.tolist()])
            labels = [{**one, label: text} for one in part.labels]
            parts.append(replace(part, labels=labels, present=part.present & here))
    return merge_same_labels(stack(parts)) if parts else empty_block(block.values.shape[1])


def _quantile_text(value: float) -> str:
    """Write a number as OpenMetrics does: a whole number keeps `.0`."""
    text = format_value(value)
    return text + ".0" if text.lstrip("-").isdigit() else text


def histogram_fraction(block: Block, lower: Floats, upper: Floats, evaluator: Evaluates) -> Block:
    """Return the fraction of observations between two values, shape (steps,) each."""
    reduced = _reduce(block, [lower, upper], bucket_fractions, evaluator.notes)
    return drop_names(reduced, evaluator.settings)


def _reduce(block: Block, parameters: list[Floats], compute: Compute, notes: Notes) -> Block:
    groups = _groups(block, notes)
    steps = block.values.shape[1]
    if not groups:
        return empty_block(steps)
    values = np.full((len(groups), steps), np.nan)
    present = np.zeros((len(groups), steps), dtype=np.bool_)
    for place, group in enumerate(groups):
        present[place] = block.present[group.rows].any(axis=0)
    for bounds, places in _same_bounds(groups).items():
        rows = np.array([groups[place].rows for place in places])
        values[places] = _same_bounds_values(block, rows, np.array(bounds), parameters, compute)
    labels = [group.labels for group in groups]
    unnamed = np.array([block.unnamed[group.rows].any() for group in groups])
    return replace(block_of(labels, values, present), unnamed=unnamed)


def _groups(block: Block, notes: Notes) -> list[_Group]:
    found: dict[LabelKey, _Group] = {}
    for row, labels in enumerate(block.labels):
        bound = _bound(labels.get("le", ""))
        if bound is None:
            if block.present[row].any():
                notes.bucket_label(labels.get("le", ""), labels.get(NAME, ""))
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


def _same_bounds_values(
    block: Block,
    rows: NDArray[np.intp],
    bounds: Floats,
    parameters: list[Floats],
    compute: Compute,
) -> Floats:
    """Compute groups, shape (groups, buckets), in one pass a pattern of buckets that are there."""
    there = np.moveaxis(block.present[rows], 1, 2).reshape(-1, bounds.size)
    counts = np.moveaxis(block.values[rows], 1, 2).reshape(-1, bounds.size)
    wanted = [np.tile(parameter, len(rows)) for parameter in parameters]
    result = np.full(len(counts), np.nan)
    for pattern in _patterns(there):
        columns = np.flatnonzero((there == pattern).all(axis=1))
        chosen = [parameter[columns] for parameter in wanted]
        result[columns] = compute(*chosen, bounds[pattern], counts[columns][:, pattern])
    return result.reshape(len(rows), -1)


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


def _decreases(phi: Floats, bounds: Floats, counts: Floats) -> bool:
    """Return whether cumulative counts fall by more than rounding where a quantile is asked."""
    if not np.isposinf(bounds[-1]):
        return False
    _, counts = _coalesce(bounds, counts[(phi >= 0) & (phi <= 1)])
    return bool((np.diff(_without_rounding(counts), axis=1) < 0).any())


def _monotonic(counts: Floats) -> Floats:
    """Undo rounding between neighbours, then decreases: counts are cumulative."""
    return np.maximum.accumulate(_without_rounding(counts), axis=1)


def _without_rounding(counts: Floats) -> Floats:
    fixed = counts.copy()
    kept = fixed[:, 0].copy()
    for bucket in range(1, fixed.shape[1]):
        current = fixed[:, bucket]
        same = np.abs(current - kept) <= _PRECISION * current
        kept = np.where(same, kept, current)
        fixed[:, bucket] = kept
    return fixed


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


def bucket_fractions(lower: Floats, upper: Floats, bounds: Floats, counts: Floats) -> Floats:
    """Return the fractions of observations in (lower, upper), from cumulative counts."""
    if not np.isposinf(bounds[-1]):
        return np.full(lower.size, np.nan)
    bounds, counts = _coalesce(bounds, counts)
    total = counts[:, -1]
    result = (_rank_at(upper, bounds, counts) - _rank_at(lower, bounds, counts)) / total
    result = np.where(lower >= upper, 0.0, result)
    return np.where((total == 0) | np.isnan(lower) | np.isnan(upper), np.nan, result)


def _rank_at(value: Floats, bounds: Floats, counts: Floats) -> Floats:
    """Return how many observations lie below a value; buckets without an end are not divided."""
    lowest = 0.0 if bounds[0] > 0 else -np.inf
    edges = np.concatenate([[lowest], bounds])
    column = np.arange(value.size)
    ranks = np.concatenate([np.zeros((value.size, 1)), counts], axis=1)
    bucket = np.clip(np.searchsorted(edges, value, side="left") - 1, 0, bounds.size - 1)
    start, end = edges[bucket], edges[bucket + 1]
    below, upto = ranks[column, bucket], ranks[column, bucket + 1]
    inside = below + (upto - below) * (value - start) / (end - start)
    inside = np.where(np.isneginf(start), upto, inside)
    inside = np.where(value <= lowest, 0.0, inside)
    return np.minimum(np.where(np.isposinf(value), counts[:, -1], inside), counts[:, -1])
