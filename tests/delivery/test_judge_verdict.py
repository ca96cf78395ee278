"""The canary judge's verdict: what it rolls back, what it promotes, and what it refuses to say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast.delivery.judge.calibrate import calibrate
from holdfast.delivery.judge.judge import judge
from holdfast.delivery.judge.records import (
    Calibration,
    CanaryVerdict,
    Decision,
    Interval,
    JudgePlan,
    Metric,
    MetricPlan,
    MetricVerdict,
)
from holdfast.errors import InputError
from support.canaries import BEGAN, MINUTE, canary_intervals, ended, with_canary

PLAN = JudgePlan()
HISTORY = calibrate(canary_intervals(240, seed=99), PLAN)


def judged(intervals: list[Interval], plan: JudgePlan = PLAN) -> CanaryVerdict:
    return judge(intervals, plan, HISTORY, judged_at=ended(intervals))


def of(verdict: CanaryVerdict, metric: Metric) -> MetricVerdict:
    return next(one for one in verdict.metrics if one.metric is metric)


def test_a_healthy_canary_is_promoted_when_its_plan_is_over() -> None:
    verdict = judged(canary_intervals(60))
    assert verdict.decision is Decision.PROMOTE
    assert all(one.decision is Decision.PROMOTE for one in verdict.metrics)


def test_a_healthy_canary_is_not_promoted_a_minute_earlier() -> None:
    verdict = judged(canary_intervals(59))
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "59 of 60 paired intervals" in verdict.reason


def test_a_slower_canary_is_rolled_back_with_effect_interval_and_reason() -> None:
    verdict = judged(canary_intervals(10, slower=1.2))
    latency = of(verdict, Metric.LATENCY_MEAN)
    assert verdict.decision is Decision.ROLL_BACK
    assert latency.effect_ratio == pytest.approx(1.2, abs=0.05)
    assert latency.interval_low_ratio is not None
    assert latency.interval_low_ratio > latency.roll_back_above
    assert "shown above 1.02 times the baseline" in latency.reason
    assert of(verdict, Metric.ERRORS).decision is Decision.INCONCLUSIVE


def test_what_was_shown_early_stays_shown() -> None:
    early = canary_intervals(10, slower=1.5)
    later = [
        one.model_copy(update={"started_at": one.started_at + 10 * MINUTE})
        for one in canary_intervals(50, slower=0.8)
    ]
    verdict = judged(early + later)
    assert verdict.decision is Decision.ROLL_BACK
    assert of(verdict, Metric.LATENCY_MEAN).decided_at_interval == 3


def test_a_failing_canary_is_rolled_back_and_its_cost_counted() -> None:
    intervals = canary_intervals(10, error_rates=(0.02, 0.001))
    verdict = judged(intervals)
    assert verdict.decision is Decision.ROLL_BACK
    assert of(verdict, Metric.ERRORS).decision is Decision.ROLL_BACK
    assert verdict.canary_failed_requests == sum(
        one.canary.failed_requests or 0 for one in intervals
    )


def test_more_statements_a_request_are_seen_in_three_intervals() -> None:
    verdict = judged(canary_intervals(3, statements=(21.0, 2.0)))
    assert of(verdict, Metric.STATEMENTS).decided_at_interval == 3
    assert verdict.decision is Decision.ROLL_BACK


def test_a_first_statement_where_there_was_none_is_seen() -> None:
    verdict = judged(canary_intervals(3, statements=(1.0, 0.0)))
    assert of(verdict, Metric.STATEMENTS).decision is Decision.ROLL_BACK


def test_more_processor_time_is_rolled_back() -> None:
    def dearer(arm):
        return arm.model_copy(update={"cpu_seconds_per_request": arm.cpu_seconds_per_request * 1.5})

    verdict = judged(with_canary(canary_intervals(5), dearer))
    assert of(verdict, Metric.CPU).decision is Decision.ROLL_BACK


def test_no_data_never_promotes() -> None:
    verdict = judge([], PLAN, HISTORY, judged_at=BEGAN)
    assert verdict.decision is Decision.INCONCLUSIVE
    assert not verdict.split.matches
    assert all("no data" in one.reason for one in verdict.metrics)


def test_a_required_metric_without_measurements_is_not_health() -> None:
    silent = with_canary(
        canary_intervals(60), lambda arm: arm.model_copy(update={"latency_mean_seconds": None})
    )
    verdict = judged(silent)
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "no data: 60 of 60 intervals" in of(verdict, Metric.LATENCY_MEAN).reason


def test_a_metric_that_is_not_required_may_be_absent() -> None:
    silent = with_canary(
        canary_intervals(60), lambda arm: arm.model_copy(update={"cpu_seconds_per_request": None})
    )
    assert judged(silent).decision is Decision.PROMOTE


def test_a_gap_at_the_end_is_not_health() -> None:
    intervals = canary_intervals(60)
    later = ended(intervals) + timedelta(minutes=5)
    verdict = judge(intervals, PLAN, HISTORY, judged_at=later)
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "a gap is not health" in verdict.reason


def test_missing_minutes_are_counted_and_stop_a_promotion() -> None:
    intervals = [one for at, one in enumerate(canary_intervals(90)) if at % 4]
    verdict = judged(intervals)
    assert verdict.decision is Decision.INCONCLUSIVE
    assert of(verdict, Metric.LATENCY_MEAN).gap_intervals == 22


def test_a_canary_without_requests_is_a_gap() -> None:
    nothing = {"requests": 0, "failed_requests": 0}
    verdict = judged(with_canary(canary_intervals(60), lambda arm: arm.model_copy(update=nothing)))
    assert verdict.decision is Decision.INCONCLUSIVE
    assert of(verdict, Metric.ERRORS).paired_intervals == 0


def test_an_interval_of_few_requests_says_nothing_of_latency_but_counts_its_failures() -> None:
    verdict = judged(canary_intervals(60, requests=(15, 600), planned=15 / 615))
    assert of(verdict, Metric.LATENCY_MEAN).paired_intervals == 0
    assert of(verdict, Metric.ERRORS).paired_intervals == 60


def test_too_few_requests_do_not_promote() -> None:
    plan = PLAN.model_copy(update={"min_requests_per_arm": 100_000})
    assert "36000 requests, 100000 are needed" in judged(canary_intervals(60), plan).reason


def test_a_split_that_is_not_the_planned_one_stops_a_promotion() -> None:
    verdict = judged(canary_intervals(60, requests=(600, 600), planned=0.1))
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "planned 10.0%" in verdict.split.reason
    assert "not loaded as planned" in verdict.reason


def test_a_planned_split_matches_over_two_weights() -> None:
    first = canary_intervals(30, requests=(60, 540), planned=0.1)
    second = [
        one.model_copy(update={"started_at": one.started_at + 30 * MINUTE})
        for one in canary_intervals(30, requests=(300, 300), planned=0.5)
    ]
    assert judged(first + second).split.matches


def test_rolling_back_does_not_wait_for_the_split() -> None:
    verdict = judged(canary_intervals(10, slower=1.5, planned=0.1))
    assert verdict.decision is Decision.ROLL_BACK
    assert "not loaded as planned" in verdict.reason


def test_without_history_it_waits_and_says_so() -> None:
    intervals = canary_intervals(20, slower=1.2)
    verdict = judge(intervals, PLAN, Calibration(), judged_at=ended(intervals))
    latency = of(verdict, Metric.LATENCY_MEAN)
    assert latency.decision is Decision.INCONCLUSIVE
    assert not latency.calibrated
    longer = canary_intervals(30, slower=1.2)
    found = judge(longer, PLAN, Calibration(), judged_at=ended(longer))
    assert of(found, Metric.LATENCY_MEAN).decision is Decision.ROLL_BACK


def test_the_same_measurements_give_the_same_verdict() -> None:
    assert judged(canary_intervals(30)) == judged(canary_intervals(30))


def test_intervals_out_of_order_are_refused() -> None:
    with pytest.raises(InputError, match="in the order of time"):
        judged(list(reversed(canary_intervals(3))))


def test_a_verdict_survives_being_written_down() -> None:
    verdict = judged(canary_intervals(10))
    assert CanaryVerdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_a_plan_that_spends_more_than_its_alpha_is_refused() -> None:
    greedy = tuple(
        MetricPlan(metric=one, roll_back_above=1.1, promote_below=1.2, alpha_share=0.6)
        for one in (Metric.CPU, Metric.STATEMENTS)
    )
    with pytest.raises(ValueError, match="sum to more than 1"):
        JudgePlan(metrics=greedy)
