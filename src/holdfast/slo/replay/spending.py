"""How much of the budget a time spent: bad events over the budget of an average period."""

from __future__ import annotations

import math
from dataclasses import dataclass

from holdfast.slo.history import EventHistory
from holdfast.slo.replay.windows import EventSums


@dataclass(frozen=True)
class Spending:
    """Bad events of any time, in fractions of the budget.

    The budget is (1 - objective) x the events that a period has on this history's average: it does
    not depend on where in the history an incident lies, and stands though history is shorter than
    the period.
    """

    history: EventHistory
    sums: EventSums
    allowed_bad_events: float
    """0 where the history has no events at all."""

    @classmethod
    def of(
        cls, history: EventHistory, sums: EventSums, objective: float, period_seconds: float
    ) -> Spending:
        """Work the average period's budget out."""
        known = int(history.known.sum())
        events = sums.events(sums.total, 0, sums.steps)
        per_step = events / known if known else 0.0
        allowed = (1 - objective) * per_step * period_seconds / history.step_seconds
        return cls(history, sums, allowed)

    def between(self, start: float, end: float) -> float | None:
        """Return what the steps that end within (start, end] spent; None without any event."""
        if self.allowed_bad_events <= 0:
            return None
        first, last = self._ended_by(start), self._ended_by(end)
        if last <= first:
            return 0.0
        return self.sums.events(self.sums.bad, first, last) / self.allowed_bad_events

    def _ended_by(self, at: float) -> int:
        steps = math.floor((at - self.history.start) / self.history.step_seconds + 1e-9)
        return min(max(steps, 0), self.sums.steps)
