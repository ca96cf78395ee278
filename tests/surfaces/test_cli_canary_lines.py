"""A rollout's lines say what was measured, and what was not."""

from __future__ import annotations

from datetime import UTC, datetime

from holdfast.delivery.judge.judge import judge
from holdfast.delivery.judge.records import ArmMeasurements, Calibration, Interval, JudgePlan
from holdfast.delivery.rollout.records import Looked, Moved, Watched
from holdfast.delivery.rollout.step import StepDecision, StepVerdict
from holdfast.surfaces.cli.canary_lines import lines_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def looked(failed: int | None) -> str:
    """Return the line of a look at one interval, with so many failures."""
    interval = Interval(
        started_at=NOON,
        duration_seconds=2,
        planned_canary_fraction=0.1,
        baseline=ArmMeasurements(requests=90, failed_requests=0, latency_mean_seconds=0.02),
        canary=ArmMeasurements(requests=30, failed_requests=failed, latency_mean_seconds=0.03),
    )
    verdict = judge((interval,), JudgePlan(), Calibration(), judged_at=NOON)
    step = StepVerdict(
        decision=StepDecision.KEEP_LOOKING, reason="", elapsed_seconds=4.4, canary=verdict
    )
    (line,) = lines_of(Looked(at=NOON, step=1, steps=2, percent=10, verdict=step))
    return line


def test_a_look_tells_ratios_counts_and_what_is_unknown() -> None:
    line = looked(0)
    assert line.startswith("12:00:00  step 1/2 10 %  4 s  30 requests  latency 1.50x")
    assert "failures 0  statements -" in line
    assert line.endswith("keep looking")


def test_failures_that_were_not_measured_are_not_told_as_none() -> None:
    assert "failures -" in looked(None)


def test_moves_and_watches_are_told() -> None:
    moved = Moved(at=NOON, service="shop", weights={"v1": 90, "v2": 10}, why="step 1 of 2")
    assert lines_of(moved) == ["12:00:00  shop: v1 90 %, v2 10 %  (step 1 of 2)"]
    silent = Watched(at=NOON, slo="fast", bad_fraction=None, at_most=0.05, elapsed_seconds=3)
    assert lines_of(silent) == ["12:00:00  watch 3 s  fast: no data, at most 5.00%"]
