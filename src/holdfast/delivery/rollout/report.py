"""A verdict as evidence: a table whose cells a report can cite."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from holdfast.delivery.judge.records import CanaryVerdict, Interval, JudgePlan, MetricVerdict
from holdfast.delivery.rollout.measure import Arms
from holdfast.model.base import content_hash
from holdfast.model.evidence import Cell, Evidence, EvidenceKind, Outcome, Table, Window

SOURCE = "holdfast canary judge"

OVERALL = "overall"
"""The row of the whole verdict; its numbers are those of both arms' requests."""

VERDICT_COLUMNS = (
    "metric",
    "decision",
    "effect_ratio",
    "interval_low_ratio",
    "interval_high_ratio",
    "roll_back_above",
    "promote_below",
    "alpha",
    "paired_intervals",
    "gap_intervals",
    "decided_at_interval",
    "calibrated",
    "baseline_requests",
    "canary_requests",
    "canary_failed_requests",
    "planned_canary_percent",
    "actual_canary_percent",
    "reason",
)
"""`metric` is the key: a row for each metric (`latency_mean_seconds` …), and one `overall`."""


def verdict_evidence(
    verdict: CanaryVerdict,
    *,
    service: str,
    arms: Arms,
    plan: JudgePlan,
    intervals: Sequence[Interval],
    judged_at: datetime,
) -> Evidence:
    """Return a verdict as a table. What was never measured is no data, whatever it decides."""
    rows = (_overall(verdict), *(_row(metric) for metric in verdict.metrics))
    return Evidence.seal(
        kind=EvidenceKind.COMMAND,
        query=(
            f"judge_canary(service={service!r}, stable={arms.stable!r}, "
            f"candidate={arms.candidate!r}, percent={arms.candidate_percent:g}, "
            f"plan={content_hash(plan)[:12]})"
        ),
        source=SOURCE,
        asked_at=judged_at,
        outcome=Outcome.DATA if intervals else Outcome.NO_DATA,
        value=Table(columns=VERDICT_COLUMNS, rows=rows),
        window=Window(start=intervals[0].started_at, end=judged_at) if intervals else None,
    )


def _row(metric: MetricVerdict) -> tuple[Cell, ...]:
    known: dict[str, Cell] = {
        "metric": metric.metric.value,
        "decision": metric.decision.value,
        "effect_ratio": metric.effect_ratio,
        "interval_low_ratio": metric.interval_low_ratio,
        "interval_high_ratio": metric.interval_high_ratio,
        "roll_back_above": metric.roll_back_above,
        "promote_below": metric.promote_below,
        "alpha": metric.alpha,
        "paired_intervals": metric.paired_intervals,
        "gap_intervals": metric.gap_intervals,
        "decided_at_interval": metric.decided_at_interval,
        "calibrated": metric.calibrated,
        "reason": metric.reason,
    }
    return tuple(known.get(column) for column in VERDICT_COLUMNS)


def _overall(verdict: CanaryVerdict) -> tuple[Cell, ...]:
    known: dict[str, Cell] = {
        "metric": OVERALL,
        "decision": verdict.decision.value,
        "baseline_requests": verdict.baseline_requests,
        "canary_requests": verdict.canary_requests,
        "canary_failed_requests": verdict.canary_failed_requests,
        "planned_canary_percent": _percent(verdict.split.planned_canary_fraction),
        "actual_canary_percent": _percent(verdict.split.actual_canary_fraction),
        "reason": verdict.reason,
    }
    return tuple(known.get(column) for column in VERDICT_COLUMNS)


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else fraction * 100
