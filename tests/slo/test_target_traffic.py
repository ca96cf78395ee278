"""Low traffic: the count test against exact sums and against playing it through."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from holdfast.catalog.defaults import WORKBOOK_TIERS
from holdfast.catalog.template import parse
from holdfast.errors import InputError
from holdfast.evidence.recorded import RecorderSource
from holdfast.model.slo import SLO, RatioIndicator
from holdfast.promql.store_writer import SampleWriter
from holdfast.slo.history import EventHistory
from holdfast.slo.rules import tier_expression
from holdfast.slo.targets.traffic import (
    count_expression,
    count_test,
    false_pages_bound,
    least_ahead,
    needs_count_test,
    single_event_fraction,
)

FAST = WORKBOOK_TIERS[0]
MINUTE, DAY = 60.0, 86_400.0


def history(per_hour: float, days: int = 30, seed: int = 0) -> EventHistory:
    total = np.random.default_rng(seed).poisson(per_hour / 60, days * 1440).astype(float)
    return EventHistory(0, MINUTE, np.zeros_like(total), total)


@pytest.mark.parametrize(("per_hour", "needed"), [(20, True), (60, True), (400, False)])
def test_it_is_needed_where_one_event_would_page(per_hour: float, needed: bool) -> None:
    """At 99.9 % one event of fewer than 69.4 in an hour is above 1.44 %."""
    assert needs_count_test(history(per_hour), FAST, 0.999) is needed


def test_the_share_of_windows_in_which_one_event_pages_is_counted_like_by_hand() -> None:
    past = history(70, days=2)
    hours = [past.total[i : i + 60].sum() for i in range(len(past.total) - 59)]
    by_hand = np.mean([1 / events > 0.0144 for events in hours if events])
    assert single_event_fraction(past, FAST, 0.999, 30 * DAY) == pytest.approx(by_hand)


def test_the_bound_is_the_exact_sum_of_poisson_terms() -> None:
    for count in (1, 2, 3, 7):
        mean = 0.4
        tail = 1 - sum(math.exp(-mean) * mean**i / math.factorial(i) for i in range(count - 1))
        assert false_pages_bound(40, 28_800, 0.01, count) == pytest.approx(288 * tail)


def test_the_least_count_is_the_least_one_that_keeps_the_bound() -> None:
    past = history(40)
    found = count_test(past, FAST, 0.99, false_pages_per_period=0.1)
    assert found is not None
    total = past.total.sum()
    assert found.false_pages_per_period <= 0.1
    # the same on steady traffic, by exact sums, for this count and the one below
    assert false_pages_bound(40, total, 0.01, found.least_bad_events) < 0.15
    assert false_pages_bound(40, total, 0.01, found.least_bad_events - 1) > 0.1


def pages(bad: NDArray[np.int64], events: NDArray[np.float64], count: int) -> int:
    """How often the fast tier with this count begins to hold, at 99 %: threshold 0.144."""
    sums = np.convolve(bad, np.ones(60, dtype=np.int64))[: len(bad)]
    over = (sums >= count) & (sums > 0.144 * events)
    return int(np.count_nonzero(over[1:] & ~over[:-1]) + over[0])


@pytest.mark.parametrize(("count", "per_hour"), [(2, 10.0), (3, 30.0), (2, 80.0), (4, 80.0)])
def test_played_through_it_pages_no_more_often_than_the_bound_says(
    count: int, per_hour: float
) -> None:
    """60 months at the budget's own bad ratio, traffic of day and night."""
    generator = np.random.default_rng(5)
    minutes = np.arange(30 * 1440)
    per_minute = per_hour / 60 * (1 + 0.8 * np.sin(2 * np.pi * minutes / 1440))
    past = EventHistory(0, MINUTE, np.zeros(len(minutes)), per_minute)
    rate, months = 0.01, 60
    events = np.convolve(per_minute, np.ones(60))[: len(minutes)]
    asked = [
        max(count, math.floor(0.144 * events[place : place + 60].min()) + 1)
        for place in range(len(minutes))
    ]
    tails = np.array([poisson_tail(m - 1, rate * n) for m, n in zip(asked, events, strict=True)])
    bound = float(np.sum(rate * per_minute * tails))
    played = sum(pages(generator.poisson(rate * per_minute), events, count) for _ in range(months))
    expected = bound * months
    assert played <= expected + 3 * math.sqrt(expected) + 1
    if expected > 60:
        assert played >= 0.1 * expected, "the bound is not empty"
    found = count_test(past, FAST, 1 - rate, false_pages_per_period=bound * 1.0001)
    assert found is not None
    assert found.least_bad_events <= count
    assert found.false_pages_per_period == pytest.approx(bound, rel=1e-6)


