"""Steps, plans and verdicts follow from the policy, the budget and the time alone."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from rollout_worlds import CANARY, CANDIDATE, SHOP, STABLE, START, Production

from holdfast.delivery.judge.records import (
    ArmMeasurements,
    Calibration,
    Decision,
    Interval,
    Metric,
)
from holdfast.delivery.rollout.calibration import own_history_calibration
from holdfast.delivery.rollout.measure import Arms, Span, measure_arms, measure_one
from holdfast.delivery.rollout.objectives import objectives_of
from holdfast.delivery.rollout.report import OVERALL, VERDICT_COLUMNS, verdict_evidence
from holdfast.delivery.rollout.step import (
    StepDecision,
    StepVerdict,
    judge_plan,
    looks_until,
    rollout_steps,
    step_verdict,
)
from holdfast.errors import InputError
from holdfast.evidence.derive import compute
from holdfast.model.evidence import Outcome
from holdfast.model.figure import Derivation
from holdfast.model.policy import CanaryPolicy, CanaryStep
from holdfast.model.service import Service, Signal
from holdfast.model.slo import SLO, RatioIndicator

TEN, HALF = CANARY.steps
ARMS = Arms(STABLE, CANDIDATE, 10)


# ---- steps and plans -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("remaining", "shares"),
    [(0.9, (10, 50)), (0.2, (5, 50)), (None, (5, 50)), (0.0, (5, 25)), (-2.0, (5, 25))],
)
def test_the_less_budget_is_left_the_less_traffic_is_exposed(
    remaining: float | None, shares: tuple[float, ...]
) -> None:
    steps = rollout_steps(CANARY, remaining)
    assert tuple(step.percent for step in steps) == shares
    for step, usual in zip(steps, CANARY.steps, strict=True):
        requests = step.percent * step.duration_seconds
        assert requests == usual.percent * usual.duration_seconds


def test_a_policy_may_put_carefulness_off() -> None:
    policy = CANARY.model_copy(update={"careful_below_budget_fraction": -3.0})
    assert rollout_steps(policy, -2.0) == policy.steps
    assert rollout_steps(policy, -3.0)[1].percent == 25
    assert rollout_steps(policy, float("nan"))[0].percent == 5


def test_a_plan_spends_the_alpha_of_the_policy_over_its_steps() -> None:
    plans = [judge_plan(CANARY, step) for step in CANARY.steps]
    assert sum(plan.alpha for plan in plans) == pytest.approx(CANARY.alpha)
    spent = sum(plan.alpha_of(metric) for plan in plans for metric in plan.metrics)
    assert spent <= CANARY.alpha + 1e-12


def test_a_step_may_go_on_before_its_time_is_over() -> None:
    plan = judge_plan(CANARY, TEN)
    assert plan.horizon_intervals == 48
    assert plan.looks == (3, 5, 7, 10, 15, 20, 30, 45, 48)
    assert plan.horizon_intervals * CANARY.interval_seconds < TEN.duration_seconds


@pytest.mark.parametrize("horizon", [1, 2, 3, 4, 17, 60, 61, 200, 1000])
def test_looks_rise_to_the_horizon(horizon: int) -> None:
    looks = looks_until(horizon)
    assert looks[-1] == horizon
    assert list(looks) == sorted(set(looks))


def test_the_margins_are_the_policys_and_the_others_never_narrower() -> None:
    wide = CANARY.model_copy(update={"roll_back_above": 1.3, "promote_below": 1.6})
    plan = judge_plan(wide, HALF)
    margins = {one.metric: (one.roll_back_above, one.promote_below) for one in plan.metrics}
    assert margins[Metric.LATENCY_MEAN] == (1.3, 1.6)
    assert margins[Metric.STATEMENTS] == (1.3, 1.6)
    assert margins[Metric.ERRORS] == (1.5, 2.5)


def test_processor_time_is_compared_between_arms_with_much_traffic_only() -> None:
    assert Metric.CPU not in {one.metric for one in judge_plan(CANARY, TEN).metrics}
    assert Metric.CPU in {one.metric for one in judge_plan(CANARY, HALF).metrics}


# ---- measuring -------------------------------------------------------------------------------


def span(seconds: float, *, interval: float = 2, resolution: float = 1) -> Span:
    since = START.timestamp()
    return Span(since, since + seconds, interval, resolution)


def test_both_arms_are_measured_in_whole_intervals_that_touch() -> None:
    world = Production(weights={STABLE: 90, CANDIDATE: 10}, more=2)
    found = measure_arms(world.ask, SHOP, ARMS, span(20))
    assert len(found.intervals) == 9
    begins = [one.started_at for one in found.intervals]
    assert begins[0] == START + timedelta(seconds=1)
    assert {b - a for a, b in itertools.pairwise(begins)} == {timedelta(seconds=2)}
    first = found.intervals[0]
    assert (first.baseline.requests, first.canary.requests) == (180, 20)
    assert first.canary.statements_per_request == 8
    assert first.canary.failed_requests == 0
    assert "[3s]" in found.evidence[0].query
    assert "by (service_version)" in found.evidence[0].query
    assert len(found.evidence) == 6


def test_what_was_not_measured_is_none_and_never_zero() -> None:
    world = Production(weights={STABLE: 90, CANDIDATE: 10}, absent={Signal.ERROR_RATIO})
    found = measure_arms(world.ask, SHOP, ARMS, span(20))
    assert {one.canary.failed_requests for one in found.intervals} == {None}
    assert found.problems == ("error_ratio: no data",)


def test_an_arm_without_traffic_in_the_answer_makes_gaps() -> None:
    world = Production()  # the candidate has no series at all
    assert measure_arms(world.ask, SHOP, ARMS, span(20)).intervals == ()
    silent = measure_arms(Production(silent=True).ask, SHOP, ARMS, span(20))
    assert silent.intervals == ()
    assert len(silent.problems) == 6


def test_a_service_without_a_signal_says_so() -> None:
    bare = Service(name="shop", signals={})
    found = measure_arms(Production().ask, bare, ARMS, span(20))
    assert found.evidence == ()
    assert "shop has no signal request_rate_per_second" in found.problems


def test_intervals_finer_than_the_scrapes_are_refused() -> None:
    with pytest.raises(InputError, match="shorter than the time between two scrapes"):
        span(20, interval=0.5)


def test_nothing_is_asked_before_an_interval_is_over() -> None:
    assert measure_arms(Production().ask, SHOP, ARMS, span(3)).evidence == ()


# ---- calibration -----------------------------------------------------------------------------


def test_the_noise_of_two_arms_follows_from_one_versions_history_and_the_shares() -> None:
    history, _ = measure_one(Production().ask, SHOP, STABLE, span(200))
    plan = judge_plan(CANARY, TEN)
    few = own_history_calibration(history, plan, canary_fraction=0.1)
    even = own_history_calibration(history, plan, canary_fraction=0.5)
    narrow, wide = even.noise(Metric.LATENCY_MEAN), few.noise(Metric.LATENCY_MEAN)
    assert narrow is not None
    assert wide is not None
    quick = wide.variance - wide.persistent_variance
    assert quick / (narrow.variance - narrow.persistent_variance) == pytest.approx(100 / 9 / 4)
    assert not few.from_equal_arms


def test_too_short_a_history_says_nothing() -> None:
    history, _ = measure_one(Production().ask, SHOP, STABLE, span(40))
    found = own_history_calibration(history, judge_plan(CANARY, TEN), canary_fraction=0.1)
    assert found.paired == ()


# ---- verdicts --------------------------------------------------------------------------------


def verdict(world: Production, seconds: float, step: CanaryStep = TEN) -> StepVerdict:
    """Return what a look comes to after so many seconds."""
    world.weights = {STABLE: 100 - step.percent, CANDIDATE: step.percent}
    arms = Arms(STABLE, CANDIDATE, step.percent)
    measured = measure_arms(world.ask, SHOP, arms, span(seconds))
    history, _ = measure_one(Production().ask, SHOP, STABLE, span(200))
    plan = judge_plan(CANARY, step)
    return step_verdict(
        measured.intervals,
        plan,
        own_history_calibration(history, plan, canary_fraction=step.percent / 100),
        step=step,
        step_started_at=START,
        now=START + timedelta(seconds=seconds),
    )


def test_an_equal_version_is_looked_at_until_the_horizon_and_then_goes_on() -> None:
    assert verdict(Production(), 60).decision is StepDecision.KEEP_LOOKING
    assert verdict(Production(), 99).decision is StepDecision.GO_ON


def test_a_worse_version_is_taken_back_at_an_early_look() -> None:
    found = verdict(Production(slower=5), 10)
    assert found.decision is StepDecision.TAKE_BACK
    assert found.canary.decision is Decision.ROLL_BACK


def test_what_is_inconclusive_when_its_time_is_over_is_taken_back() -> None:
    found = verdict(Production(slower=1.06), 119)
    assert found.decision is StepDecision.KEEP_LOOKING
    found = verdict(Production(silent=True), 120)
    assert found.decision is StepDecision.TAKE_BACK
    assert found.canary.decision is Decision.INCONCLUSIVE
    assert "inconclusive when its 120 s were over" in found.reason


def test_a_verdict_without_equal_arms_does_not_count_as_calibrated() -> None:
    found = verdict(Production(), 99)
    assert not any(one.calibrated for one in found.canary.metrics)


def test_the_figures_of_a_verdict_can_be_cited() -> None:
    found = verdict(Production(slower=2), 99)
    intervals = (
        Interval(
            started_at=START,
            duration_seconds=2,
            planned_canary_fraction=0.1,
            baseline=ArmMeasurements(requests=9),
            canary=ArmMeasurements(requests=1),
        ),
    )
    evidence = verdict_evidence(
        found.canary,
        service="shop",
        arms=ARMS,
        plan=judge_plan(CANARY, TEN),
        intervals=intervals,
        judged_at=START,
    )

    def cell(key: str, column: str) -> float | None:
        assert column in VERDICT_COLUMNS
        wanted = {"key_column": "metric", "key": key, "column": column}
        return compute(
            Derivation(function="cell", evidence_ids=("$0",), parameters={**wanted}), [evidence]
        )

    assert cell("latency_mean_seconds", "effect_ratio") == pytest.approx(2, rel=0.02)
    assert cell(OVERALL, "canary_requests") == found.canary.canary_requests
    nothing = evidence.model_copy(update={"outcome": Outcome.NO_DATA})
    assert evidence.is_whole()
    assert not nothing.is_whole()


def test_callers_objectives_count_too() -> None:
    def slo(service: str) -> SLO:
        ratio = RatioIndicator(bad_query="b[$window]", total_query="a[$window]")
        return SLO(
            name=service,
            service=service,
            kind="latency",
            indicator=ratio,
            objective=0.9,
            period_seconds=60,
        )

    services = (
        Service(name="front", depends_on=("api",)),
        Service(name="api", depends_on=("db",)),
        Service(name="db"),
        Service(name="mail"),
    )
    slos = [slo(one.name) for one in services]
    assert [one.name for one in objectives_of("db", services, slos)] == ["front", "api", "db"]


def test_the_default_policy_can_promote_and_can_take_back() -> None:
    policy = CanaryPolicy()
    for step in policy.steps:
        plan = judge_plan(policy, step)
        assert plan.horizon_intervals == 48
        assert plan.min_requests_per_interval == 10
    assert Calibration().from_equal_arms
