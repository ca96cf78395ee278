"""The error budget counts events; what it does not know it says."""

from __future__ import annotations

import math

import pytest
from test_burn_arithmetic import DAY, slo

from holdfast.errors import ConfigError
from holdfast.model.evidence import Matrix, Series
from holdfast.model.slo import RatioIndicator
from holdfast.slo.budget import (
    EventCounts,
    bad_events_query,
    budget_spent_query,
    events_query,
    history_seconds,
    read_budget,
    total_events_query,
)


def counts(bad: float | None, total: float | None, history: float | None = 30 * DAY) -> EventCounts:
    return EventCounts(
        bad_events=bad, window_seconds=600, period_events=total, history_seconds=history
    )


def test_ten_minutes_of_outage_spend_a_quarter_of_a_month_at_three_nines() -> None:
    per_second = 100.0
    reading = read_budget(slo(), counts(600 * per_second, 30 * DAY * per_second))
    assert reading.state == "measured"
    assert reading.spent_fraction == pytest.approx(0.2315, abs=1e-4)
    assert reading.remaining_fraction == pytest.approx(1 - 0.2315, abs=1e-4)


def test_an_outage_at_night_weighs_what_its_requests_weigh() -> None:
    day, night = 1_000_000.0, 1000.0  # one hour down at a thousandth of the traffic
    reading = read_budget(slo(), counts(night, day + night))
    assert reading.spent_fraction == pytest.approx(1.0, rel=0.01)


def test_more_than_the_budget_can_be_spent() -> None:
    reading = read_budget(slo(), counts(50, 10_000))
    assert reading.spent_fraction == pytest.approx(5)
    assert reading.remaining_fraction == pytest.approx(-4)


@pytest.mark.parametrize(
    ("bad", "total"),
    [(None, 10.0), (5.0, None), (math.nan, 10.0), (5.0, math.nan), (0.0, 0.0), (0.0, math.inf)],
)
def test_what_was_not_counted_is_no_data_and_never_zero(
    bad: float | None, total: float | None
) -> None:
    reading = read_budget(slo(), counts(bad, total))
    assert reading.state == "no_data"
    assert reading.spent_fraction is None
    assert reading.remaining_fraction is None


def test_more_bad_events_than_events_is_a_contradiction() -> None:
    reading = read_budget(slo(), counts(11, 10))
    assert reading.state == "contradictory"
    assert reading.spent_fraction is None


def test_a_short_history_is_said() -> None:
    reading = read_budget(slo(), counts(1, 10_000, history=3 * DAY))
    assert reading.state == "partial_history"
    assert reading.covered_fraction == pytest.approx(0.1)
    assert "do not reach back" in reading.statement
    assert "not known" in read_budget(slo(), counts(1, 10_000, history=None)).statement


def test_history_begins_at_the_first_point() -> None:
    matrix = Matrix(
        series=(
            Series(labels={"a": "1"}, points=((700.0, 1.0), (800.0, 1.0))),
            Series(labels={"a": "2"}, points=((600.0, 1.0),)),
        )
    )
    assert history_seconds(matrix, 1000.0, 3600.0) == 400.0
    assert history_seconds(matrix, 1000.0, 300.0) == 300.0
    assert history_seconds(Matrix(series=()), 1000.0, 3600.0) is None


def test_queries_count_events_whether_written_as_rates_or_increases() -> None:
    assert events_query("sum(rate(a[$window]))", 300) == "(sum(rate(a[5m]))) * 300"
    assert events_query("sum(increase(a[$window]))", 300) == "sum(increase(a[5m]))"


def test_a_query_of_unknown_unit_is_refused() -> None:
    for template in ("rate(a[$window]) + increase(b[$window])", "sum(irate(a[$window]))"):
        with pytest.raises(ConfigError):
            events_query(template, 300)


def test_the_spent_fraction_can_be_asked_in_one_query() -> None:
    indicator = RatioIndicator(
        bad_query="sum(rate(bad[$window]))", total_query="sum(rate(all[$window]))"
    )
    objective = slo().model_copy(update={"indicator": indicator})
    assert bad_events_query(objective, 600) == "(sum(rate(bad[10m]))) * 600"
    assert total_events_query(objective, 600) == "(sum(rate(all[10m]))) * 600"
    assert budget_spent_query(objective, 600) == (
        "((sum(rate(bad[10m]))) * 600) / (0.001 * ((sum(rate(all[30d]))) * 2592000))"
    )
