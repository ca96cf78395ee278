"""What expressions evaluate to: blocks of series x steps, and the rules for metric names.

An instant vector over several steps is one `Block`. A sample that is not there is `False` in
`present`; NaN is a value like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import PromQLError
from holdfast.promql.notes import Notes
from holdfast.promql.tree import At, Node

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Labels = dict[str, str]
LabelKey = frozenset[tuple[str, str]]

NAME = "__name__"
_TYPE, _UNIT = "__type__", "__unit__"
SAME_LABELS = "vector cannot contain metrics with the same labelset"


@dataclass(frozen=True, slots=True)
class Settings:
    """The semantics that differ between Prometheus versions and configurations."""

    lookback_ms: int = 300_000
    left_open: bool = True
    """Windows and lookback exclude their start (3.x); if not, they include it (2.x)."""
    delayed_names: bool = False
    """Keep `__name__` until the end (feature flag `promql-delayed-name-removal`)."""
    subquery_step_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class Frame:
    """The instants at which an expression is evaluated, ascending, and the query's ends."""

    times_ms: Ints
    start_ms: int
    end_ms: int
    step_ms: int = 0
    """The query's step; 0 for an instant."""

    @property
    def steps(self) -> int:
        """How many instants."""
        return self.times_ms.size

    def effective_times(self, at: At, offset_ms: int) -> Ints:
        """Return the instants after `@` and `offset`, shape (steps,)."""
        if at is None:
            return self.times_ms - offset_ms
        pinned = {"start": self.start_ms, "end": self.end_ms}.get(at) if isinstance(at, str) else at
        return np.full(self.steps, pinned, dtype=np.int64) - offset_ms


@dataclass(frozen=True, slots=True)
class Block:
    """An instant vector over the steps of a frame."""

    labels: list[Labels]
    values: Floats
    """Shape (series, steps)."""
    present: Bools
    """Shape (series, steps): where there is a sample."""
    unnamed: Bools
    """Shape (series,): names to remove at the end, only in delayed mode."""
    native: Bools | None = None
    """Shape (series, steps): samples that are native histograms, of unknown value; None: none."""

    @property
    def rows(self) -> int:
        """How many series."""
        return len(self.labels)

    def take(self, rows: NDArray[np.intp]) -> Block:
        """Return the block of these rows, in this order."""
        return Block(
            [self.labels[row] for row in rows.tolist()],
            self.values[rows],
            self.present[rows],
            self.unnamed[rows],
            None if self.native is None else self.native[rows],
        )


Value = Block | Floats | str
"""A vector; a scalar, shape (steps,); a string."""


@dataclass(frozen=True, slots=True)
class Windows:
    """A range vector: for each series and step, the samples [low, high) of one flat array."""

    labels: list[Labels]
    times_ms: Ints
    """Flat, all series one after another, staleness markers taken out."""
    values: Floats
    low: NDArray[np.int64]
    """Shape (series, steps): index of the first sample."""
    high: NDArray[np.int64]
    """Shape (series, steps): index after the last sample."""
    end_ms: Ints
    """Shape (steps,): where each window ends, after `@` and offset."""
    range_ms: int
    frame: Frame
    unnamed: Bools


class Evaluates(Protocol):
    """What functions ask of the evaluator to have their arguments."""

    @property
    def settings(self) -> Settings:
        """The semantics in force."""
        ...

    @property
    def notes(self) -> Notes:
        """What is said beside the answer."""
        ...

    def vector(self, node: Node, frame: Frame) -> Block:
        """Evaluate an instant vector; refuses native histograms."""
        ...

    def mixed(self, node: Node, frame: Frame) -> Block:
        """Evaluate an instant vector that may hold native histograms."""
        ...

    def scalar(self, node: Node, frame: Frame) -> Floats:
        """Evaluate a scalar, shape (steps,)."""
        ...

    def text(self, node: Node) -> str:
        """Return a string argument."""
        ...

    def windows(self, node: Node, frame: Frame) -> Windows:
        """Evaluate a range vector; native histograms are marked among its values."""
        ...

    def sample_times(self, node: Node, frame: Frame) -> Block | None:
        """Return when a selector's samples were taken, in seconds, as values; else None."""
        ...


