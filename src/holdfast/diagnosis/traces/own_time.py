"""What an operation takes itself, without the operations inside it, learned from the requests.

An operation that calls others moves with each of them, and would be found guilty of, or split by,
what happens there. Where the call tree is not in the table, fast requests show it: what is inside
adds its time, millisecond for millisecond, and never takes longer than the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.diagnosis.traces.table import Flags, Numbers

SLOPE_TOLERANCE = 0.25
"""What is inside adds its time once: a slope of 1, within this (errors in the clock flatten it)."""

LEAST_T = 10.0
"""How many standard errors the slope is from 0: chance relations of many operations stay below."""

NEVER_LONGER = 0.995
"""The part of requests in which the whole is at least as long as what is inside."""


def learned_contents(durations: Mapping[str, Numbers], fast: Flags) -> dict[str, tuple[str, ...]]:
    """Return, per operation that has any, the operations inside it, from the fast requests.

    An operation that was not called counts as 0. Least squares on all that are shorter, at once.
    """
    filled = {name: _filled(values) for name, values in sorted(durations.items())}
    names = [name for name, values in filled.items() if float(np.std(values[fast])) > 0]
    if len(names) < 2 or int(fast.sum()) < 10 * len(names):
        return {}
    everything = np.column_stack([filled[name] for name in names])
    sums = _Sums.of(everything[fast])
    inside: dict[str, tuple[str, ...]] = {}
    for index, name in enumerate(names):
        shorter = np.flatnonzero(_shorter(everything, index))
        slopes, t = sums.regression(index, shorter)
        adds = (np.abs(slopes - 1) <= SLOPE_TOLERANCE) & (t >= LEAST_T)
        if adds.any():
            inside[name] = tuple(names[int(other)] for other in shorter[adds].tolist())
    return inside


def _shorter(everything: Numbers, index: int) -> NDArray[np.bool_]:
    """Return which columns are never longer than this one, and mostly shorter."""
    whole = everything[:, [index]]
    never_longer = np.mean(whole >= everything, axis=0) >= NEVER_LONGER
    return never_longer & (np.mean(whole > everything, axis=0) > 0.5)


def own_duration(durations: Mapping[str, Numbers], name: str, inside: tuple[str, ...]) -> Numbers:
    """Return the operation's duration less that of the operations inside it; NaN stays."""
    return durations[name] - np.sum([_filled(durations[other]) for other in inside], axis=0)


def _filled(values: Numbers) -> Numbers:
    return np.nan_to_num(values, nan=0.0)


@dataclass(frozen=True)
class _Sums:
    """Correlations of columns, from which any regression among them is had at once."""

    correlations: Numbers
    scale: Numbers
    count: int

    @classmethod
    def of(cls, x: Numbers) -> _Sums:
        scale = x.std(axis=0)
        z = (x - x.mean(axis=0)) / scale
        ridge = 1e-10 * np.eye(x.shape[1])  # unseen; for inputs that determine each other
        return cls(z.T @ z / len(x) + ridge, scale, len(x))

    def regression(self, output: int, inputs: NDArray[np.intp]) -> tuple[Numbers, Numbers]:
        """Return least squares' slope of each input and its t ratio."""
        if not len(inputs):
            return np.zeros(0), np.zeros(0)
        among = self.correlations[np.ix_(inputs, inputs)]
        target = self.correlations[inputs, output]
        inverse: Numbers = np.linalg.solve(among, np.eye(len(inputs))).astype(np.float64)
        slopes = inverse @ target
        unexplained = max(1e-12, 1.0 - float(slopes @ target))
        free = max(1, self.count - len(inputs) - 1)
        errors = np.sqrt(np.maximum(np.diag(inverse), 1e-300) * unexplained / free)
        return slopes * self.scale[output] / self.scale[inputs], slopes / errors
