"""The budget left over time, and what given spans spent of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.model.budget import (
    Attribution,
    BudgetPeriod,
    Correction,
    NoDataPolicy,
    Span,
    SpanSpend,
)
from holdfast.model.slo import SLO
from holdfast.slo.budgets.account import ROLLING, applying
from holdfast.slo.budgets.charge import charge, overlaps
from holdfast.slo.budgets.periods import bounds
from holdfast.slo.history import Counts, EventHistory
from holdfast.slo.known_events import window_sums


@dataclass(frozen=True)
class BudgetLeft:
    """The fraction of a budget that is left at the end of each step, shape (n,); NaN = not known.

    Negative where more was spent than there was.
    """

    ends: Counts
    """Unix seconds."""
    left: Counts


def burndown(
    slo: SLO,
    history: EventHistory,
    at: float,
    period: BudgetPeriod = ROLLING,
    corrections: Sequence[Correction] = (),
    no_data: NoDataPolicy = "ignore",
) -> BudgetLeft:
    """Return how the budget of the period up to `at` was spent: from 1 to the account's remainder.

    The budget is that of all events up to `at`, so that the line never rises.
    """
    start, _ = bounds(period, slo, at)
    charged = charge(history, start, at, applying(corrections, slo), no_data)
    inside = (history.ends > start) & (history.ends - history.step_seconds < at)
    allowed = slo.error_budget_fraction * float(charged.total.sum())
    spent = np.cumsum(charged.bad) / allowed if allowed > 0 else np.full(len(charged.bad), np.nan)
    return BudgetLeft(history.ends[inside], 1 - spent[inside])


def rolling_left(
    slo: SLO,
    history: EventHistory,
    period_seconds: float | None = None,
    corrections: Sequence[Correction] = (),
    no_data: NoDataPolicy = "ignore",
) -> BudgetLeft:
    """Return at each step the budget left of the period that ends there.

    Where history reaches back less than the period, of the events seen so far.
    """
    ours = applying(corrections, slo)
    charged = charge(history, history.start, history.end, ours, no_data)
    steps = max(1, round((period_seconds or slo.period_seconds) / history.step_seconds))
    bad, total = window_sums(charged.bad, steps), window_sums(charged.total, steps)
    allowed = slo.error_budget_fraction * total
    spent = np.divide(bad, allowed, out=np.full(len(bad), np.nan), where=allowed > 0)
    return BudgetLeft(history.ends, 1 - spent)


def attribute(
    slo: SLO,
    history: EventHistory,
    at: float,
    spans: Sequence[Span],
    period: BudgetPeriod = ROLLING,
    corrections: Sequence[Correction] = (),
    no_data: NoDataPolicy = "ignore",
) -> Attribution:
    """Return what each span spent of the period's budget, and what no span explains."""
    start, _ = bounds(period, slo, at)
    charged = charge(history, start, at, applying(corrections, slo), no_data)
    allowed = slo.error_budget_fraction * float(charged.total.sum())
    intervals = [(span.start.timestamp(), span.end.timestamp()) for span in spans]
    spends: list[SpanSpend] = []
    for span, interval in zip(spans, intervals, strict=True):
        share = overlaps(history, (interval,))
        bad, total = float(charged.bad @ share), float(charged.total @ share)
        spends.append(
            SpanSpend(
                span=span,
                bad_events=bad if total > 0 else None,
                total_events=total if total > 0 else None,
                budget_fraction=bad / allowed if total > 0 else None,
            )
        )
    outside = float(charged.bad @ (1 - overlaps(history, intervals)))
    return Attribution(
        spans=tuple(spends),
        unattributed_bad_events=outside,
        unattributed_fraction=outside / allowed if allowed > 0 else None,
    )
