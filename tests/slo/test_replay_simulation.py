"""Injected outages and the search: against theory, brute force, and by hand-made examples."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.errors import InputError
from holdfast.model.replay import Candidate
from holdfast.slo.burn import seconds_to_fire, seconds_to_reset
from holdfast.slo.history import EventHistory
from holdfast.slo.replay.backtest import Replay
from holdfast.slo.replay.firing import firing, threshold_of
from holdfast.slo.replay.front import mark_front, recommend
from holdfast.slo.replay.inject import InjectedRatios, Injection, possible_starts
from holdfast.slo.replay.intervals import share
from holdfast.slo.replay.parameters import AS_IT_IS, parameter_sets
from holdfast.slo.replay.score import Matching
from holdfast.slo.replay.search import SearchPlan, search
from holdfast.slo.replay.simulate import NO_ROOM, Plan, simulate
from support.past import SHOP

DAY = 1440


def steady(days: int = 4, rate: float = 10_000.0) -> Replay:
    """Even traffic, no errors at all: what the formulas assume."""
    steps = days * DAY
    history = EventHistory(0, 60, np.zeros(steps), np.full(steps, rate))
    return Replay(SHOP, history, 6 * 3600, "made up")


def bumpy(days: int = 6, seed: int = 3) -> Replay:
    """Traffic with a wave, background errors, two outages and a gap."""
    chance = np.random.default_rng(seed)
    steps = days * DAY
    total = chance.poisson(500 * (1 + 0.7 * np.sin(np.arange(steps) / DAY * 2 * np.pi)))
    ratio = np.full(steps, 0.001)
    ratio[3000:3020] = 0.6
    ratio[5000:5200] = 0.06
    bad = chance.binomial(total, ratio).astype(np.float64)
    bad[4000:4030] = np.nan
    return Replay(SHOP, EventHistory(0, 60, bad, total.astype(np.float64)), 6 * 3600, "made up")


@pytest.mark.parametrize("depth", [1.0, 0.5, 0.25])
def test_on_even_traffic_detection_and_reset_are_those_of_the_formulas(depth: float) -> None:
    plan = Plan(depths=(depth,), lengths_seconds=(3600.0,), outages_per_cell=20)
    pages, everything = simulate(steady(), plan)
    [cell] = pages.cells
    tier = SHOP.tiers[0]
    assert cell.recall.fraction == 1
    assert cell.detection_seconds is not None
    assert cell.reset_seconds is not None
    assert cell.budget_at_alert is not None
    wanted = seconds_to_fire(tier, SHOP, depth)
    assert wanted is not None
    assert 0 <= cell.detection_seconds.median - wanted <= 60
    reset = seconds_to_reset(tier, SHOP, depth)
    assert reset is not None
    assert 0 <= cell.reset_seconds.median - reset <= 60
    assert cell.budget_at_alert.median == pytest.approx(tier.budget_fraction, rel=0.25)
    assert cell.budget_spent_fraction == pytest.approx(depth * 3600 / (0.01 * 7 * 86_400), rel=0.02)
    assert everything.cells[0].detection_seconds is not None


def test_an_outage_below_every_threshold_is_never_told() -> None:
    plan = Plan(depths=(0.005,), lengths_seconds=(7200.0,), outages_per_cell=50)
    for simulation in simulate(steady(), plan):
        assert simulation.cells[0].recall.fraction == 0
        assert simulation.cells[0].recall.high == pytest.approx(0.0713, abs=1e-3)


def test_injected_outages_fire_as_a_history_that_holds_them() -> None:
    replay = bumpy()
    starts = np.array([1000, 2500, 6100])
    injection = Injection(starts, np.array([0.3, 0.05, 1.0]), 40, 30)
    ratios = InjectedRatios(replay.history, replay.ratios.sums, injection, np.random.default_rng(1))
    extra = np.diff(np.array([ratios.spent_events(np.full(3, k)) for k in range(41)]), axis=0)
    for row, start in enumerate(starts.tolist()):
        bad = replay.history.bad.copy()
        bad[start : start + 40] = extra[:, row]
        history = EventHistory(0, 60, bad, replay.history.total)
        whole = firing(history, SHOP.objective, SHOP.period_seconds, SHOP.tiers)
        for place, tier in enumerate(SHOP.tiers):
            limit = threshold_of(tier, SHOP.objective, SHOP.period_seconds)
            found = ratios.fires(tier, limit, 0.0)[row]
            assert found.tolist() == whole.fires[place, start : start + 70].tolist()


def test_outages_are_put_where_it_was_quiet_and_had_traffic() -> None:
    replay = bumpy()
    quiet = np.ones(len(replay.history.total), dtype=np.bool_)
    quiet[3000:3020] = False
    starts = possible_starts(replay.history, quiet, 100, first=360)
    assert starts.min() == 360
    assert starts.max() == len(quiet) - 100
    assert not ((starts > 2900) & (starts < 3020)).any()
    assert not ((starts > 3900) & (starts < 4030)).any()
    assert len(possible_starts(replay.history, quiet, len(quiet) + 1)) == 0


def test_a_cell_without_quiet_time_says_so() -> None:
    plan = Plan(depths=(1.0,), lengths_seconds=(3 * 86_400.0,), outages_per_cell=5)
    [cell] = simulate(bumpy(), plan)[0].cells
    assert cell.missed_reason == NO_ROOM
    assert cell.recall.fraction is None


def test_the_same_seed_gives_the_same_outages_and_another_one_others() -> None:
    plan = Plan(depths=(0.2,), lengths_seconds=(1800.0,), outages_per_cell=30)
    assert simulate(bumpy(), plan) == simulate(bumpy(), plan)
    other = Plan(depths=(0.2,), lengths_seconds=(1800.0,), outages_per_cell=30, seed=1)
    assert simulate(bumpy(), plan)[0].cells != simulate(bumpy(), other)[0].cells


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan(depths=(0.0,)), "depth 0"),
        (Plan(depths=(1.5,)), r"depth 1\.5"),
        (Plan(outages_per_cell=0), "outages 0"),
        (Plan(lengths_seconds=(90.0,)), "length: 90 s is no whole number of steps"),
    ],
)
def test_outages_that_make_no_sense_are_refused(plan: Plan, said: str) -> None:
    with pytest.raises(InputError, match=said):
        simulate(steady(), plan)


def test_a_search_beats_or_keeps_what_is_in_force_and_says_why() -> None:
    replay = bumpy()
    found = search(replay, replay.find_incidents(), SearchPlan(sets=60, outages=60))
    assert found.candidates[0].name == AS_IT_IS
    assert len(found.candidates) == 60
    assert found.incidents == 2
    assert found.outages == 60
    chosen = next(one for one in found.candidates if one.name == found.recommended)
    assert chosen.on_front or chosen.name == AS_IT_IS
    now = found.candidates[0]
    assert (chosen.recall.fraction or 0) >= (now.recall.fraction or 0) - 0.02
    assert found.why
    assert found == search(replay, replay.find_incidents(), SearchPlan(sets=60, outages=60))


def test_the_present_set_is_scored_as_the_backtest_scores_its_pages() -> None:
    replay = bumpy()
    given = replay.find_incidents()
    plan = SearchPlan(sets=1, outages=6)
    now = search(replay, given, plan).candidates[0]
    pages = replay.backtest(given, [replay.tiers()], Matching.of(SHOP)).rule_sets[0].score("pages")
    assert pages is not None
    assert now.precision == pages.precision
    assert now.pages_per_week == pytest.approx(pages.alerts_per_week)


def test_parameter_sets_can_fire_and_ask_longer_windows_for_slower_burns() -> None:
    replay = bumpy()
    sets = parameter_sets(replay, sets=200, seed=0)
    assert len({(one.tiers, one.for_seconds) for one in sets}) == len(sets)
    for one in sets:
        for tier in one.tiers:
            assert threshold_of(tier, SHOP.objective, SHOP.period_seconds) < 1
            assert tier.short_window_seconds < tier.long_window_seconds
            assert tier.long_window_seconds % 60 == 0


def candidate(name: str, precision: int, recall: int, seconds: float, pages: float) -> Candidate:
    return Candidate(
        name=name,
        tiers=(),
        for_seconds=0,
        precision=share(precision, 100),
        recall=share(recall, 100),
        detection_median_seconds=seconds,
        budget_at_page_median=None,
        pages_per_week=pages,
    )


def test_the_front_holds_what_nothing_beats() -> None:
    marked = mark_front(
        [
            candidate("good", 90, 90, 100, 2),
            candidate("worse in all", 80, 80, 200, 3),
            candidate("worse in one", 90, 90, 101, 2),
            candidate("faster, noisier", 70, 90, 50, 9),
            candidate("the same", 90, 90, 100, 2),
        ]
    )
    assert [one.name for one in marked if one.on_front] == ["good", "faster, noisier", "the same"]


def test_recall_comes_first_then_precision_then_time() -> None:
    sets = mark_front(
        [
            candidate("now", 90, 70, 90, 2),
            candidate("finds most, noisy", 60, 99, 40, 9),
            candidate("finds most, slow", 97, 98, 400, 2),
            candidate("finds most", 95, 98, 200, 2.5),
        ]
    )
    best, why = recommend(sets, "now")
    assert best == "finds most"
    assert "200 s" in why
    assert "now: recall 70.0%" in why


def test_what_is_in_force_stays_unless_a_tenth_is_gained() -> None:
    sets = mark_front([candidate("now", 95, 97, 105, 2), candidate("new", 95, 98, 100, 2)])
    best, why = recommend(sets, "now")
    assert best == "now"
    assert "no set is worth a change" in why


def test_an_objective_without_pages_has_nothing_to_search() -> None:
    replay = bumpy()
    tickets = SHOP.model_copy(update={"tiers": SHOP.tiers[1:]})
    other = Replay(tickets, replay.history, 0, "made up")
    with pytest.raises(InputError, match="no page tier"):
        search(other, other.find_incidents(), SearchPlan(sets=5))
