"""What an operation takes itself, without the operations inside it, learned from the requests.

An operation that calls others moves with each of them, and would be found guilty of, or split by,
what happens there. Where the call tree is not in the table, fast requests show it: what is inside
adds its time, millisecond for millisecond, and never takes longer than the whole.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from holdfast.diagnosis.traces.table import Flags, Numbers

SLOPE_TOLERANCE = 0.25
"""What is inside adds its time once: a slope of 1, within this (errors in the clock flatten it)."""

LEAST_T = 10.0
"""How many standard errors the slope is from 0: chance relations of many operations stay below."""

NEVER_LONGER = 0.995
"""The part of requests in which the whole is at least as long as what is inside."""


def learned_contents(durations: Mapping[str, Numbers], fast: Flags) -> dict[str, tuple[str, ...]]:
    """Return, per operation that has any, the operations inside it, from the fast requests.

    An operation that was not called counts as 0. Least squares on all the others at once.
    """
    filled = {name: _filled(values) for name, values in sorted(durations.items())}
    names = [name for name, values in filled.items() if float(np.std(values[fast])) > 0]
    if len(names) < 2 or int(fast.sum()) < 10 * len(names):
        return {}
    slopes, t = _regressions(np.column_stack([filled[name][fast] for name in names]))
    adds = (np.abs(slopes - 1) <= SLOPE_TOLERANCE) & (t >= LEAST_T)
    inside: dict[str, tuple[str, ...]] = {}
    for row, name in enumerate(names):
        others = [names[column] for column in np.flatnonzero(adds[row])]
        found = tuple(other for other in others if _holds(filled[name], filled[other]))
        if found:
            inside[name] = found
    return inside


def _holds(whole: Numbers, part: Numbers) -> bool:
    """Return whether the whole is never shorter than the part, and mostly longer."""
    never_shorter = float(np.mean(whole >= part)) >= NEVER_LONGER
    return never_shorter and float(np.mean(whole > part)) > 0.5


def own_duration(durations: Mapping[str, Numbers], name: str, inside: tuple[str, ...]) -> Numbers:
    """Return the operation's duration less that of the operations inside it; NaN stays."""
    return durations[name] - np.sum([_filled(durations[other]) for other in inside], axis=0)


def _filled(values: Numbers) -> Numbers:
    return np.nan_to_num(values, nan=0.0)


def _regressions(x: Numbers) -> tuple[Numbers, Numbers]:
    """Return slopes and t ratios of each column on all others: row = output, column = input.

    By the inverse of the correlations (Lauritzen, Graphical Models, 1996, section 5.1), with a
    ridge too small to be seen, for columns that determine each other. The diagonal is 0.
    """
    count, width = x.shape
    scale = x.std(axis=0)
    z = (x - x.mean(axis=0)) / scale
    correlations: Numbers = z.T @ z / count + 1e-10 * np.eye(width)
    inverse: Numbers = np.linalg.solve(correlations, np.eye(width)).astype(np.float64)
    own = np.diag(inverse)
    slopes = -inverse / own[:, None]
    free = max(1, count - width)
    spread = np.maximum(own[None, :] - inverse**2 / own[:, None], 1e-300)
    errors = np.sqrt(spread / own[:, None] / free)
    t = slopes / errors
    np.fill_diagonal(slopes, 0)
    np.fill_diagonal(t, 0)
    return slopes * scale[:, None] / scale[None, :], t
