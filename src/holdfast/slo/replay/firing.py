"""Where burn-rate tiers fire on a history: every tier at every step, by prefix sums.

Source of the formula: Google, The Site Reliability Workbook, chapter 5. A tier fires at the end of
a step while the bad fraction of its long window and of its short window, both ending there, are
above budget fraction x period / long window x (1 - objective).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.errors import InputError
from holdfast.model.slo import BurnTier
from holdfast.slo.history import EventHistory
from holdfast.slo.replay.holding import firing_of
from holdfast.slo.replay.windows import Bools, EventSums, Floats, steps_in


@dataclass(frozen=True)
class Firing:
    """Which tiers fire when. Arrays have shape (tiers, n); step i ends at `ends[i]`.

    Where `known` is false, a window held no events or no data: nothing fires there, and that says
    nothing of health.
    """

    tiers: tuple[BurnTier, ...]
    ends: Floats
    step_seconds: float
    fires: Bools
    known: Bools

    @property
    def unknown_steps(self) -> tuple[int, ...]:
        """For each tier, at how many steps it could not be told."""
        return tuple(int((~row).sum()) for row in self.known)


class Ratios:
    """The bad fraction of each window of one history, worked out once and kept.

    One window of n steps keeps 8 n bytes: many tiers and parameter sets share few windows.
    """

    def __init__(self, history: EventHistory) -> None:
        self.sums = EventSums.of(history)
        self.step_seconds = history.step_seconds
        self._kept: dict[int, Floats] = {}

    def of(self, window_seconds: float, what: str = "the window") -> Floats:
        """Return the ratio at each step, shape (n,); NaN without events. It is not to be written.

        Raises InputError where the window is no whole number of steps.
        """
        steps = steps_in(window_seconds, self.step_seconds, what)
        if steps not in self._kept:
            self._kept[steps] = self.sums.ratio(steps)
        return self._kept[steps]

    def condition(self, tier: BurnTier, threshold: float) -> Bools:
        """Return where both windows of a tier are above the threshold."""
        long = self.of(tier.long_window_seconds, f"{tier.name}, long window") > threshold
        return long & (self.of(tier.short_window_seconds, f"{tier.name}, short window") > threshold)

    def known(self, tier: BurnTier) -> Bools:
        """Return where both windows of a tier had events."""
        long = np.isfinite(self.of(tier.long_window_seconds))
        return long & np.isfinite(self.of(tier.short_window_seconds))


def threshold_of(tier: BurnTier, objective: float, period_seconds: float) -> float:
    """Return the bad fraction above which a tier fires, to the twelve digits that rules have."""
    burn = tier.budget_fraction * period_seconds / tier.long_window_seconds
    return float(f"{burn * (1 - objective):.12g}")


def firing(
    history: EventHistory,
    objective: float,
    period_seconds: float,
    tiers: Sequence[BurnTier],
    *,
    for_seconds: float = 0.0,
    keep_seconds: float = 0.0,
) -> Firing:
    """Return where each tier fires. `for_seconds` and `keep_seconds` hold for all of them.

    Raises InputError for an objective outside (0, 1) and for a window that is no whole number of
    steps.
    """
    if not 0 < objective < 1:
        raise InputError(f"objective: {objective:g} is not between 0 and 1, both excluded")
    ratios = Ratios(history)
    shape = (len(tiers), len(history.total))
    fires, known = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    for row, tier in enumerate(tiers):
        condition = ratios.condition(tier, threshold_of(tier, objective, period_seconds))
        fires[row] = firing_of(condition, history.step_seconds, for_seconds, keep_seconds)
        known[row] = ratios.known(tier)
    return Firing(tuple(tiers), history.ends, history.step_seconds, fires, known)
