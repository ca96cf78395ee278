"""How long a measured value has stayed inside a bound, up to now, with real data all the way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from holdfast.errors import EvidenceError
from holdfast.model.evidence import Evidence, Matrix, Outcome
from holdfast.model.hypothesis import Bound

MOST_STEPS_BETWEEN_POINTS = 2
"""One missing answer between two points is bridged; two in a row are a gap."""

LEAST_COVERAGE = 0.9
"""The fraction of steps that must carry data over the time that is claimed as held."""

LONGEST_ASKING_SECONDS = 5.0
"""Between the end of what was asked and the reading of its answer: that wait is no silence."""

_SLACK_STEPS = 0.01
"""Times are floats."""


Ending = Literal["outside", "silence", "beginning"]
OUTSIDE: Ending = "outside"
SILENCE: Ending = "silence"
BEGINNING: Ending = "beginning"


@dataclass(frozen=True)
class Run:
    """The unbroken stretch inside the bound that ends now.

    `ended_by` says what stands before it: a value outside, a gap or silence, or nothing (the
    watched time begins there). Times are Unix seconds; `last_*` are None where no data came.
    """

    held_seconds: float
    ended_by: Ending
    last_at: float | None
    last_value: float | None


@dataclass(frozen=True)
class _Point:
    at: float
    inside: bool
    value: float


def measure_run(evidence: Evidence, bound: Bound, *, since: float, now: float) -> Run:
    """Return the run up to `now`, reading nothing before `since` (both Unix seconds).

    Several series count as one: at each time all of them must be inside. NaN is no data. Where
    the evidence was asked for just before `now`, its window's end is what up to now means.
    Raises EvidenceError where data is no range matrix with a step.
    """
    step = _step(evidence)
    now = _asked_until(evidence, now)
    points = _points(evidence, bound, since, now)
    if not points:
        return Run(0.0, SILENCE, None, None)
    last = points[-1]
    widest = (MOST_STEPS_BETWEEN_POINTS + _SLACK_STEPS) * step
    if now - last.at > widest:
        return Run(0.0, SILENCE, last.at, last.value)
    tail = _tail(points, widest)
    if not tail:
        return Run(0.0, OUTSIDE, last.at, last.value)
    dense = _dense(tail, step)
    thinned = len(dense) < len(tail)
    return Run(
        held_seconds=last.at - dense[0].at,
        ended_by=SILENCE if thinned else _before(points, tail, since, widest),
        last_at=last.at,
        last_value=last.value,
    )


def _step(evidence: Evidence) -> float:
    if evidence.outcome is not Outcome.DATA:
        return 1.0
    if not isinstance(evidence.value, Matrix) or not evidence.step_seconds:
        raise EvidenceError(f"evidence {evidence.id} is no range matrix with a step")
    return evidence.step_seconds


def _asked_until(evidence: Evidence, now: float) -> float:
    if evidence.window is None:
        return now
    end = evidence.window.end.timestamp()
    return end if 0 <= now - end <= LONGEST_ASKING_SECONDS else now


def _points(evidence: Evidence, bound: Bound, since: float, now: float) -> list[_Point]:
    if evidence.outcome is not Outcome.DATA or not isinstance(evidence.value, Matrix):
        return []
    by_time: dict[float, list[float]] = {}
    for series in evidence.value.series:
        for at, value in series.points:
            if since <= at <= now and not math.isnan(value):
                by_time.setdefault(at, []).append(value)
    return [_worst(at, by_time[at], bound) for at in sorted(by_time)]


def _worst(at: float, values: list[float], bound: Bound) -> _Point:
    outside = [value for value in values if not bound.holds(value)]
    return _Point(at, not outside, (outside or values)[0])


def _tail(points: list[_Point], widest: float) -> list[_Point]:
    """Return the points at the end that are inside, without a gap between them."""
    tail: list[_Point] = []
    for point in reversed(points):
        if not point.inside or (tail and tail[-1].at - point.at > widest):
            break
        tail.append(point)
    return tail[::-1]


def _dense(tail: list[_Point], step: float) -> list[_Point]:
    """Return the longest end of the tail in which nearly every step has data."""
    last = tail[-1].at
    for index, point in enumerate(tail):
        steps = round((last - point.at) / step) + 1
        if len(tail) - index >= LEAST_COVERAGE * steps:
            return tail[index:]
    return tail[-1:]


def _before(points: list[_Point], tail: list[_Point], since: float, widest: float) -> Ending:
    """Return what stands before the tail."""
    index = len(points) - len(tail) - 1
    if index >= 0:
        return SILENCE if tail[0].at - points[index].at > widest else OUTSIDE
    watched_from_the_start = math.isinf(since) or tail[0].at - since <= widest
    return BEGINNING if watched_from_the_start else SILENCE
