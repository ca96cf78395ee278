"""Every function and aggregation that is evaluated, by name. What is not here is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from holdfast.promql import counters, natives, over_time
from holdfast.promql.aggregation import SIMPLE_AGGREGATIONS
from holdfast.promql.functions import DATE_FIELDS, ELEMENTWISE, date_field
from holdfast.promql.histogram import histogram_fraction, histogram_quantile, histogram_quantiles
from holdfast.promql.ranking import sort_by_value
from holdfast.promql.relabel import check_label_name, label_join, label_replace
from holdfast.promql.samples import is_native
from holdfast.promql.sorting import sort_by_labels
from holdfast.promql.tree import Call, Node, RangeSelector, Selector, Subquery
from holdfast.promql.values import (
    Block,
    Bools,
    Evaluates,
    Floats,
    Frame,
    Labels,
    Value,
    block_of,
    drop_names,
    empty_block,
)

Implementation = Callable[[Evaluates, Call, Frame], Value]

AGGREGATIONS = SIMPLE_AGGREGATIONS | {
    "topk",
    "bottomk",
    "quantile",
    "count_values",
    "limitk",
    "limit_ratio",
}

_NAME_KEEPING = frozenset(["last_over_time", "first_over_time"])
_EXTRAPOLATED = {
    "rate": counters.rate,
    "increase": counters.increase,
    "delta": counters.delta,
}
_REDUCERS: dict[str, Callable[..., tuple[Floats, Bools]]] = {
    "irate": counters.irate,
    "idelta": counters.idelta,
    "resets": counters.resets,
    "changes": counters.changes,
    "sum_over_time": over_time.sum_over_time,
    "avg_over_time": over_time.avg_over_time,
    "min_over_time": over_time.min_over_time,
    "max_over_time": over_time.max_over_time,
    "count_over_time": over_time.count_over_time,
    "present_over_time": over_time.present_over_time,
    "last_over_time": over_time.last_over_time,
    "first_over_time": over_time.first_over_time,
    "stddev_over_time": over_time.stddev_over_time,
    "stdvar_over_time": over_time.stdvar_over_time,
    "quantile_over_time": over_time.quantile_over_time,
    "ts_of_first_over_time": over_time.ts_of_first_over_time,
    "ts_of_last_over_time": over_time.ts_of_last_over_time,
    "ts_of_max_over_time": over_time.ts_of_max_over_time,
    "ts_of_min_over_time": over_time.ts_of_min_over_time,
    "mad_over_time": over_time.mad_over_time,
    "deriv": over_time.deriv,
    "predict_linear": over_time.predict_linear,
    "double_exponential_smoothing": over_time.double_exponential_smoothing,
}


def _is_range(node: Node) -> bool:
    return isinstance(node, RangeSelector | Subquery)


def _windowed(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    """Reduce a range vector; the other arguments are scalars, wherever they stand."""
    [ranged] = [arg for arg in call.args if _is_range(arg)]
    windows = natives.windows_for(call.name, evaluator.windows(ranged, frame), evaluator.notes)
    if call.name in _EXTRAPOLATED:
        values, present = _EXTRAPOLATED[call.name](windows, evaluator.settings)
    else:
        scalars = [evaluator.scalar(arg, frame) for arg in call.args if arg is not ranged]
        if call.name == "quantile_over_time":
            evaluator.notes.quantile(scalars[0])
        values, present = _REDUCERS[call.name](windows, *scalars)
    block = Block(windows.labels, values, present, windows.unnamed)
    if call.name in _NAME_KEEPING:
        native = present & is_native(values)
        return replace(block, native=native) if native.any() else block
    return drop_names(block, evaluator.settings)


def _elementwise(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    block = natives.floats_only(evaluator.mixed(call.args[0], frame))
    scalars = [evaluator.scalar(arg, frame) for arg in call.args[1:]]
    present = block.present
    if call.name == "clamp":  # an empty interval has no samples
        present = present & ~(scalars[0] > scalars[1])
    values = ELEMENTWISE[call.name](block.values, *scalars)
    return drop_names(replace(block, values=values, present=present), evaluator.settings)


def _date(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    if not call.args:
        return _vector_of(date_field(call.name, frame.times_ms / 1000.0), frame)
    block = natives.floats_only(evaluator.mixed(call.args[0], frame))
    values = date_field(call.name, block.values)
    return drop_names(replace(block, values=values), evaluator.settings)


def _vector_of(scalar: Floats, frame: Frame) -> Block:
    present = np.ones((1, frame.steps), dtype=np.bool_)
    return block_of([{}], scalar.reshape(1, -1), present)


def _vector(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    return _vector_of(evaluator.scalar(call.args[0], frame), frame)


def _scalar(evaluator: Evaluates, call: Call, frame: Frame) -> Floats:
    block = natives.floats_only(evaluator.mixed(call.args[0], frame))
    single = block.present.sum(axis=0) == 1
    return np.where(single, np.where(block.present, block.values, 0.0).sum(axis=0), np.nan)


def _time(_evaluator: Evaluates, _call: Call, frame: Frame) -> Floats:
    return frame.times_ms / 1000.0


def _pi(_evaluator: Evaluates, _call: Call, frame: Frame) -> Floats:
    return np.full(frame.steps, np.pi)


def _timestamp(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    """Return when samples were taken; of anything but a selector, the evaluation time."""
    taken = evaluator.sample_times(call.args[0], frame)
    if taken is None:
        block = natives.counted(evaluator.mixed(call.args[0], frame))
        times = np.broadcast_to(frame.times_ms / 1000.0, block.values.shape)
        taken = replace(block, values=times)
    return drop_names(taken, evaluator.settings)


def _absent(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    block = evaluator.mixed(call.args[0], frame)
    return _absence(np.logical_not(block.present.any(axis=0)), call.args[0])


def _absent_over_time(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    windows = evaluator.windows(call.args[0], frame)
    return _absence(np.logical_not((windows.high > windows.low).any(axis=0)), call.args[0])


def _absence(missing: Bools, node: Node) -> Block:
    present = missing.reshape(1, -1)
    return block_of([_labels_of_selector(node)], np.ones(present.shape), present)


def _labels_of_selector(node: Node) -> Labels:
    """Return the labels that a selector says by `=`, each only if said once."""
    selector = node.selector if isinstance(node, RangeSelector) else node
    if not isinstance(selector, Selector):
        return {}
    matchers = [m for m in selector.matchers if m.label != "__name__"]
    names = [m.label for m in matchers]
    said = [m for m in matchers if m.operator == "=" and m.value and names.count(m.label) == 1]
    return {m.label: m.value for m in said}


def _query_time(_evaluator: Evaluates, call: Call, frame: Frame) -> Floats:
    """Return start(), end(), range() or step() of the whole query, in seconds."""
    known = {
        "start": frame.start_ms,
        "end": frame.end_ms,
        "range": frame.end_ms - frame.start_ms,
        "step": frame.step_ms,
    }
    return np.full(frame.steps, known[call.name] / 1000.0)


def _extreme_of(evaluator: Evaluates, call: Call, frame: Frame) -> Floats:
    choose = np.minimum if call.name == "min_of" else np.maximum
    return choose(*(evaluator.scalar(arg, frame) for arg in call.args))


def _sort(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    _note_sort(evaluator, frame)
    block = natives.floats_only(evaluator.mixed(call.args[0], frame))
    return sort_by_value(block, descending=call.name == "sort_desc")


def _note_sort(evaluator: Evaluates, frame: Frame) -> None:
    if frame.step_ms:
        evaluator.notes.ineffective_sort()


def _sort_by_label(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    _note_sort(evaluator, frame)
    block = evaluator.mixed(call.args[0], frame)
    names = [evaluator.text(arg) for arg in call.args[1:]]
    return sort_by_labels(block, names, descending=call.name == "sort_by_label_desc")


def _of_native(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    """Return nothing: floats are left out; a native histogram is refused."""
    return empty_block(evaluator.vector(call.args[0], frame).values.shape[1])


def _histogram_fraction(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    lower, upper = (evaluator.scalar(arg, frame) for arg in call.args[:2])
    block = evaluator.vector(call.args[2], frame)
    return histogram_fraction(block, lower, upper, evaluator)


def _histogram_quantiles(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    block, label = evaluator.vector(call.args[0], frame), evaluator.text(call.args[1])
    check_label_name(label)
    quantiles = [evaluator.scalar(arg, frame) for arg in call.args[2:]]
    return histogram_quantiles(block, label, quantiles, evaluator)


def _histogram_quantile(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    phi = evaluator.scalar(call.args[0], frame)
    return histogram_quantile(evaluator.vector(call.args[1], frame), phi, evaluator)


FUNCTIONS: dict[str, Implementation] = {
    **dict.fromkeys([*_EXTRAPOLATED, *_REDUCERS], _windowed),
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(DATE_FIELDS, _date),
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "histogram_fraction": _histogram_fraction,
    "histogram_quantile": _histogram_quantile,
    "histogram_quantiles": _histogram_quantiles,
    **dict.fromkeys(
        [
            "histogram_count",
            "histogram_sum",
            "histogram_avg",
            "histogram_stddev",
            "histogram_stdvar",
        ],
        _of_native,
    ),
    **dict.fromkeys(["start", "end", "range", "step"], _query_time),
    **dict.fromkeys(["min_of", "max_of"], _extreme_of),
    "label_join": label_join,
    "label_replace": label_replace,
    "pi": _pi,
    "scalar": _scalar,
    "sort": _sort,
    "sort_desc": _sort,
    "sort_by_label": _sort_by_label,
    "sort_by_label_desc": _sort_by_label,
    "time": _time,
    "timestamp": _timestamp,
    "vector": _vector,
}
