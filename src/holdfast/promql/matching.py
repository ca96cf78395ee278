"""Vector matching: which series of two vectors belong together (on, ignoring, group_left, fill).

Matching is a matter of labels, so it is done once for all steps; only the checks that Prometheus
makes at each step (no two candidates at once) look at the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import PromQLError
from holdfast.promql.tree import Matching
from holdfast.promql.values import (
    NAME,
    Block,
    Bools,
    Floats,
    LabelKey,
    Labels,
    Settings,
    block_of,
    label_key,
    stack,
    without_name,
)

Signature = Callable[[Labels], Hashable]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Paired series: values of both sides, shape (pairs, steps), and the resulting labels."""

    labels: list[Labels]
    left: Floats
    right: Floats
    present: Bools
    unnamed: Bools
    left_native: Bools | None = None
    right_native: Bools | None = None
    """Where either side has a native histogram; None where it has none at all."""


def _signature(matching: Matching) -> Signature:
    names = matching.labels
    if matching.on:
        return lambda labels: tuple(labels.get(name, "") for name in names)
    ignored = {*names, NAME}
    return lambda labels: frozenset(item for item in labels.items() if item[0] not in ignored)


def _matching_labels(labels: Labels, matching: Matching) -> Labels:
    if matching.on:
        return {name: labels[name] for name in matching.labels if name in labels}
    return {k: v for k, v in labels.items() if k != NAME and k not in matching.labels}


def _index(block: Block, signature: Signature) -> dict[Hashable, list[int]]:
    index: dict[Hashable, list[int]] = {}
    for row, labels in enumerate(block.labels):
        index.setdefault(signature(labels), []).append(row)
    return index


def pair_rows(
    left: Block, right: Block, matching: Matching, *, drops_name: bool, settings: Settings
) -> Pairs:
    """Pair the series of two vectors; raises PromQLError where more than one would match."""
    signature = _signature(matching)
    if matching.fill_left is not None or matching.fill_right is not None:
        left, right = _filled(left, right, matching, signature)
    swapped = matching.cardinality == "one-to-many"
    many, one = (right, left) if swapped else (left, right)
    many_rows, one_rows = _matched(many, one, matching, signature, swapped=swapped)
    labels = [
        _result_labels(many.labels[int(m)], one.labels[int(o)], matching)
        for m, o in zip(many_rows, one_rows, strict=True)
    ]
    unnamed = many.unnamed[many_rows] | (drops_name and settings.delayed_names)
    if drops_name and not settings.delayed_names:
        labels = [without_name(one) for one in labels]
    present = many.present[many_rows] & one.present[one_rows]
    _refuse_ambiguous_groups(matching, labels, present)
    sides = many.values[many_rows], one.values[one_rows]
    natives = _rows_of(many.native, many_rows), _rows_of(one.native, one_rows)
    lefts, rights = sides[::-1] if swapped else sides
    return Pairs(labels, lefts, rights, present, unnamed, *(natives[::-1] if swapped else natives))


def _rows_of(native: Bools | None, rows: NDArray[np.intp]) -> Bools | None:
    return None if native is None else native[rows]


def _matched(
    many: Block, one: Block, matching: Matching, signature: Signature, *, swapped: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    one_index = _index(one, signature)
    active = many.present.any(axis=0)
    for key, rows in one_index.items():
        if len(rows) > 1 and ((one.present[rows].sum(axis=0) > 1) & active).any():
            side = "left" if swapped else "right"
            raise PromQLError(
                f"found duplicate series for the match group {key} on the {side} hand-side "
                "of the operation: many-to-many matching not allowed",
                hint="matching labels must be unique on one side",
            )
    pairs: list[tuple[int, int]] = []
    for key, rows in _index(many, signature).items():
        others = one_index.get(key, [])
        if others and len(rows) > 1 and matching.cardinality == "one-to-one":
            _refuse_many(many.present[rows], one.present[others])
        pairs += [(row, other) for row in rows for other in others]
    pairs.sort()
    many_rows = np.array([row for row, _ in pairs], dtype=np.intp)
    return many_rows, np.array([other for _, other in pairs], dtype=np.intp)


def _refuse_many(many: Bools, one: Bools) -> None:
    if ((many.sum(axis=0) > 1) & one.any(axis=0)).any():
        raise PromQLError(
            "multiple matches for labels: many-to-one matching must be explicit",
            hint="use group_left or group_right",
        )


def _refuse_ambiguous_groups(matching: Matching, labels: list[Labels], present: Bools) -> None:
    """Raise if, under group_left or group_right, two pairs at one step have the same labels."""
    if matching.cardinality == "one-to-one":
        return
    found: dict[LabelKey, list[int]] = {}
    for row, one in enumerate(labels):
        found.setdefault(label_key(one), []).append(row)
    if any((present[rows].sum(axis=0) > 1).any() for rows in found.values() if len(rows) > 1):
        raise PromQLError(
            "multiple matches for labels: grouping labels must ensure unique matches",
            hint="include a label that tells the series apart",
        )


def _result_labels(many: Labels, one: Labels, matching: Matching) -> Labels:
    if matching.cardinality == "one-to-one":
        if matching.on:
            return {name: many[name] for name in matching.labels if name in many}
        return {name: value for name, value in many.items() if name not in matching.labels}
    kept = {name: value for name, value in many.items() if name not in matching.include}
    return kept | {name: one[name] for name in matching.include if name in one}


def _filled(
    left: Block, right: Block, matching: Matching, signature: Signature
) -> tuple[Block, Block]:
    """Add to either side a series of the fill value where the other side has no partner."""
    new_left, new_right = left, right
    fill_left, fill_right = matching.fill_left, matching.fill_right
    if matching.cardinality == "one-to-many":  # Prometheus swaps the sides before it fills
        fill_left, fill_right = fill_right, fill_left
    if fill_left is not None:
        new_left = _with_fillers(left, right, fill_left, matching, signature)
    if fill_right is not None:
        new_right = _with_fillers(right, left, fill_right, matching, signature)
    return new_left, new_right


def _with_fillers(
    block: Block, other: Block, value: float, matching: Matching, signature: Signature
) -> Block:
    mine = _index(block, signature)
    labels: list[Labels] = []
    missing: list[Bools] = []
    for key, rows in _index(other, signature).items():
        partnered = block.present[mine.get(key, [])].any(axis=0)
        lacking = np.logical_and(other.present[rows].any(axis=0), np.logical_not(partnered))
        if lacking.any():
            labels.append(_matching_labels(other.labels[rows[0]], matching))
            missing.append(lacking)
    if not labels:
        return block
    present = np.array(missing)
    fillers = block_of(labels, np.full(present.shape, value), present)
    return stack([block, fillers])


def set_operation(op: str, left: Block, right: Block, matching: Matching) -> Block:
    """Return `and`, `unless` or `or`: samples chosen by whether the other side has a partner."""
    signature = _signature(matching)
    if op == "or":
        partnered = _partnered(right, left, signature)
        return stack([left, replace(right, present=right.present & ~partnered)])
    partnered = _partnered(left, right, signature)
    present = left.present & (partnered if op == "and" else ~partnered)
    return replace(left, present=present)


def _partnered(block: Block, other: Block, signature: Signature) -> Bools:
    """Return for each sample of `block` whether `other` has one of its signature at that step."""
    index = _index(other, signature)
    anywhere = {key: other.present[rows].any(axis=0) for key, rows in index.items()}
    partnered = np.zeros_like(block.present)
    for row, labels in enumerate(block.labels):
        found = anywhere.get(signature(labels))
        if found is not None:
            partnered[row] = found
    return partnered
