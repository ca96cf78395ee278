"""The judge's tests keep the error rates that they promise, on many made-up runs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from holdfast.delivery.judge.boundary import alpha_spent, look_boundaries, mixture_boundary
from holdfast.delivery.judge.counts import (
    ErrorCounts,
    count_looks,
    dispersion,
    failed_fraction_upper,
    split_log_e,
)
from holdfast.delivery.judge.noise import fit_noise, mean_variance, present_inflation
from holdfast.delivery.judge.paired import first_above, paired_looks
from holdfast.delivery.judge.records import JudgePlan, Monitoring, PairedNoise

PLAN = JudgePlan()
WHITE = PairedNoise(variance=0.01, persistent_variance=0, persistence=0, intervals=500)


def test_planned_looks_cross_as_often_as_alpha_says() -> None:
    walks = np.random.default_rng(1).normal(size=(40_000, 60)).cumsum(axis=1)
    crossed = np.zeros(len(walks), dtype=bool)
    for look, limit in zip(PLAN.looks, look_boundaries(PLAN.looks, 0.05, 10), strict=True):
        crossed |= walks[:, look - 1] > limit * math.sqrt(look)
    assert crossed.mean() == pytest.approx(0.05, abs=0.004)


def test_looking_at_every_interval_crosses_at_most_as_often_as_alpha_says() -> None:
    walks = np.random.default_rng(2).normal(size=(10_000, 400)).cumsum(axis=1)
    limits = np.array([mixture_boundary(at, 0.05, 10) * math.sqrt(at) for at in range(1, 401)])
    assert 0.01 < (walks > limits).any(axis=1).mean() <= 0.05


def test_alpha_is_spent_to_the_end_and_never_beyond() -> None:
    spent = [alpha_spent(at, alpha=0.05, aim=10, horizon=60) for at in range(61)]
    assert spent == sorted(spent)
    assert spent[-1] == pytest.approx(0.05)
    assert alpha_spent(5, alpha=0.05, aim=10, horizon=5) == pytest.approx(0.05)


def test_noise_that_lasts_is_told_from_noise_that_does_not() -> None:
    chance = np.random.default_rng(3)
    lasting = np.zeros(4000)
    for at in range(1, 4000):
        lasting[at] = 0.8 * lasting[at - 1] + chance.normal(0, 0.06)
    found = fit_noise((lasting + chance.normal(0, 0.05, 4000)).tolist())
    assert found is not None
    assert found.persistence == pytest.approx(0.8, abs=0.06)
    assert found.persistent_variance == pytest.approx(0.01, rel=0.2)
    assert found.variance == pytest.approx(0.0125, rel=0.15)


def test_a_lasting_difference_of_equal_arms_counts_as_noise() -> None:
    chance = np.random.default_rng(4)
    found = fit_noise((0.1 + chance.normal(0, 0.02, 200)).tolist())
    assert found is not None
    assert math.sqrt(mean_variance(found, 10)) > 0.08


def test_too_little_history_teaches_no_noise() -> None:
    assert fit_noise([0.01] * 29 + [None] * 100) is None


def test_the_variance_of_a_mean_is_the_one_of_its_autocovariance() -> None:
    noise = PairedNoise(variance=3, persistent_variance=2, persistence=0.5, intervals=100)
    by_hand = sum((3 if a == b else 2 * 0.5 ** abs(a - b)) for a in range(4) for b in range(4)) / 16
    assert mean_variance(noise, 4) == pytest.approx(by_hand)


def test_an_intermittent_fault_does_not_hide_behind_its_own_variance() -> None:
    values = np.random.default_rng(5).normal(0, 0.1, 60)
    hit = values + np.where(np.arange(60) % 4 == 0, 1.0, 0.0)
    assert hit.var() > 10 * WHITE.variance
    assert present_inflation(hit, WHITE) < 2


def test_arms_that_are_noisier_than_ever_widen_the_interval() -> None:
    calm = np.random.default_rng(6).normal(0, 0.1, 60)
    assert present_inflation(calm * 3, WHITE) > 3


@pytest.mark.parametrize("monitoring", list(Monitoring))
def test_a_canary_at_the_margin_is_rolled_back_at_most_as_often_as_alpha(
    monitoring: Monitoring,
) -> None:
    chance = np.random.default_rng(7)
    plan = JudgePlan(monitoring=monitoring)
    alarms = 0
    for _ in range(400):
        values = (math.log(1.05) + chance.normal(0, 0.1, 60)).tolist()
        alarms += (
            first_above(paired_looks(values, noise=WHITE, plan=plan, alpha=0.05), 1.05) is not None
        )
    assert alarms / 400 <= 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / 400)


def test_planned_looks_find_more_than_looking_at_every_interval_under_heavy_noise() -> None:
    chance = np.random.default_rng(8)
    heavy = WHITE.model_copy(update={"variance": 0.09})
    found = dict.fromkeys(Monitoring, 0)
    for _ in range(200):
        values = (math.log(1.2) + chance.normal(0, 0.3, 60)).tolist()
        for mode in Monitoring:
            looks = paired_looks(values, noise=heavy, plan=JudgePlan(monitoring=mode), alpha=0.02)
            found[mode] += first_above(looks, 1.02) is not None
    assert found[Monitoring.PLANNED_LOOKS] > found[Monitoring.EVERY_INTERVAL]


def failing(rates: tuple[float, float], seed: int, minutes: int = 60) -> list[ErrorCounts]:
    chance = np.random.default_rng(seed)
    pairs = zip(*(chance.binomial(600, one, minutes).tolist() for one in rates), strict=True)
    return [ErrorCounts(a, 600, b, 600) for a, b in pairs]


def test_failures_at_the_margin_raise_an_alarm_at_most_as_often_as_alpha() -> None:
    alarms = 0
    for seed in range(200):
        looks = count_looks(
            failing((0.015, 0.01), seed), margin_ratio=1.5, alpha=0.05, dispersion=1
        )
        alarms += max(one.log_e for one in looks) >= math.log(20)
    assert alarms / 200 <= 0.05


def test_ten_times_the_failures_are_found_and_bounded() -> None:
    last = count_looks(failing((0.005, 0.0005), 3), margin_ratio=1.5, alpha=0.02, dispersion=1)[-1]
    assert last.log_e > math.log(50)
    assert 1.5 < last.low < 10 < last.high
    assert last.ratio == pytest.approx(10, rel=0.6)


def test_the_e_value_reaches_its_limit_exactly_where_the_lower_bound_passes_the_margin() -> None:
    for one in count_looks(failing((0.01, 0.002), 5), margin_ratio=1.5, alpha=0.02, dispersion=1):
        if one.log_e >= math.log(50):
            assert one.low >= 1.5


def test_no_failures_at_all_say_nothing_against_the_canary() -> None:
    looks = count_looks(
        [ErrorCounts(0, 600, 0, 600)] * 60, margin_ratio=1.5, alpha=0.02, dispersion=1
    )
    assert (looks[-1].ratio, looks[-1].low, looks[-1].high) == (None, 0.0, math.inf)
    assert looks[-1].log_e == pytest.approx(0, abs=1e-9)


def test_a_split_that_moves_between_intervals_is_followed() -> None:
    moving = [ErrorCounts(1, 100, 9, 900)] * 30 + [ErrorCounts(5, 500, 5, 500)] * 30
    last = count_looks(moving, margin_ratio=1.5, alpha=0.02, dispersion=1)[-1]
    assert last.low < 1 < last.high < 2.5


def test_bursts_of_failures_are_learnt_from_equal_arms() -> None:
    chance = np.random.default_rng(9)
    bursts = (5 * chance.poisson(0.3, (500, 2))).tolist()
    learnt = dispersion([ErrorCounts(a, 600, b, 600) for a, b in bursts])
    assert learnt == pytest.approx(5.0, abs=1.0)
    rare = (5 * chance.poisson(0.02, (500, 2))).tolist()
    few = dispersion([ErrorCounts(a, 600, b, 600) for a, b in rare])
    assert few is not None
    assert few > 3
    assert dispersion([ErrorCounts(0, 600, 0, 600)] * 100) is None


def test_the_bound_of_a_failed_fraction_shrinks_with_requests() -> None:
    bounds = [failed_fraction_upper(0, requests, 0.02) for requests in (0, 600, 6000, 60_000)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] == 1
    assert bounds[-1] < 0.0003


def test_a_split_is_doubted_only_when_it_is_off() -> None:
    assert split_log_e(1000, 9000, 0.1) < 0
    assert split_log_e(1300, 8700, 0.1) > math.log(1000)
