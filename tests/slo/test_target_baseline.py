"""The baseline: weighted by events, wider where history is short, honest about what it rests on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from holdfast.errors import InputError
from holdfast.slo.history import EventHistory
from holdfast.slo.targets.baseline import baseline

START = 1_760_054_400.0
"""Midnight, UTC."""
HOUR, DAY = 3600.0, 86_400.0
Floats = NDArray[np.float64]


def hourly(bad: Floats, total: Floats) -> EventHistory:
    return EventHistory(START, HOUR, np.asarray(bad, float), np.asarray(total, float))


def outages(seed: int, days: int, *, one_in_hours: float = 40.0) -> EventHistory:
    """Traffic with a day's shape; outages begin at random, last hours, and are of all depths."""
    generator = np.random.default_rng(seed)
    hours = days * 24
    total = 1000 * (1 + 0.5 * np.sin(2 * np.pi * np.arange(hours) / 24))
    ratio = np.full(hours, 0.0005)
    for begin in np.flatnonzero(generator.random(hours) < 1 / one_in_hours):
        ratio[begin : begin + int(generator.integers(1, 4))] += generator.exponential(0.02)
    return hourly(total * np.minimum(1, ratio), total)


def test_the_ratio_is_of_events_not_a_mean_of_ratios() -> None:
    total = np.full(24 * 10, 100.0)
    total[5], bad = 1.0, np.zeros(24 * 10)
    bad[5] = 1.0  # a whole bad hour with one event
    assert baseline(hourly(bad, total)).good_ratio == pytest.approx(1 - 1 / total.sum())


def test_the_interval_holds_the_ratio_and_the_same_seed_gives_the_same() -> None:
    found = baseline(outages(1, 30))
    assert found.low is not None
    assert found.high is not None
    assert found.good_ratio is not None
    assert found.low < found.good_ratio < found.high
    assert found == baseline(outages(1, 30))


def test_a_shorter_history_gives_a_wider_interval_and_says_so() -> None:
    long, short = outages(2, 90), outages(2, 90).between(START, START + 4 * DAY)
    wide, narrow = baseline(short, period_seconds=30 * DAY), baseline(long, period_seconds=30 * DAY)
    assert wide.low is not None
    assert wide.high is not None
    assert narrow.low is not None
    assert narrow.high is not None
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert any("the history is short (4 d)" in warning for warning in wide.warnings)
    assert any("covers 4 d of a period of 30 d" in warning for warning in wide.warnings)
    assert narrow.warnings == ()


def test_no_bad_event_does_not_show_a_hundred_percent() -> None:
    found = baseline(hourly(np.zeros(24 * 30), np.full(24 * 30, 2.0)))
    assert (found.good_ratio, found.high) == (1.0, 1.0)
    # exact: (1 - p)^n = 2.5 %, n = 1440 events
    assert found.low == pytest.approx(0.025 ** (1 / 1440), abs=1e-9)


def test_blocks_keep_an_outage_together() -> None:
    """Single hours drawn anew would think that a day-long outage is 24 independent bad hours."""
    total = np.full(24 * 60, 1000.0)
    bad = np.ones(24 * 60)
    bad[240:264] = 500
    by_day, by_hour = (baseline(hourly(bad, total), block_seconds=size) for size in (DAY, HOUR))
    assert by_day.low is not None
    assert by_hour.low is not None
    assert by_day.low < by_hour.low - 0.001


def test_what_was_not_measured_is_left_out_and_said() -> None:
    history = outages(3, 30)
    history.bad[100:172] = np.nan
    history.total[300:310] = np.nan
    history.total[305] = np.inf
    found = baseline(history)
    known = np.isfinite(history.bad) & np.isfinite(history.total)
    expected = 1 - history.bad[known].sum() / history.total[known].sum()
    assert found.good_ratio == pytest.approx(expected, rel=1e-12)
    assert found.known_fraction == pytest.approx(known.mean())
    assert any("has no data and is left out" in warning for warning in found.warnings)


def test_nothing_measured_is_none_not_a_number() -> None:
    found = baseline(hourly(np.full(48, np.nan), np.full(48, np.nan)))
    assert (found.good_ratio, found.low, found.high, found.worst_day) == (None, None, None, None)
    assert "no data" in found.statement


def test_the_worst_day_is_found_by_its_own_events() -> None:
    total = np.full(24 * 20, 100.0)
    bad = np.zeros(24 * 20)
    bad[24 * 7 + 3] = 50
    worst = baseline(hourly(bad, total)).worst_day
    assert worst is not None
    assert (worst.day, worst.total_events) == ("2025-10-17", 2400)
    assert worst.good_ratio == pytest.approx(1 - 50 / 2400)


def test_more_bad_events_than_events_is_a_warning() -> None:
    history = outages(4, 20)
    history.bad[10] = 2 * history.total[10]
    assert any("more bad events than events" in each for each in baseline(history).warnings)


@pytest.mark.parametrize("arguments", [{"block_seconds": 0}, {"resamples": 5}, {"confidence": 1}])
def test_settings_that_make_no_sense_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(arguments))):
        baseline(outages(1, 10), **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("days", "one_in_hours"), [(30, 40.0), (30, 100.0), (30, 300.0), (10, 40.0), (90, 100.0)]
)
def test_intervals_hold_the_long_run_ratio_as_often_as_they_say(
    days: int, one_in_hours: float
) -> None:
    """Outages of 1 to 3 hours and all depths: 95 % is promised."""
    bad_ratios = [
        1 - _ratio(outages(10_000 + n, 90, one_in_hours=one_in_hours)) for n in range(200)
    ]
    truth, held, runs = 1 - float(np.mean(bad_ratios)), 0, 150
    for seed in range(runs):
        found = baseline(outages(seed, days, one_in_hours=one_in_hours), resamples=300)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert held / runs >= 0.92, held


def _ratio(history: EventHistory) -> float:
    return 1 - float(history.bad.sum() / history.total.sum())
