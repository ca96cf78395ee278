"""Outages injected into a history: what tiers would have done, on the traffic as it was.

An outage of depth d makes each good event of its steps bad with probability d (binomial: with
little traffic luck matters, and shows). All else is the history's own: traffic, background errors,
and what earlier windows still hold. Many outages of one length are worked out at once, as arrays of
shape (outages, steps).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.model.slo import BurnTier
from holdfast.slo.history import EventHistory
from holdfast.slo.replay.holding import firing_of
from holdfast.slo.replay.windows import Bools, EventSums, Floats, Ints, steps_in


@dataclass(frozen=True)
class Injection:
    """Outages of one length. Step 0 of each is its first; `tail_steps` follow its end.

    `depths` has shape (m,); so has `starts`: indices of the history's steps.
    """

    starts: Ints
    depths: Floats
    length_steps: int
    tail_steps: int

    @property
    def steps(self) -> int:
        """How many steps of each outage are looked at."""
        return self.length_steps + self.tail_steps


class InjectedRatios:
    """The bad fraction of each window at each step of each outage, worked out once and kept."""

    def __init__(
        self,
        history: EventHistory,
        sums: EventSums,
        injection: Injection,
        chance: np.random.Generator,
    ) -> None:
        """Draw the events that the outages make bad."""
        self.injection = injection
        self.step_seconds = sums.step_seconds
        self._sums = sums
        self._kept: dict[int, Floats] = {}
        offsets: Ints = np.arange(injection.steps + 1, dtype=np.int64)
        self._ends = injection.starts[:, None] + offsets[None, :]
        drawn = _drawn(history, injection, chance)
        fixed = np.rint(np.ldexp(drawn, sums.fraction_bits)).astype(np.int64)
        self._extra: Ints = np.zeros((len(injection.starts), injection.steps + 1), dtype=np.int64)
        np.cumsum(fixed, axis=1, out=self._extra[:, 1 : injection.length_steps + 1])
        self._extra[:, injection.length_steps + 1 :] = self._extra[:, injection.length_steps, None]

    def of(self, window_seconds: float) -> Floats:
        """Return the ratio of a window, shape (outages, steps); NaN without events."""
        window = steps_in(window_seconds, self.step_seconds, "the window")
        if window not in self._kept:
            begins = np.maximum(self._ends[:, 1:] - window, 0)
            total = self._sums.total[self._ends[:, 1:]] - self._sums.total[begins]
            bad = self._sums.bad[self._ends[:, 1:]] - self._sums.bad[begins]
            bad += self._extra[:, 1:]
            if window < self.injection.steps:
                bad[:, window:] -= self._extra[:, 1:-window]
            ratio = np.full(total.shape, np.nan)
            np.divide(bad, total, out=ratio, where=total > 0)
            self._kept[window] = ratio
        return self._kept[window]

    def fires(self, tier: BurnTier, threshold: float, for_seconds: float) -> Bools:
        """Return where a tier fires, shape (outages, steps)."""
        condition = self.of(tier.long_window_seconds) > threshold
        condition &= self.of(tier.short_window_seconds) > threshold
        return firing_of(condition, self.step_seconds, for_seconds)

    def spent_events(self, steps: Ints) -> Floats:
        """Return all bad events of each outage's first `steps` steps, shape (m,)."""
        rows = np.arange(len(self.injection.starts))
        first = self.injection.starts
        bad = self._sums.bad[first + steps] - self._sums.bad[first] + self._extra[rows, steps]
        return bad / 2.0**self._sums.fraction_bits

    def injected_events(self) -> Floats:
        """Return the events that each outage made bad, shape (m,)."""
        return self._extra[:, -1] / 2.0**self._sums.fraction_bits

    def base(self, fires: Bools) -> Bools:
        """Return the same steps of a boolean series of the whole history."""
        return fires[self._ends[:, 1:] - 1]


def possible_starts(history: EventHistory, quiet: Bools, steps: int, *, first: int = 0) -> Ints:
    """Return where an outage of so many steps can be put: quiet throughout, with traffic.

    `first` is the first step that is told: before it lies what fills the windows.
    """
    usable = quiet & history.known & (np.nan_to_num(history.total) > 0)
    usable[:first] = False
    bad_steps: Ints = np.zeros(len(quiet) + 1, dtype=np.int64)
    np.cumsum(~quiet | ~history.known, out=bad_steps[1:])
    last = len(quiet) - steps
    if last < 0:
        return np.zeros(0, dtype=np.int64)
    clear = bad_steps[steps:] == bad_steps[: last + 1]
    return np.flatnonzero(clear & usable[: last + 1]).astype(np.int64)


def _drawn(history: EventHistory, injection: Injection, chance: np.random.Generator) -> Floats:
    """Return the good events that become bad, shape (outages, length)."""
    places = injection.starts[:, None] + np.arange(injection.length_steps)[None, :]
    good = np.maximum(history.total[places] - history.bad[places], 0.0)
    drawn = chance.binomial(np.rint(good).astype(np.int64), injection.depths[:, None])
    return np.minimum(drawn, good)
