"""What alerts are worth: precision, recall, detection, reset, budget; by hand-made examples."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from holdfast.model.replay import PastIncident, ReplaySpan, Score, Spell
from holdfast.slo.history import EventHistory
from holdfast.slo.replay.intervals import median_estimate, share
from holdfast.slo.replay.score import Matching, episodes, score
from holdfast.slo.replay.spending import Spending
from holdfast.slo.replay.windows import EventSums
from support.past import SHOP

WEEK = 7 * 24 * 60
DAY = 1440


def at(minute: float) -> datetime:
    """A minute of the past."""
    return datetime.fromtimestamp(minute * 60, UTC)


def incident(start: float, end: float, *, significant: bool = True) -> PastIncident:
    return PastIncident(start=at(start), end=at(end), significant=significant)


def spell(start: float, end: float, rule: str = "fast", *, open_: bool = False) -> Spell:
    return Spell(rule=rule, action="page", start=at(start), end=at(end), open=open_)


SPAN = ReplaySpan(start=at(0), end=at(2 * WEEK), step_seconds=60)
MATCHING = Matching(join_seconds=300, grace_seconds=3600)


def scored(spells: list[Spell], incidents: list[PastIncident]) -> Score:
    return score("all", spells, incidents, SPAN, MATCHING)


def test_an_alert_in_time_detects_and_resets() -> None:
    found = scored([spell(105, 135)], [incident(100, 130)])
    assert (found.precision.fraction, found.recall.fraction) == (1, 1)
    assert found.detection_median_seconds == 300
    assert found.reset_median_seconds == 300
    assert found.alerts_per_week == 0.5
    assert found.missed == ()


def test_alerts_close_together_and_of_several_rules_are_one() -> None:
    spells = [spell(100, 110), spell(114, 120), spell(105, 112, "slow"), spell(200, 201)]
    assert [(e.start / 60, e.end / 60) for e in episodes(spells, 300)] == [(100, 120), (200, 201)]


def test_what_no_alert_told_of_is_missed_and_lowers_recall() -> None:
    quiet = incident(500, 600)
    found = scored([spell(105, 135)], [incident(100, 130), quiet])
    assert found.recall.fraction == 0.5
    assert found.missed == (quiet,)


def test_a_false_alert_is_listed_with_why() -> None:
    spells = [spell(105, 135), spell(1000, 1010), spell(2005, 2010)]
    found = scored(spells, [incident(100, 130), incident(2000, 2020, significant=False)])
    assert found.precision.fraction == pytest.approx(1 / 3)
    assert found.recall.of == 1
    assert [one.why for one in found.false_alerts] == ["no incident", "insignificant incident"]
    assert found.false_alerts[0].start == at(1000)


@pytest.mark.parametrize(("start", "detected"), [(150, True), (190, True), (191, False)])
def test_an_alert_after_the_end_counts_within_the_grace_and_is_called_late(
    start: float, detected: bool
) -> None:
    found = scored([spell(start, start + 5)], [incident(100, 130)])
    assert found.recall.count == int(detected)
    assert found.detections[0].after_end == detected
    assert found.precision.count == int(detected)


def test_an_alert_that_fires_already_detects_at_once() -> None:
    found = scored([spell(50, 125)], [incident(100, 130)])
    assert found.detection_median_seconds == 0
    assert found.reset_median_seconds == 0


def test_an_earlier_alert_that_was_over_is_no_detection_though_joined() -> None:
    found = scored([spell(90, 98), spell(102, 110)], [incident(100, 130)])
    assert found.detections[0].at == at(102)


def test_the_reset_of_an_alert_that_still_fires_is_not_known() -> None:
    found = scored([spell(105, 2 * WEEK, open_=True)], [incident(100, 130)])
    assert found.reset_median_seconds is None


def test_without_alerts_or_incidents_nothing_is_claimed() -> None:
    found = scored([], [])
    assert (found.precision.fraction, found.recall.fraction) == (None, None)
    assert found.detection_worst_seconds is None


def test_the_budget_at_the_alert_is_what_was_spent_until_then() -> None:
    steps = 2 * WEEK
    total = np.full(steps, 100.0)
    bad = np.zeros(steps)
    bad[100:130] = 50.0
    history = EventHistory(0, 60, bad, total)
    spending = Spending.of(history, EventSums.of(history), 0.99, 7 * 86_400)
    assert spending.allowed_bad_events == pytest.approx(0.01 * 100 * WEEK)
    found = score("all", [spell(110, 140)], [incident(100, 130)], SPAN, MATCHING, spending=spending)
    assert found.budget_at_alert_median == pytest.approx(10 * 50 / (100 * WEEK * 0.01))
    assert spending.between(0, 86_400 * 14) == pytest.approx(30 * 50 / (100 * WEEK * 0.01))


def test_a_history_without_events_has_no_budget() -> None:
    history = EventHistory(0, 60, np.full(10, np.nan), np.full(10, np.nan))
    spending = Spending.of(history, EventSums.of(history), 0.99, 86_400)
    assert spending.between(0, 600) is None


def test_wilson_s_interval_has_the_published_values() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    for count, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = share(count, of)
        assert (found.low, found.high) == (
            pytest.approx(low, abs=6e-5),
            pytest.approx(high, abs=6e-5),
        )


def test_the_bootstrap_of_a_median_is_seeded_and_covers() -> None:
    values = np.random.default_rng(1).exponential(10, 200).tolist()
    one, two = median_estimate(values, 3), median_estimate(values, 3)
    assert one == two
    assert one is not None
    assert one.low < 10 * np.log(2) < one.high
    assert median_estimate([], 1) is None


def test_a_compressed_laboratory_has_a_shorter_grace() -> None:
    assert Matching.of(SHOP) == Matching(300, 3600)
    tiers = tuple(
        tier.model_copy(update={"long_window_seconds": long, "short_window_seconds": 5.0})
        for tier, long in zip(SHOP.tiers, (60.0, 120.0), strict=True)
    )
    lab = SHOP.model_copy(update={"tiers": tiers})
    assert Matching.of(lab) == Matching(60, 120)
    assert Matching.of(lab, 7) == Matching(60, 7)
