"""Accounts of budgets, against adding the events up one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from holdfast.errors import InputError
from holdfast.model.budget import BudgetPeriod, Correction, NoDataPolicy, Span
from holdfast.slo.budgets.account import account
from holdfast.slo.budgets.over_time import attribute, burndown, rolling_left
from holdfast.slo.history import EventHistory
from holdfast.slo.targets.tiers import arithmetic_slo

DAY = 86_400.0
STEP = 300.0
END = 1_760_054_400.0
SLO = arithmetic_slo(0.999, 30 * DAY).model_copy(update={"name": "shop"})


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def past(days: float = 30, seed: int = 0, *, gaps: bool = False) -> EventHistory:
    generator = np.random.default_rng(seed)
    steps = round(days * DAY / STEP)
    total = generator.poisson(1000 * (1 + 0.6 * np.sin(np.arange(steps) / 46)), steps).astype(float)
    bad = generator.binomial(total.astype(int), 0.0004).astype(float)
    bad[steps // 3 : steps // 3 + 4] = total[steps // 3 : steps // 3 + 4] * 0.5
    if gaps:
        total[100:160] = np.nan
        bad[100:160] = np.nan
        bad[400:430] = np.nan  # counted events, uncounted bad ones
        total[2000] = np.inf
        bad[2100] = -3
        total[2200] = bad[2200] = 0
        total[2300], bad[2300] = 0, np.nan
    return EventHistory(END - steps * STEP, STEP, bad, total)


def correction(start: float, end: float, **more: object) -> Correction:
    fields = {
        "id": f"corr-{start:.0f}",
        "start": at(start),
        "end": at(end),
        "reason": "planned",
        "author": "ana",
        "category": "maintenance",
        "created_at": at(end),
        **more,
    }
    return Correction.model_validate(fields)


def by_hand(
    history: EventHistory,
    start: float,
    end: float,
    excluded: list[tuple[float, float]],
    no_data: NoDataPolicy,
) -> tuple[float, float]:
    """(bad, total), second by second where edges cut steps; slow and plain."""
    steps: list[tuple[float, float | None, float | None]] = []
    for place in range(len(history.total)):
        seconds = np.arange(STEP) + 0.5 + history.start + place * STEP
        inside = (seconds > start) & (seconds < end)
        for first, last in excluded:
            inside &= ~((seconds > first) & (seconds < last))
        all_of, bad_of = float(history.total[place]), float(history.bad[place])
        counted = np.isfinite(all_of) and all_of >= 0
        known = counted and (all_of == 0 or (np.isfinite(bad_of) and bad_of >= 0))
        bad_known = bad_of if known and all_of > 0 else 0.0 if known else None
        steps.append((inside.mean(), bad_known, all_of if counted else None))
    heard = [place for place, (part, _, all_of) in enumerate(steps) if all_of is not None]
    steps = steps[heard[0] :]
    measured = [(p, b, t) for p, b, t in steps if b is not None and t is not None]
    usual = sum(p * t for p, _, t in measured) / sum(p for p, _, _ in measured)
    bad = sum(p * b for p, b, _ in measured)
    total = sum(p * t for p, _, t in measured)
    for part, bad_of, all_of in steps:
        if bad_of is None and no_data != "ignore":
            events = part * (usual if all_of is None else all_of)
            total += events
            bad += events if no_data == "bad" else 0.0
    return bad, total


@pytest.mark.parametrize("no_data", ["ignore", "bad", "good"])
@pytest.mark.parametrize("seed", range(4))
def test_it_adds_up_as_by_hand_with_gaps_resets_and_corrections(
    seed: int, no_data: NoDataPolicy
) -> None:
    history = past(10, seed, gaps=True)
    now = END - 777.0
    start = now - 8 * DAY
    slo = SLO.model_copy(update={"period_seconds": 8 * DAY})
    spans = [(END - 5 * DAY + 40, END - 5 * DAY + 9000), (END - 5 * DAY + 6000, END - 4.9 * DAY)]
    ours = [correction(*span) for span in spans]
    others = correction(END - 3 * DAY, END - 2 * DAY, slos=("another",))
    found = account(slo, history, now, corrections=[*ours, others], no_data=no_data)
    bad, total = by_hand(history, start, now, spans, no_data)
    assert found.total_events == pytest.approx(total, rel=1e-9)
    assert found.bad_events == pytest.approx(bad, rel=1e-9)
    assert found.spent_fraction == pytest.approx(bad / (0.001 * total), rel=1e-9)
    assert found.state == "measured"
    assert [each.correction_id for each in found.exclusions] == [each.id for each in ours]


def test_events_weigh_alike_a_quiet_outage_costs_little() -> None:
    total = np.full(8640, 1000.0)
    total[:12] = 10.0
    bad = np.zeros(8640)
    bad[:12] = 10.0
    found = account(SLO, EventHistory(END - 8640 * STEP, STEP, bad, total), END)
    assert found.spent_fraction == pytest.approx(120 / (0.001 * total.sum()))


def test_excluded_events_are_counted_apart_and_shown() -> None:
    history = past()
    steps = len(history.total)
    begin = history.start + (steps // 3) * STEP
    cut = correction(begin, begin + 4 * STEP)
    whole, found = account(SLO, history, END), account(SLO, history, END, corrections=[cut])
    assert whole.bad_events is not None
    assert found.bad_events is not None
    assert whole.bad_events - found.bad_events == pytest.approx(found.excluded_bad_events)
    assert found.excluded_seconds == 4 * STEP
    (shown,) = found.exclusions
    assert (shown.reason, shown.author, shown.bad_events) == (
        "planned",
        "ana",
        found.excluded_bad_events,
    )
    assert "excluded by corrections" in found.statement


def test_a_history_shorter_than_the_period_says_so_and_projects() -> None:
    found = account(SLO, past(6), END)
    assert found.state == "partial_history"
    assert found.covered_fraction == pytest.approx(0.2)
    assert found.spent_fraction is not None
    assert found.projected_spent_fraction == pytest.approx(found.spent_fraction / 5)
    assert "history covers 6 d of 30 d" in found.statement


def test_a_leading_stretch_without_data_is_a_short_history_not_a_gap() -> None:
    history = past(30)
    history.total[: 24 * 288] = np.nan
    history.bad[: 24 * 288] = np.nan
    found = account(SLO, history, END, no_data="bad")
    assert (found.state, found.no_data_seconds) == ("partial_history", 0)
    assert found.covered_fraction == pytest.approx(0.2)


def test_a_silence_at_the_end_is_a_gap_that_the_policy_reads() -> None:
    history = past(30)
    history.total[-288:] = np.nan
    history.bad[-288:] = np.nan
    ignored, bad, good = (account(SLO, history, END, no_data=p) for p in ("ignore", "bad", "good"))
    assert ignored.no_data_seconds == bad.no_data_seconds == DAY
    assert bad.spent_fraction is not None
    assert ignored.spent_fraction is not None
    assert good.spent_fraction is not None
    assert bad.spent_fraction > 30 > ignored.spent_fraction > good.spent_fraction
    assert bad.assumed_bad_events == bad.assumed_total_events > 0
    assert any("read as usual traffic, all bad" in warning for warning in bad.warnings)


@pytest.mark.parametrize("no_data", ["ignore", "bad", "good"])
def test_nothing_measured_is_no_account_under_any_policy(no_data: NoDataPolicy) -> None:
    nothing = EventHistory(END - DAY, STEP, np.full(288, np.nan), np.full(288, np.nan))
    found = account(SLO, nothing, END, no_data=no_data)
    assert (found.state, found.spent_fraction, found.remaining_fraction) == ("no_data", None, None)


def test_uncounted_bad_events_are_told_with_what_to_do() -> None:
    found = account(SLO, past(30, gaps=True), END)
    assert any("first appears with the first error" in warning for warning in found.warnings)


def test_more_bad_events_than_events_are_all_bad_and_told() -> None:
    history = past(30)
    history.bad[50] = 10 * history.total[50]
    found = account(SLO, history, END)
    assert any("more bad events than events" in warning for warning in found.warnings)


# ---- periods -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "zone", "now", "start", "end"),
    [
        ("month", "UTC", "2026-02-10T12:00Z", "2026-02-01T00:00Z", "2026-03-01T00:00Z"),
        ("month", "UTC", "2026-03-01T00:00Z", "2026-02-01T00:00Z", "2026-03-01T00:00Z"),
        ("quarter", "UTC", "2026-12-31T23:00Z", "2026-10-01T00:00Z", "2027-01-01T00:00Z"),
        ("week", "UTC", "2026-11-24T00:10Z", "2026-11-23T00:00Z", "2026-11-30T00:00Z"),
        # clocks change on 29 March and 25 October 2026
        ("month", "Europe/Berlin", "2026-03-30T00:00Z", "2026-02-28T23:00Z", "2026-03-31T22:00Z"),
        ("week", "Europe/Berlin", "2026-10-25T12:00Z", "2026-10-18T22:00Z", "2026-10-25T23:00Z"),
        ("month", "Asia/Kolkata", "2026-01-31T18:30Z", "2025-12-31T18:30Z", "2026-01-31T18:30Z"),
        ("month", "Asia/Kolkata", "2026-01-31T18:31Z", "2026-01-31T18:30Z", "2026-02-28T18:30Z"),
    ],
)
def test_calendar_periods_begin_at_local_midnight(
    kind: str, zone: str, now: str, start: str, end: str
) -> None:
    period = BudgetPeriod.model_validate({"kind": kind, "time_zone": zone})
    moment = datetime.fromisoformat(now).timestamp()
    history = EventHistory(moment - DAY, STEP, np.zeros(288), np.full(288, 5.0))
    found = account(SLO, history, moment, period)
    assert found.start == datetime.fromisoformat(start)
    assert found.end == datetime.fromisoformat(end)


def test_a_calendar_month_projects_its_budget_to_its_end() -> None:
    month = BudgetPeriod(kind="month")
    now = datetime(2025, 10, 11, tzinfo=UTC).timestamp()
    steps = round(10 * DAY / STEP)
    bad = np.zeros(steps)
    bad[:12] = 1000.0
    history = EventHistory(now - 10 * DAY, STEP, bad, np.full(steps, 1000.0))
    found = account(SLO, history, now, month)
    assert found.state == "measured"
    assert found.spent_fraction == pytest.approx(12 / 2.88)
    assert found.projected_spent_fraction == pytest.approx(12 / 2.88 * 10 / 31)
    assert "the period goes on for 21 d" in found.statement


def test_an_unknown_time_zone_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="time_zone: 'Mars/Olympus'"):
        account(SLO, past(2), END, BudgetPeriod(kind="month", time_zone="Mars/Olympus"))


# ---- over time ---------------------------------------------------------------------------------


def test_the_burndown_begins_with_all_and_ends_with_the_account() -> None:
    history = past(30, gaps=True)
    line, found = burndown(SLO, history, END), account(SLO, history, END)
    assert len(line.left) == 8640
    assert line.left[0] <= 1
    assert np.all(np.diff(line.left) <= 1e-12)
    assert line.left[-1] == pytest.approx(found.remaining_fraction)


def test_the_rolling_line_is_the_account_at_each_step() -> None:
    history = past(20, gaps=True)
    slo = SLO.model_copy(update={"period_seconds": 5 * DAY})
    line = rolling_left(slo, history)
    for place in (10, 1440, 1500, 3333, 5759):
        expected = account(slo, history, float(line.ends[place])).remaining_fraction
        assert line.left[place] == pytest.approx(expected)


def test_spans_get_their_spend_and_the_rest_is_told() -> None:
    history = past(30)
    begin = history.start + (len(history.total) // 3) * STEP
    outage = Span(name="outage", start=at(begin), end=at(begin + 4 * STEP))
    silent = Span(name="before", start=at(begin - 90 * DAY), end=at(begin - 80 * DAY))
    found = attribute(SLO, history, END, [outage, silent])
    whole = account(SLO, history, END)
    assert found.spans[0].bad_events == pytest.approx(history.bad[2880:2884].sum())
    assert (found.spans[1].bad_events, found.spans[1].budget_fraction) == (None, None)
    assert found.spans[0].budget_fraction is not None
    assert found.unattributed_fraction is not None
    assert found.spans[0].budget_fraction + found.unattributed_fraction == pytest.approx(
        whole.spent_fraction
    )


# ---- corrections that repeat -------------------------------------------------------------------


def test_a_weekly_window_stays_at_its_local_time_when_clocks_change() -> None:
    """Sundays 02:30 to 04:30 in Berlin: 00:30 UTC in summer, 01:30 UTC in winter."""
    first = datetime(2026, 10, 18, 0, 30, tzinfo=UTC)
    weekly = correction(
        first.timestamp(),
        (first + timedelta(hours=2)).timestamp(),
        recurrence="FREQ=WEEKLY;BYDAY=SU",
        time_zone="Europe/Berlin",
    )
    end = datetime(2026, 11, 9, tzinfo=UTC).timestamp()
    steps = round(25 * DAY / STEP)
    history = EventHistory(end - 25 * DAY, STEP, np.zeros(steps), np.full(steps, 1.0))
    slo = SLO.model_copy(update={"period_seconds": 25 * DAY})
    found = account(slo, history, end, corrections=[weekly])
    assert found.excluded_seconds == 4 * 7200
    hit = np.ones(steps)
    for begin in (
        "2026-10-18T00:30Z",
        "2026-10-25T00:30Z",
        "2026-11-01T01:30Z",
        "2026-11-08T01:30Z",
    ):
        moment = datetime.fromisoformat(begin).timestamp()
        place = round((moment - history.start) / STEP)
        hit[place : place + 24] = 0
    line = burndown(slo, EventHistory(history.start, STEP, 1 - hit, np.ones(steps)), end,
                    corrections=[weekly])  # fmt: skip
    assert line.left[-1] == 1.0


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("FREQ=SECONDLY", "only a rule of hours"),
        ("FREQ=MINUTELY;INTERVAL=5", "only a rule of hours"),
        ("every sunday", "only a rule of hours"),
        ("FREQ=SOMETIMES", "RRULE"),
        ("FREQ=DAILY;UNTIL=20270101", "UNTIL"),
        ("FREQ=WEEKLY;BYDAY=MO", "does not fall on its own start"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_by_name(rule: str, said: str) -> None:
    sunday = datetime(2026, 10, 18, 2, tzinfo=UTC).timestamp()
    wrong = correction(sunday, sunday + 3600, recurrence=rule)
    with pytest.raises(InputError, match=said):
        account(SLO, past(2), END, corrections=[wrong])
