"""Walks the tree of an expression; every node is evaluated once for all steps of its frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from holdfast.errors import PromQLError, PromQLUnsupported
from holdfast.promql.aggregation import SIMPLE_AGGREGATIONS, aggregate, aggregate_quantile
from holdfast.promql.binary import between_scalars, between_vectors, with_scalar
from holdfast.promql.natives import after_scalar, counted, floats_only, holds_natives, refused
from holdfast.promql.notes import Notes
from holdfast.promql.ranking import count_values, keep_extremes, keep_first
from holdfast.promql.registry import FUNCTIONS
from holdfast.promql.relabel import check_label_name
from holdfast.promql.samples import SampleStore
from holdfast.promql.selectors import flatten, select_instant, select_windows, windows_over
from holdfast.promql.tree import (
    Aggregation,
    Binary,
    Call,
    Negation,
    Node,
    Number,
    RangeSelector,
    Selector,
    Subquery,
    Text,
)
from holdfast.promql.values import (
    Block,
    Floats,
    Frame,
    Settings,
    Value,
    Windows,
    drop_names,
    merge_same_labels,
    settle_names,
)

_SUBQUERY_STEPS_AT_MOST = 5_000_000
"""Prometheus refuses a query that loads more than 50 million samples."""


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates trees over a store; implements `values.Evaluates`."""

    store: SampleStore
    settings: Settings
    notes: Notes = field(default_factory=Notes)
    """Of one query: each has its own evaluator."""

    def evaluate(self, node: Node, frame: Frame) -> Value:
        """Return the value of a node at every step; raises PromQLError on ambiguous data."""
        match node:
            case Number(value):
                return np.full(frame.steps, value)
            case Text(value):
                return value
            case Selector():
                return select_instant(self.store, node, frame, self.settings)[0]
            case Negation(expr):
                return self._negated(self.evaluate(expr, frame))
            case Call(name):
                return FUNCTIONS[name](self, node, frame)
            case Aggregation():
                return self._aggregated(node, frame)
            case Binary():
                return self._binary(node, frame)
            case RangeSelector() | Subquery():
                raise PromQLUnsupported(
                    "a range vector as the result", hint="apply a function such as rate to it"
                )

    def vector(self, node: Node, frame: Frame) -> Block:
        """Evaluate an instant vector; refuses native histograms."""
        return refused(self.mixed(node, frame))

    def mixed(self, node: Node, frame: Frame) -> Block:
        """Evaluate an instant vector that may hold native histograms."""
        value = self.evaluate(node, frame)
        if isinstance(value, Block):
            return value
        raise PromQLError("expected an instant vector")

    def scalar(self, node: Node, frame: Frame) -> Floats:
        """Evaluate a scalar, shape (steps,)."""
        value = self.evaluate(node, frame)
        if isinstance(value, np.ndarray):
            return value
        raise PromQLError("expected a scalar")

    def text(self, node: Node) -> str:
        """Return a string argument."""
        if isinstance(node, Text):
            return node.value
        raise PromQLError("expected a string")

    def windows(self, node: Node, frame: Frame) -> Windows:
        """Evaluate a range vector; native histograms are marked among its values."""
        if isinstance(node, RangeSelector):
            return select_windows(self.store, node, frame, self.settings)
        if isinstance(node, Subquery):
            return self._subquery(node, frame)
        raise PromQLError("expected a range vector")

    def sample_times(self, node: Node, frame: Frame) -> Block | None:
        """Return when a selector's samples were taken, in seconds, as values; else None."""
        if not isinstance(node, Selector):
            return None
        block, taken = select_instant(self.store, node, frame, self.settings)
        return replace(counted(block), values=taken)

    def _negated(self, value: Value) -> Value:
        if isinstance(value, Block):
            return drop_names(replace(value, values=-value.values), self.settings)
        if isinstance(value, str):
            raise PromQLError("a string cannot be negated")
        return -value

    def _subquery(self, node: Subquery, frame: Frame) -> Windows:
        ends = frame.effective_times(node.at, node.offset_ms)
        step = node.step_ms or self.settings.subquery_step_ms
        before = int(ends.min()) - node.range_ms
        first = before // step * step
        if first < before or (first == before and self.settings.left_open):
            first += step
        steps = (int(ends.max()) - first) // step + 1
        if steps > _SUBQUERY_STEPS_AT_MOST:
            raise PromQLUnsupported(
                f"a subquery of {steps:,} steps", hint="take a greater step or a shorter range"
            )
        grid = np.arange(first, int(ends.max()) + 1, step, dtype=np.int64)
        if grid.size == 0:
            return windows_over(None, ends, node.range_ms, frame, self.settings)
        block = self.vector(node.expr, replace(frame, times_ms=grid))
        windows = windows_over(flatten(block, grid), ends, node.range_ms, frame, self.settings)
        return replace(windows, unnamed=block.unnamed) if windows.labels else windows

    def _aggregated(self, node: Aggregation, frame: Frame) -> Block:
        if node.op == "count_values":
            label = self.text(node.param) if node.param else ""
            check_label_name(label)
            block = self.vector(node.expr, frame)
            return count_values(block, node.grouping, label)
        param = self.scalar(node.param, frame) if node.param else np.zeros(frame.steps)
        if node.op == "limitk":
            return keep_first(self.mixed(node.expr, frame), node.grouping, param)
        if node.op == "limit_ratio":
            return _by_ratio(param)
        block = self._aggregated_samples(node.op, self.mixed(node.expr, frame))
        if node.op in SIMPLE_AGGREGATIONS:
            return aggregate(node.op, block, node.grouping)
        if node.op == "quantile":
            self.notes.quantile(param)
            return aggregate_quantile(block, node.grouping, param)
        return keep_extremes(block, node.grouping, param, largest=node.op == "topk")

    def _aggregated_samples(self, op: str, block: Block) -> Block:
        """Return what an aggregation takes of a vector that may hold native histograms."""
        if op in ("count", "group"):
            return counted(block)
        if op in ("sum", "avg"):
            return refused(block)
        if holds_natives(block):
            self.notes.ignored_in_aggregation(op)
        return floats_only(block)

    def _binary(self, node: Binary, frame: Frame) -> Value:
        left, right = self.evaluate(node.left, frame), self.evaluate(node.right, frame)
        if isinstance(left, str) or isinstance(right, str):
            raise PromQLError("a string has no binary operations")
        if isinstance(left, Block):
            if isinstance(right, Block):
                return between_vectors(node, left, right, self.settings, self.notes)
            left = after_scalar(node.op, left, self.notes, scalar_left=False)
            return with_scalar(node, left, right, self.settings, scalar_left=False)
        if isinstance(right, Block):
            right = after_scalar(node.op, right, self.notes, scalar_left=True)
            return with_scalar(node, right, left, self.settings, scalar_left=True)
        return between_scalars(node, left, right)


def _by_ratio(ratio: Floats) -> Block:
    if np.isnan(ratio).any():
        raise PromQLError("Ratio value is NaN")
    raise PromQLUnsupported(
        "aggregation limit_ratio: it chooses by a hash of the server's own", hint="use limitk"
    )


def result_of(evaluator: Evaluator, node: Node, frame: Frame) -> Block | Floats:
    """Evaluate a whole query: overflow and division are values, names are settled at the end."""
    with np.errstate(all="ignore"):
        value = evaluator.evaluate(node, frame)
    if isinstance(value, str):
        raise PromQLUnsupported("a string as the result", hint="ask for numbers")
    if isinstance(value, Block):
        return refused(merge_same_labels(settle_names(value)))
    return value
