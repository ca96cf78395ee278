"""The threshold of a column without modes that tells slow requests from others best."""

from __future__ import annotations

import numpy as np

from holdfast.diagnosis.traces.columns import NumberColumn
from holdfast.diagnosis.traces.predicates import Interval
from holdfast.diagnosis.traces.table import Codes, Flags, Numbers


def best_interval(column: NumberColumn, slow: Flags) -> Interval | None:
    """Return the half-open interval, above or below a threshold, of the best F score.

    Below too: what fails early spends less time in what it would have called.
    """
    known = ~np.isnan(column.values)
    order = np.argsort(column.values[known], kind="stable")
    values, flags = column.values[known][order], slow[known][order]
    at = np.flatnonzero(np.diff(values) > 0)
    if not len(at):
        return None
    below_size, below_slow = at + 1, np.cumsum(flags.astype(np.int64))[at]
    above_size, above_slow = len(values) - below_size, int(flags.sum()) - below_slow
    all_slow = int(slow.sum())
    above = _best(above_slow, above_size, all_slow)
    below = _best(below_slow, below_size, all_slow)
    name, quantity = column.operation, column.quantity
    if above[0] >= below[0]:
        return Interval(name, quantity, low=_middle(values, int(at[above[1]])))
    return Interval(name, quantity, high=_middle(values, int(at[below[1]])))


def _best(met: Codes, size: Codes, wanted: int) -> tuple[float, int]:
    scores = 2 * met / (size + wanted)
    index = int(np.argmax(scores))
    return float(scores[index]), index


def _middle(values: Numbers, index: int) -> float:
    return float((values[index] + values[index + 1]) / 2)
