"""The account of one budget: what was allowed, what was spent, and what that rests on.

Weighted by events: bad events over the bad events that the period allows. What is not known is
`None`, never zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from holdfast.model.budget import (
    BudgetAccount,
    BudgetPeriod,
    Correction,
    Exclusion,
    NoDataPolicy,
)
from holdfast.model.slo import SLO
from holdfast.slo.budgets.charge import Charge, charge
from holdfast.slo.budgets.periods import bounds, seconds_in_words
from holdfast.slo.budgets.recurrence import occurrences
from holdfast.slo.history import EventHistory

ROLLING = BudgetPeriod()


def account(
    slo: SLO,
    history: EventHistory,
    at: float,
    period: BudgetPeriod = ROLLING,
    corrections: Sequence[Correction] = (),
    no_data: NoDataPolicy = "ignore",
) -> BudgetAccount:
    """Return the account of the period that `at` (Unix seconds) lies in, as known at `at`.

    `corrections` are those in force (`correction_log.in_force`); ones of other SLOs are left out.
    Raises InputError for a time zone or a recurrence that cannot be used.
    """
    start, end = bounds(period, slo, at)
    ours = applying(corrections, slo)
    charged = charge(history, start, at, ours, no_data)
    total, bad = float(charged.total.sum()), float(charged.bad.sum())
    known = charged.first_data is not None and total > 0
    allowed = slo.error_budget_fraction * total
    spent = bad / allowed if known else None
    return BudgetAccount(
        slo=slo.name,
        service=slo.service,
        objective=slo.objective,
        period=period,
        start=_utc(start),
        end=_utc(end),
        at=_utc(at),
        state=_state(known, charged),
        total_events=total if known else None,
        bad_events=bad if known else None,
        allowed_bad_events=allowed if known else None,
        spent_fraction=spent,
        remaining_fraction=None if spent is None else 1 - spent,
        projected_spent_fraction=_projected(spent, charged, end),
        covered_fraction=_covered(charged),
        known_fraction=_known_fraction(charged),
        no_data=no_data,
        no_data_seconds=charged.no_data_seconds,
        assumed_total_events=float(charged.assumed_total.sum()),
        assumed_bad_events=float(charged.assumed_bad.sum()),
        excluded_total_events=float(charged.excluded_total.sum()),
        excluded_bad_events=float(charged.excluded_bad.sum()),
        excluded_seconds=charged.excluded_seconds,
        exclusions=tuple(_exclusions(history, charged, ours)),
        statement=_statement(known, charged, end),
        warnings=tuple(_warnings(charged, no_data)),
    )


def applying(corrections: Sequence[Correction], slo: SLO) -> tuple[Correction, ...]:
    """Return the corrections that are about this SLO."""
    return tuple(each for each in corrections if each.concerns(slo.name))


def _covered(charged: Charge) -> float:
    return 1.0 if charged.is_whole else charged.reach_seconds / (charged.end - charged.start)


def _known_fraction(charged: Charge) -> float:
    seconds = charged.known_seconds + charged.no_data_seconds
    return charged.known_seconds / seconds if seconds > 0 else 0.0


def _state(known: bool, charged: Charge) -> Literal["measured", "partial_history", "no_data"]:
    if not known:
        return "no_data"
    return "measured" if charged.is_whole else "partial_history"


def _projected(spent: float | None, charged: Charge, end: float) -> float | None:
    """Spent of the whole period's budget, with as many events an hour in what is not seen."""
    if spent is None:
        return None
    seen = charged.reach_seconds - charged.excluded_seconds
    if charged.is_whole and end <= charged.end:
        return spent
    whole = end - charged.start - charged.excluded_seconds
    return spent * seen / whole


def _exclusions(
    history: EventHistory, charged: Charge, corrections: Sequence[Correction]
) -> Iterator[Exclusion]:
    for each in corrections:
        spans = occurrences(each, charged.start, charged.end)
        if not spans:
            continue
        alone = charge(history, charged.start, charged.end, (each,))
        yield Exclusion(
            correction_id=each.id,
            category=each.category,
            reason=each.reason,
            author=each.author,
            seconds=alone.excluded_seconds,
            bad_events=float(alone.excluded_bad.sum()),
            total_events=float(alone.excluded_total.sum()),
        )


def _statement(known: bool, charged: Charge, end: float) -> str:
    if not known:
        return "no data: not one event of the period that is charged was counted"
    told = f"measured over {seconds_in_words(charged.known_seconds)}"
    if not charged.is_whole:
        told += (
            f"; history covers {seconds_in_words(charged.reach_seconds)} of "
            f"{seconds_in_words(charged.end - charged.start)}: the fraction is of the budget of "
            "the events seen so far, of the whole period's it will be a smaller one"
        )
    elif end > charged.end:
        told += f"; the period goes on for {seconds_in_words(end - charged.end)}"
    if charged.excluded_seconds > 0:
        told += (
            f"; {seconds_in_words(charged.excluded_seconds)} with "
            f"{charged.excluded_bad.sum():.0f} bad events are excluded by corrections"
        )
    return told


def _warnings(charged: Charge, no_data: NoDataPolicy) -> Iterator[str]:
    if charged.no_data_seconds > 0:
        read = {
            "ignore": "it is left out",
            "bad": "it is read as usual traffic, all bad",
            "good": "it is read as usual traffic, all good",
        }
        yield f"{seconds_in_words(charged.no_data_seconds)} without data: {read[no_data]}"
    if charged.uncounted_bad_seconds > 0:
        yield (
            f"in {seconds_in_words(charged.uncounted_bad_seconds)} of it events were counted and "
            "bad ones were not: where that counter first appears with the first error, read its "
            "absence as zero"
        )
    if charged.contradictory_steps:
        yield (
            f"{charged.contradictory_steps} steps have more bad events than events: all are read "
            "as bad; correct the SLO's indicator"
        )


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
