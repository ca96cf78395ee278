"""Native histograms: recognised wherever they stand, never evaluated.

Only that one is there is known. What ignores them, as Prometheus does, leaves them out; what counts
samples counts them; what drops mixtures of both kinds drops them. All else refuses by name, so that
nothing is answered as if they were numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from holdfast.errors import PromQLUnsupported
from holdfast.promql.notes import Notes
from holdfast.promql.samples import is_native
from holdfast.promql.values import NAME, Block, Bools, Floats, Ints, Windows

_ORDERING = frozenset([">", "<", ">=", "<="])
_MIXED_DROPPED = frozenset(["+", "-", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<="])

_KEPT_SAMPLES = frozenset(["first_over_time", "last_over_time"])
"""Answer with a native histogram where it is the one chosen."""
_ALL_SAMPLES = frozenset(
    ["count_over_time", "present_over_time", "ts_of_first_over_time", "ts_of_last_over_time"]
)
"""Count native histograms too, whatever they hold."""
_FLOAT_SAMPLES = frozenset(
    [
        "min_over_time",
        "max_over_time",
        "ts_of_max_over_time",
        "ts_of_min_over_time",
        "stddev_over_time",
        "stdvar_over_time",
        "quantile_over_time",
        "mad_over_time",
        "deriv",
        "predict_linear",
        "double_exponential_smoothing",
    ]
)
"""Leave native histograms out."""
_LAST_TWO_SAMPLES = frozenset(["irate", "idelta"])
_UNIFORM_SAMPLES = {
    "rate": 2,
    "increase": 2,
    "delta": 2,
    "sum_over_time": 1,
    "avg_over_time": 1,
}
"""Have no answer where both kinds are mixed; the samples that an answer needs at least."""


def refusal() -> PromQLUnsupported:
    """Return the error for an expression that needs what native histograms hold."""
    return PromQLUnsupported(
        "native histograms: the embedded evaluator does not read what they hold",
        hint="ask a Prometheus server, or use the classic buckets",
    )


def refused(block: Block) -> Block:
    """Return the block; raises PromQLUnsupported where it holds a native histogram."""
    if holds_natives(block):
        raise refusal()
    return block if block.native is None else replace(block, native=None)


def holds_natives(block: Block) -> bool:
    """Return whether any sample is a native histogram."""
    return block.native is not None and bool((block.native & block.present).any())


def floats_only(block: Block) -> Block:
    """Return the block without its native histograms."""
    if block.native is None:
        return block
    return replace(block, present=block.present & ~block.native, native=None)


def counted(block: Block) -> Block:
    """Return the block with native histograms as samples of no value, for what only counts."""
    return replace(block, native=None)


def after_scalar(op: str, block: Block, notes: Notes, *, scalar_left: bool) -> Block:
    """Return what takes part in vector op scalar: `*`, and `/` by a scalar, keep histograms."""
    if op == "*" or (op == "/" and not scalar_left):
        return block
    if holds_natives(block):
        notes.incompatible(op)
    return floats_only(block)


def paired(op: str, present: Bools, left: Bools | None, right: Bools | None, notes: Notes) -> Bools:
    """Return which pairs are answered: pairs that Prometheus drops are left out.

    Raises PromQLUnsupported for a pair whose answer needs a histogram's contents.
    """
    if left is None and right is None:
        return present
    nothing = np.zeros_like(present)
    left, right = nothing if left is None else left, nothing if right is None else right
    both, one = left & right & present, (left ^ right) & present
    dropped = nothing
    if op in ("%", "^", "atan2", "*", "/") or op in _ORDERING:
        dropped = dropped | both
    if op in _MIXED_DROPPED:
        dropped = dropped | one
    if op == "/":
        dropped = dropped | (one & right)
    if ((both | one) & ~dropped).any():
        raise refusal()
    if dropped.any():
        notes.incompatible(op)
    return present & ~dropped


def windows_for(function: str, windows: Windows, notes: Notes) -> Windows:
    """Return what a function takes of windows that may hold native histograms.

    Raises PromQLUnsupported where it needs what they hold.
    """
    if function in _ALL_SAMPLES or function in _KEPT_SAMPLES:
        return windows
    if function in _FLOAT_SAMPLES:
        return float_windows(windows, notes)
    if function in _UNIFORM_SAMPLES:
        return uniform_windows(windows, notes, samples_at_least=_UNIFORM_SAMPLES[function])
    return refused_windows(windows, samples_at_least=2 if function in _LAST_TWO_SAMPLES else 1)


def float_windows(windows: Windows, notes: Notes) -> Windows:
    """Return the windows without native histograms."""
    native = _marked(windows.values)
    if native is None:
        return windows
    _note_mixtures(windows, notes.ignored_in_range)
    before = np.concatenate([[0], np.cumsum(~native)])
    return replace(
        windows,
        times_ms=windows.times_ms[~native],
        values=windows.values[~native],
        low=before[windows.low],
        high=before[windows.high],
    )


def refused_windows(windows: Windows, *, samples_at_least: int = 1) -> Windows:
    """Return the windows; raises PromQLUnsupported where one holds a native histogram.

    Windows of fewer samples than `samples_at_least` have no answer anyway and may hold one.
    """
    inside = _natives_inside(windows)
    if inside is not None:
        counts = windows.high - windows.low
        if ((inside > 0) & (counts >= samples_at_least)).any():
            raise refusal()
    return windows


def uniform_windows(windows: Windows, notes: Notes, *, samples_at_least: int) -> Windows:
    """Return the windows, those that mix both kinds emptied; refuses those of histograms alone."""
    inside = _natives_inside(windows)
    if inside is None:
        return windows
    counts = windows.high - windows.low
    if ((inside == counts) & (counts >= samples_at_least)).any():
        raise refusal()
    _note_mixtures(windows, notes.mixed)
    return replace(windows, high=np.where(inside > 0, windows.low, windows.high))


def _note_mixtures(windows: Windows, note: Callable[[str], None]) -> None:
    inside = _natives_inside(windows)
    if inside is None:
        return
    mixed = (inside > 0) & (inside < windows.high - windows.low)
    for row in np.flatnonzero(mixed.any(axis=1)).tolist():
        note(windows.labels[row].get(NAME, ""))


def _natives_inside(windows: Windows) -> Ints | None:
    native = _marked(windows.values)
    if native is None:
        return None
    before = np.concatenate([[0], np.cumsum(native)])
    return before[windows.high] - before[windows.low]


def _marked(values: Floats) -> Bools | None:
    """Return where native histograms are marked; None where there is none, which is usual."""
    if not np.isnan(values).any():
        return None
    native = is_native(values)
    return native if native.any() else None