def empty_block(steps: int) -> Block:
    """Return a vector without series."""
    return block_of([], np.zeros((0, steps)), np.zeros((0, steps), dtype=np.bool_))


def block_of(labels: list[Labels], values: Floats, present: Bools) -> Block:
    """Return a block whose names are settled."""
    return Block(labels, values, present, np.zeros(len(labels), dtype=np.bool_))


def stack(blocks: list[Block]) -> Block:
    """Put the rows of blocks of the same steps one under another."""
    native = None
    if any(block.native is not None for block in blocks):
        native = np.concatenate([native_of(block) for block in blocks])
    return Block(
        [labels for block in blocks for labels in block.labels],
        np.concatenate([block.values for block in blocks]),
        np.concatenate([block.present for block in blocks]),
        np.concatenate([block.unnamed for block in blocks]),
        native,
    )


def native_of(block: Block) -> Bools:
    """Return where native histograms are, shape (series, steps)."""
    return np.zeros_like(block.present) if block.native is None else block.native


def format_value(value: float) -> str:
    """Write a number as Go's `FormatFloat(value, 'f', -1, 64)` does."""
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return np.format_float_positional(value, trim="-")


def label_key(labels: Labels) -> LabelKey:
    """Return the identity of a labelset."""
    return frozenset(labels.items())


def without_name(labels: Labels) -> Labels:
    """Return the labels but the metric name (and its type and unit)."""
    kept = labels.copy()
    kept.pop(NAME, None)
    kept.pop(_TYPE, None)
    kept.pop(_UNIT, None)
    return kept


def drop_names(block: Block, settings: Settings) -> Block:
    """Remove metric names now, or mark them for the end; duplicates at one step are an error."""
    if settings.delayed_names:
        return replace(block, unnamed=np.ones(block.rows, dtype=np.bool_))
    several = len({labels.get(NAME) for labels in block.labels}) > 1
    named = replace(block, labels=[without_name(labels) for labels in block.labels])
    return merge_same_labels(named) if several else named


def settle_names(block: Block) -> Block:
    """Remove the names that were marked, at the end of a query."""
    if not block.unnamed.any():
        return block
    labels = [
        without_name(labels) if unnamed else labels
        for labels, unnamed in zip(block.labels, block.unnamed.tolist(), strict=True)
    ]
    settled = np.zeros(block.rows, dtype=np.bool_)
    return merge_same_labels(replace(block, labels=labels, unnamed=settled))


def merge_same_labels(block: Block) -> Block:
    """Join series of equal labels whose samples never meet; where they meet, it is an error."""
    groups: dict[LabelKey, list[int]] = {}
    for row, labels in enumerate(block.labels):
        groups.setdefault(label_key(labels), []).append(row)
    if len(groups) == block.rows:
        return block
    firsts = np.array([rows[0] for rows in groups.values()], dtype=np.intp)
    merged = block.take(firsts)
    for target, rows in enumerate(groups.values()):
        if len(rows) > 1:
            _join_rows(merged, target, block, rows)
    return merged


def _join_rows(merged: Block, target: int, block: Block, rows: list[int]) -> None:
    if (block.present[rows].sum(axis=0) > 1).any():
        raise PromQLError(SAME_LABELS, hint="the series differ only by labels that are dropped")
    for row in rows:
        here = block.present[row]
        merged.values[target, here] = block.values[row, here]
        merged.present[target] |= here
        merged.unnamed[target] |= block.unnamed[row]
        if merged.native is not None and block.native is not None:
            merged.native[target, here] = block.native[row, here]
