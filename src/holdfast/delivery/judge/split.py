"""Sample ratio mismatch: does the canary get the share of requests that was set?

A comparison of arms that were not loaded as planned is not the comparison that was planned.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from holdfast.delivery.judge.counts import split_log_e
from holdfast.delivery.judge.records import Interval, JudgePlan, SplitCheck


def check_split(intervals: Sequence[Interval], plan: JudgePlan) -> SplitCheck:
    """Return whether the measured split is the planned one. No requests is not a match.

    A mismatch is both shown (the e-value against the plan exceeds 1/split_alpha) and large (off by
    more than `split_tolerance` of the planned share, in requests of either arm): connections that
    are kept alive move many requests at once.
    """
    canary = sum(one.canary.requests for one in intervals)
    total = canary + sum(one.baseline.requests for one in intervals)
    if not total:
        return SplitCheck(
            matches=False,
            reason="no requests were measured",
            planned_canary_fraction=None,
            actual_canary_fraction=None,
            log_e_value=0.0,
        )
    planned = sum(_planned_canary(one) for one in intervals) / total
    actual = canary / total
    log_e = _log_e(intervals)
    off = abs(actual - planned) / min(planned, 1 - planned)
    matches = log_e < math.log(1 / plan.split_alpha) or off <= plan.split_tolerance
    said = f"the canary got {actual:.1%} of the requests, planned {planned:.1%}"
    return SplitCheck(
        matches=matches,
        reason=said if matches else f"{said}: the arms were not loaded as planned",
        planned_canary_fraction=planned,
        actual_canary_fraction=actual,
        log_e_value=log_e,
    )


def _planned_canary(one: Interval) -> float:
    return one.planned_canary_fraction * (one.canary.requests + one.baseline.requests)


def _log_e(intervals: Sequence[Interval]) -> float:
    """Return log e against the plan: e-values of the steps of one weight, multiplied."""

    def weight(one: Interval) -> float:
        return one.planned_canary_fraction

    ordered = sorted(intervals, key=weight)
    total = 0.0
    for fraction, group in itertools.groupby(ordered, key=weight):
        step = tuple(group)
        canary = sum(one.canary.requests for one in step)
        total += split_log_e(canary, sum(one.baseline.requests for one in step), fraction)
    return total
