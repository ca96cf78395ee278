"""Events step by step: what budgets, targets, backtests and simulations look back on.

`start` and step ends lie on multiples of the step, so that two readings of one past agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import EvidenceError, InputError
from holdfast.evidence.source import MetricsSource
from holdfast.model.evidence import Matrix
from holdfast.model.slo import SLO
from holdfast.slo.budget import bad_events_query, total_events_query

_LESS_SECONDS = 0.001

Counts = NDArray[np.float64]
"""Events of each step, oldest first; NaN = no data."""


@dataclass(frozen=True)
class EventHistory:
    """Bad and all events of n steps. Arrays have shape (n,) and must not be written to.

    Step i covers (start + i x step, start + (i + 1) x step], Unix seconds. Where `total` has data
    and `bad` has none, `bad` is NaN: a counter that does not exist yet says nothing by itself.
    """

    start: float
    step_seconds: float
    bad: Counts
    total: Counts

    def __post_init__(self) -> None:
        if self.bad.shape != self.total.shape or self.bad.ndim != 1:
            raise EvidenceError("bad and total events must be counted over the same steps")

    @property
    def ends(self) -> Counts:
        """When each step ends, Unix seconds."""
        return self.start + self.step_seconds * np.arange(1.0, len(self.total) + 1)

    @property
    def end(self) -> float:
        """When the last step ends, Unix seconds."""
        return self.start + self.step_seconds * len(self.total)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which steps have both counts."""
        return np.isfinite(self.bad) & np.isfinite(self.total)

    def between(self, start: float, end: float) -> EventHistory:
        """Return the whole steps within (start, end]."""
        first = max(0, math.ceil((start - self.start) / self.step_seconds - 1e-9))
        last = min(len(self.total), math.floor((end - self.start) / self.step_seconds + 1e-9))
        last = max(first, last)
        return replace(
            self,
            start=self.start + first * self.step_seconds,
            bad=self.bad[first:last],
            total=self.total[first:last],
        )


def read_history(
    source: MetricsSource,
    slo: SLO,
    start: float,
    end: float,
    step_seconds: float,
    *,
    absent_bad_is_zero: bool = False,
    overlap_seconds: float = 0.0,
) -> EventHistory:
    """Ask for the events of each step. The grid is the steps' multiples within start … end.

    Counts below zero by extrapolation are zero; bad events beyond all events are all events.
    `absent_bad_is_zero`: where there are events and no series of bad ones, none was bad; right for
    a counter that first appears with the first error. `overlap_seconds`: each step is asked as an
    average over so much more; one scrape interval loses nothing, for a rate sees only what lies
    between its samples (a millisecond less is asked, so that Prometheus 2, whose windows have both
    ends, does not see one sample more). Raises InputError for an empty interval,
    EvidenceError where the SLO's queries give more than one series or other steps than were asked,
    and what the source raises.
    """
    first = math.ceil(start / step_seconds - 1e-9)
    last = math.floor(end / step_seconds + 1e-9)
    if step_seconds <= 0 or last <= first:
        raise InputError(f"no whole step of {step_seconds:g} s between {start:.0f} and {end:.0f}")
    count, begin = last - first, first * step_seconds
    span = (begin + step_seconds, last * step_seconds, step_seconds)
    window = step_seconds + max(0.0, overlap_seconds - _LESS_SECONDS)
    share = step_seconds / window
    total = _counts(source, total_events_query(slo, window), span, count) * share
    bad = _counts(source, bad_events_query(slo, window), span, count) * share
    if absent_bad_is_zero:
        bad = np.where(np.isnan(bad) & np.isfinite(total), 0.0, bad)
    return EventHistory(begin, step_seconds, np.minimum(bad, total), total)


def _counts(
    source: MetricsSource, promql: str, span: tuple[float, float, float], count: int
) -> Counts:
    found = np.full(count, np.nan)
    points = _points(source.query_range(promql, *span), promql)
    if points:
        at, values = np.array(points, dtype=np.float64).T
        found[_steps_of(at, span, count, source)] = np.maximum(values, 0.0)
    return found


def _steps_of(
    at: Counts, span: tuple[float, float, float], count: int, source: MetricsSource
) -> NDArray[np.int64]:
    """The step of each time, which must be one of those that were asked."""
    positions = (at - span[0]) / span[2]
    steps = np.rint(positions).astype(np.int64)
    wrong = (np.abs(positions - steps) > 0.01) | (steps < 0) | (steps >= count)
    if wrong.any():
        raise EvidenceError(
            f"{source.name} answered for {at[wrong][0]:.3f}, no step of {span[2]:g} s that was "
            "asked",
            hint="something between changes the step of queries; ask the server itself",
        )
    return steps


def _points(matrix: Matrix, promql: str) -> tuple[tuple[float, float], ...]:
    if len(matrix.series) > 1:
        raise EvidenceError(f"{promql} gives {len(matrix.series)} series", hint="wrap it in sum()")
    return matrix.series[0].points if matrix.series else ()