def poisson_tail(count: int, mean: float) -> float:
    return 1 - sum(math.exp(-mean) * mean**i / math.factorial(i) for i in range(count))


def test_a_busy_day_does_not_make_the_night_blind() -> None:
    """Where traffic is high the ratio asks for many events anyway: the count is the night's."""
    minutes = np.arange(30 * 1440)
    per_minute = 6 * np.exp(2.7 * np.sin(2 * np.pi * minutes / 1440))  # 24 to 5,000 an hour
    past = EventHistory(0, MINUTE, np.zeros(len(minutes)), per_minute)
    found = count_test(past, FAST, 0.999)
    assert found is not None
    assert found.least_bad_events == 5  # 17 without regard to the ratio
    assert found.blind_fraction == 0


@pytest.mark.parametrize("steps", [1, 2, 7, 50, 80])
def test_the_least_ahead_is_the_least_of_each_window(steps: int) -> None:
    values = np.random.default_rng(steps).random(50)
    by_hand = [values[place : place + steps].min() for place in range(50)]
    assert least_ahead(values, steps).tolist() == by_hand


def test_it_says_where_it_makes_the_tier_blind() -> None:
    found = count_test(history(1.5), FAST, 0.9, false_pages_per_period=0.01)
    assert found is not None
    assert found.least_bad_events > found.median_events
    assert found.blind_fraction > 0.5
    assert found.seconds_to_page_full_outage is None
    assert "blind" in found.sentence


def test_without_traffic_there_is_nothing_to_test() -> None:
    nothing = EventHistory(0, MINUTE, np.full(100, np.nan), np.full(100, np.nan))
    assert count_test(nothing, FAST, 0.999) is None
    assert not needs_count_test(nothing, FAST, 0.999)


def test_a_bound_that_is_not_positive_is_refused() -> None:
    with pytest.raises(InputError, match="false_pages_per_period"):
        count_test(history(10), FAST, 0.999, false_pages_per_period=0)


SHOP = SLO(
    name="shop",
    service="shop",
    kind="availability",
    indicator=RatioIndicator(
        bad_query="sum(rate(bad_total[$window]))", total_query="sum(rate(all_total[$window]))"
    ),
    objective=0.999,
    period_seconds=30 * DAY,
    tiers=WORKBOOK_TIERS,
)


def test_its_condition_is_promql() -> None:
    found = count_test(history(20), FAST, 0.999)
    assert found is not None
    expression = count_expression(SHOP, FAST, found)
    parse(expression)
    assert expression.endswith(
        f"and ((sum(rate(bad_total[1h]))) * 3600) > {found.least_bad_events - 0.5:g}"
    )


@pytest.mark.parametrize(("bad_events", "with_count"), [(1, False), (2, False), (3, True)])
def test_evaluated_one_bad_event_pages_without_the_count_and_not_with_it(
    tmp_path: Path, bad_events: int, with_count: bool
) -> None:
    """24 requests an hour, one every 150 s; the last ones are bad."""
    found = count_test(history(24), FAST, 0.999)
    assert found is not None
    assert found.least_bad_events == 3
    writer = SampleWriter(tmp_path, interval_seconds=15.0, retention_seconds=30 * DAY)
    ids = [writer.series_id({"__name__": name}) for name in ("all_total", "bad_total")]
    end = 3 * 3600
    for at in range(0, end + 1, 15):
        every = 1000 + at // 150
        bad = 1000 + max(0, every - (1000 + end // 150) + bad_events)
        writer.append("t", at * 1000, ids, [float(every), float(bad)])
    writer.close()
    source = RecorderSource(tmp_path)
    try:
        assert source.query(tier_expression(SHOP, FAST), end).samples
        fires = bool(source.query(count_expression(SHOP, FAST, found), end).samples)
    finally:
        source.close()
    assert fires is with_count
