"""Finds the stretches of time that spent a budget, in its events alone: no alert decides it.

An incident here is time in which more events were bad than the budget sustains (a burn rate above
1), with breaks of an hour at most (less, where the period is short). What corrections exclude is
not charged. An incident that lasts counts only once a break has ended it, or up to now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np

from holdfast.model.budget import BudgetAccount, Correction
from holdfast.model.gate import BudgetIncident
from holdfast.model.slo import SLO
from holdfast.slo.budgets.charge import charge
from holdfast.slo.history import EventHistory

_LONGEST_BREAK_SECONDS = 3600.0
_BREAKS_IN_PERIOD = 100


def break_seconds(slo: SLO) -> float:
    """Return how much good time ends an incident: an hour, or a hundredth of the period."""
    return min(_LONGEST_BREAK_SECONDS, slo.period_seconds / _BREAKS_IN_PERIOD)


def large_incidents(
    slo: SLO,
    history: EventHistory,
    account: BudgetAccount,
    corrections: Sequence[Correction],
    budget_fraction: float,
) -> tuple[BudgetIncident, ...]:
    """Return the incidents that spent more than this fraction of the account's budget."""
    allowed = account.allowed_bad_events
    if not allowed:
        return ()
    start, end = account.start.timestamp(), account.at.timestamp()
    charged = charge(history, start, end, corrections)
    found = (
        _incident(history, first, last, float(charged.bad[first : last + 1].sum()), allowed)
        for first, last in _stretches(slo, history, charged.bad, charged.total)
    )
    return tuple(one for one in found if one.spent_fraction > budget_fraction)


def _stretches(
    slo: SLO, history: EventHistory, bad: np.ndarray, total: np.ndarray
) -> Iterator[tuple[int, int]]:
    """Yield the first and the last step of each stretch."""
    burning = np.flatnonzero((bad > 0) & (bad > slo.error_budget_fraction * total))
    if not burning.size:
        return
    longest = break_seconds(slo) / history.step_seconds
    breaks = np.flatnonzero(np.diff(burning) - 1 > longest)
    firsts = [int(burning[0]), *(int(burning[i + 1]) for i in breaks)]
    lasts = [*(int(burning[i]) for i in breaks), int(burning[-1])]
    yield from zip(firsts, lasts, strict=True)


def _incident(
    history: EventHistory, first: int, last: int, bad_events: float, allowed: float
) -> BudgetIncident:
    return BudgetIncident(
        start=_utc(history.start + first * history.step_seconds),
        end=_utc(history.start + (last + 1) * history.step_seconds),
        bad_events=bad_events,
        spent_fraction=bad_events / allowed,
    )


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
