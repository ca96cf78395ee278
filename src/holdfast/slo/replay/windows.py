"""Events of any window at every step, as differences of two prefix sums.

Sums are kept in fixed point (64-bit integers): the sum over a window is then exact, wherever the
window lies, and a window without events holds exactly none. Prefix sums in floating point leave a
remainder there, which reads as events.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import InputError
from holdfast.slo.history import EventHistory

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SUM_BITS = 60
_FRACTION_BITS = 30
"""At most: a billionth of an event."""


def steps_in(window_seconds: float, step_seconds: float, what: str) -> int:
    """Return how many steps a window has. Raises InputError where that is no whole number."""
    steps = window_seconds / step_seconds
    whole = round(steps)
    if whole < 1 or abs(steps - whole) > 1e-6:
        raise InputError(
            f"{what}: {window_seconds:g} s is no whole number of steps of {step_seconds:g} s",
            hint="choose a step that divides every window",
        )
    return whole


@dataclass(frozen=True)
class EventSums:
    """Prefix sums of n steps. Arrays have shape (n + 1,); one event is 2 ** `fraction_bits`."""

    step_seconds: float
    fraction_bits: int
    bad: Ints
    total: Ints

    @classmethod
    def of(cls, history: EventHistory) -> EventSums:
        """Sum a history up; a step without data adds nothing to either."""
        known = history.known
        total = np.where(known, history.total, 0.0)
        bad = np.where(known, history.bad, 0.0)
        bits = _fraction_bits(float(total.sum()))
        return cls(history.step_seconds, bits, _prefix(bad, bits), _prefix(total, bits))

    @property
    def steps(self) -> int:
        """How many steps were summed up."""
        return len(self.total) - 1

    def ratio(self, window_steps: int) -> Floats:
        """Return the bad fraction of the window that ends with each step, shape (n,).

        NaN where the window has no events or no data. A window that reaches back beyond the
        history counts what there is.
        """
        bad, total = window_sum(self.bad, window_steps), window_sum(self.total, window_steps)
        ratio = np.full(len(total), np.nan)
        np.divide(bad, total, out=ratio, where=total > 0)
        return ratio

    def events(self, sums: Ints, first: int, last: int) -> float:
        """Return the events of steps first … last - 1 by one of the two sums."""
        return float(sums[last] - sums[first]) / 2.0**self.fraction_bits


def window_sum(sums: Ints, window_steps: int) -> Ints:
    """Return the sum over the window that ends with each step, from prefix sums."""
    ends = sums[1:]
    found = ends.copy()
    if window_steps < len(ends):
        found[window_steps:] -= sums[1 : len(sums) - window_steps]
    return found


def _fraction_bits(most: float) -> int:
    """So many that the whole sum fits, and no more than are of use."""
    return min(_FRACTION_BITS, _SUM_BITS - math.ceil(math.log2(most + 2)))


def _prefix(events: Floats, bits: int) -> Ints:
    sums = np.zeros(len(events) + 1, dtype=np.int64)
    np.cumsum(np.rint(np.ldexp(events, bits)).astype(np.int64), out=sums[1:])
    return sums
