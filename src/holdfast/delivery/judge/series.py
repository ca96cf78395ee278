"""From intervals to what a test can take: pairs, counts, and the gaps between them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from holdfast.delivery.judge.counts import ErrorCounts
from holdfast.delivery.judge.records import Interval, Metric
from holdfast.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Gaps:
    """Intervals that should have been measured and were not; `trailing`: those at the end."""

    expected: int
    missing: int
    trailing: int

    @property
    def fraction(self) -> float:
        """The part of the expected intervals that is missing; 1 where nothing was expected."""
        return self.missing / self.expected if self.expected else 1.0


def checked(intervals: Sequence[Interval]) -> tuple[Interval, ...]:
    """Return the intervals, or raise InputError unless in order, apart and of one length."""
    for before, after in itertools.pairwise(intervals):
        if not math.isclose(before.duration_seconds, after.duration_seconds):
            raise InputError("the intervals of a canary must be of one length")
        if _steps(before, after) < 1:
            raise InputError(
                f"the interval of {after.started_at.isoformat()} begins before the one ahead ends",
                hint="give each interval once, in the order of time",
            )
    return tuple(intervals)


def log_ratios(
    intervals: Sequence[Interval], metric: Metric, *, resolution: float, min_requests: int
) -> tuple[float | None, ...]:
    """Return the log ratio canary/baseline of each expected interval; None = a gap.

    `resolution` is added to both values. An interval that is missing altogether is a gap too,
    and so is one where an arm had fewer than `min_requests`.
    """

    def ratio(one: Interval) -> float | None:
        baseline, canary = one.baseline.value(metric), one.canary.value(metric)
        if baseline is None or canary is None or not _enough(one, min_requests):
            return None
        below, above = baseline + resolution, canary + resolution
        return math.log(above / below) if below > 0 and above > 0 else None

    return _each_expected(intervals, ratio)


def error_counts(intervals: Sequence[Interval]) -> tuple[ErrorCounts | None, ...]:
    """Return the failures of each expected interval; None = a gap: an arm without requests."""

    def counts(one: Interval) -> ErrorCounts | None:
        baseline, canary = one.baseline.failed_requests, one.canary.failed_requests
        if baseline is None or canary is None or not _enough(one, 1):
            return None
        return ErrorCounts(canary, one.canary.requests, baseline, one.baseline.requests)

    return _each_expected(intervals, counts)


def absent_since(intervals: Sequence[Interval], judged_at: datetime) -> int:
    """Return how many whole intervals have gone by after the last one without a measurement."""
    if not intervals:
        return 0
    last = intervals[-1]
    since = (judged_at - last.started_at).total_seconds() - last.duration_seconds
    return max(0, math.floor(since / last.duration_seconds))


def gaps(values: Sequence[object | None]) -> Gaps:
    """Return what is missing among the expected values."""
    trailing = sum(1 for _ in itertools.takewhile(lambda one: one is None, reversed(values)))
    return Gaps(len(values), sum(1 for one in values if one is None), trailing)


def _each_expected(
    intervals: Sequence[Interval], take: Callable[[Interval], T | None]
) -> tuple[T | None, ...]:
    """Return a value for each interval, and None for each that is missing between two."""
    found: list[T | None] = []
    for before, one in zip((None, *intervals), intervals, strict=False):
        if before is not None:
            found.extend([None] * (_steps(before, one) - 1))
        found.append(take(one))
    return tuple(found)


def _steps(before: Interval, after: Interval) -> int:
    """Return how many intervals after the first the second begins; a late scrape is no gap."""
    apart = (after.started_at - before.started_at).total_seconds()
    return math.floor(apart / before.duration_seconds + 0.25)


def _enough(one: Interval, min_requests: int) -> bool:
    return min(one.baseline.requests, one.canary.requests) >= min_requests
