"""Reads the budget of an objective as it is now. What cannot be read is a problem that is told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.errors import EvidenceError, SourceError
from holdfast.evidence.source import MetricsSource
from holdfast.model.budget import BudgetAccount, Correction
from holdfast.model.slo import SLO
from holdfast.slo.budgets.account import account, applying
from holdfast.slo.gate.whole_answers import WholeAnswers
from holdfast.slo.history import EventHistory, read_history

_STEPS_SECONDS = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
_SCRAPES_IN_STEP = 4
_MOST_STEPS = 9000


@dataclass(frozen=True)
class LiveBudget:
    """One objective's events and account; or `problem`, and neither."""

    slo: SLO
    history: EventHistory | None = None
    account: BudgetAccount | None = None
    corrections: tuple[Correction, ...] = ()
    newest_seconds_old: float | None = None
    """How long before now the newest step with data ended; None = there is none."""
    problem: str = ""


def read_live_budget(
    source: MetricsSource,
    slo: SLO,
    now: float,
    resolution_seconds: float,
    corrections: Sequence[Correction] = (),
) -> LiveBudget:
    """Return the account of the SLO's own period, up to the last whole step before `now`.

    An answer that the source calls incomplete is a problem, as is one that it does not give.
    """
    step = step_seconds(slo, resolution_seconds)
    at = math.floor(now / step) * step
    start = math.floor((at - slo.period_seconds) / step) * step
    try:
        history = read_history(
            WholeAnswers(source), slo, start, at, step, overlap_seconds=resolution_seconds
        )
    except (SourceError, EvidenceError) as error:
        return LiveBudget(slo, problem=str(error))
    ours = applying(corrections, slo)
    found = account(slo, history, at, corrections=ours)
    return LiveBudget(slo, history, found, ours, _newest_seconds_old(history, now))


def step_seconds(slo: SLO, resolution_seconds: float) -> float:
    """Return the step in which events are asked: some scrapes at least, 9,000 steps at most."""
    least = max(_SCRAPES_IN_STEP * resolution_seconds, slo.period_seconds / _MOST_STEPS)
    fitting = [s for s in _STEPS_SECONDS if least <= s <= slo.period_seconds / 12]
    return fitting[0] if fitting else least


def _newest_seconds_old(history: EventHistory, now: float) -> float | None:
    known = np.flatnonzero(history.known)
    return now - float(history.ends[known[-1]]) if known.size else None
