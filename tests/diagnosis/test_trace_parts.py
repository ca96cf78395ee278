"""The parts of the search, each against arithmetic done otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from holdfast.diagnosis.traces.density import density_cuts
from holdfast.diagnosis.traces.groups import cramers_v
from holdfast.diagnosis.traces.guilt import f_score, wilson
from holdfast.diagnosis.traces.own_time import learned_contents, own_duration
from holdfast.diagnosis.traces.slowness import otsu_threshold, slow_requests


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_one_mode_of_any_shape_has_no_valley(seed: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    for values in (
        random.normal(100, 5, 2000),
        random.lognormal(3, 1, 2000),
        random.exponential(1, 2000),
        random.uniform(0, 1, 2000),
        np.round(random.normal(50, 2, 2000)),
        np.round(random.lognormal(1, 0.4, 2000)),
        random.standard_cauchy(2000),
    ):
        assert density_cuts(np.sort(values) * scale, 50, 4.0) == []


def test_valleys_lie_between_the_modes() -> None:
    random = np.random.default_rng(0)
    modes = [random.normal(m, 1, 300) for m in (10, 30, 200)]
    first, second = density_cuts(np.sort(np.concatenate(modes)), 30, 4.0)
    assert modes[0].max() < first < modes[1].min()
    assert modes[1].max() < second < modes[2].min()


@pytest.mark.parametrize("values", [[], [1.0], [2.0] * 500, [1.0] * 10 + [2.0] * 10])
def test_too_few_or_equal_values_have_no_valley(values: list[float]) -> None:
    assert density_cuts(np.array(values), 20, 4.0) == []


def test_two_values_only_are_two_modes() -> None:
    (cut,) = density_cuts(np.array([1.0] * 200 + [30.0] * 100), 20, 4.0)
    assert 1 < cut < 30


def test_wilson_is_what_the_library_says() -> None:
    for successes, trials in ((0, 5), (3, 7), (50, 60), (9, 9)):
        low, high = wilson(successes, trials, float(stats.norm.ppf(0.975)))
        known = stats.binomtest(successes, trials).proportion_ci(0.95, method="wilson")
        assert low == pytest.approx(known.low, abs=1e-12)
        assert high == pytest.approx(known.high, abs=1e-12)
    assert wilson(0, 0, 4.0) == (0.0, 1.0)


def test_cramers_v_is_what_the_library_says() -> None:
    random = np.random.default_rng(5)
    labels = random.integers(0, 4, 500)
    line = random.random(500) < 0.2 + 0.15 * labels
    table = stats.contingency.crosstab(line, labels).count
    known = stats.contingency.association(table, method="cramer", correction=False)
    assert cramers_v(line, labels) == pytest.approx(float(known))
    assert cramers_v(line, np.zeros(500, dtype=np.int64)) == 0
    assert cramers_v(line, line.astype(np.int64)) == pytest.approx(1)


def test_f_score_by_hand() -> None:
    members, wanted = np.array([1, 1, 1, 0], bool), np.array([1, 1, 0, 1], bool)
    assert f_score(members, wanted) == pytest.approx(2 / 3)
    assert f_score(~members, members) == 0


def test_otsu_is_the_best_of_all_thresholds() -> None:
    random = np.random.default_rng(2)
    latency = np.round(np.append(random.normal(100, 10, 80), random.normal(300, 30, 20)))
    logs = np.log(latency)

    def between(limit: float) -> float:
        low, high = logs[latency <= limit], logs[latency > limit]
        return len(low) * len(high) * (low.mean() - high.mean()) ** 2

    limits = np.unique(latency)[:-1]
    assert otsu_threshold(latency) == max(limits, key=between)


def test_latency_that_is_missing_is_not_slow() -> None:
    flags = slow_requests(np.array([np.nan, 5.0, 20.0]), 10.0)
    assert flags.tolist() == [False, False, True]


def test_the_call_tree_is_learned_from_the_times() -> None:
    random = np.random.default_rng(6)
    leaf, other, apart = (random.lognormal(2, 0.4, 2000) for _ in range(3))
    middle = leaf + random.lognormal(1, 0.2, 2000)
    root = middle + other + random.lognormal(1, 0.2, 2000)
    durations = {"leaf": leaf, "other": other, "apart": apart, "middle": middle, "root": root}
    inside = learned_contents(durations, np.ones(2000, dtype=np.bool_))
    assert inside == {"middle": ("leaf",), "root": ("middle", "other")}
    assert own_duration(durations, "middle", inside["middle"]) == pytest.approx(middle - leaf)


def test_equal_operations_are_not_inside_each_other() -> None:
    random = np.random.default_rng(6)
    one, two = random.lognormal(2, 0.4, 2000), random.lognormal(2, 0.4, 2000)
    everything = np.ones(2000, dtype=np.bool_)
    assert learned_contents({"a": one, "b": one.copy(), "c": two}, everything) == {}
    assert learned_contents({"a": one[:5], "b": two[:5]}, everything[:5]) == {}
