"""Binary operators between scalars and vectors; vectors are paired by `matching`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from holdfast.promql.matching import pair_rows, set_operation
from holdfast.promql.natives import paired
from holdfast.promql.notes import Notes
from holdfast.promql.tree import Binary
from holdfast.promql.values import (
    Block,
    Bools,
    Floats,
    Settings,
    drop_names,
    empty_block,
    merge_same_labels,
)

Arithmetic = Callable[[Floats, Floats], Floats]
Comparison = Callable[[Floats, Floats], Bools]

_ARITHMETIC: dict[str, Arithmetic] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
_COMPARISON: dict[str, Comparison] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}
_SET_OPERATORS = frozenset(["and", "or", "unless"])


def between_scalars(node: Binary, left: Floats, right: Floats) -> Floats:
    """Return the scalar result; comparisons give 1 or 0."""
    if node.op in _ARITHMETIC:
        return _ARITHMETIC[node.op](left, right)
    return _COMPARISON[node.op](left, right).astype(np.float64)


def with_scalar(
    node: Binary, block: Block, scalar: Floats, settings: Settings, *, scalar_left: bool
) -> Block:
    """Return vector op scalar; a comparison without `bool` keeps the vector's samples."""
    left, right = (scalar, block.values) if scalar_left else (block.values, scalar)
    values, kept = _apply(node, left, right, kept_values=block.values)
    result = replace(block, values=values, present=block.present & kept)
    return drop_names(result, settings) if _drops_name(node) else result


def between_vectors(
    node: Binary, left: Block, right: Block, settings: Settings, notes: Notes
) -> Block:
    """Return vector op vector; raises PromQLError where the pairing is not unique."""
    if node.op in _SET_OPERATORS:
        return merge_same_labels(set_operation(node.op, left, right, node.matching))
    drops_name = _drops_name(node)
    pairs = pair_rows(left, right, node.matching, drops_name=drops_name, settings=settings)
    if not pairs.labels:
        return empty_block(left.values.shape[1])
    present = paired(node.op, pairs.present, pairs.left_native, pairs.right_native, notes)
    values, kept = _apply(node, pairs.left, pairs.right, kept_values=pairs.left)
    return merge_same_labels(Block(pairs.labels, values, present & kept, pairs.unnamed))


def _drops_name(node: Binary) -> bool:
    return node.op in _ARITHMETIC or node.returns_bool


def _apply(
    node: Binary, left: Floats, right: Floats, *, kept_values: Floats
) -> tuple[Floats, Bools]:
    """Return the values, and which samples stay."""
    everything = np.ones(kept_values.shape, dtype=np.bool_)
    if node.op in _ARITHMETIC:
        return _ARITHMETIC[node.op](left, right), everything
    compared = _COMPARISON[node.op](left, right)
    if node.returns_bool:
        return compared.astype(np.float64), everything
    return kept_values, compared
