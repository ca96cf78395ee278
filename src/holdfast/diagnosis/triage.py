"""Triage's pure helpers: since when, which services are in question, what changed recently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from holdfast.diagnosis.graph import reachable, uncatalogued
from holdfast.model.change import Change
from holdfast.model.evidence import Evidence, Matrix
from holdfast.model.service import Service

Point = tuple[float, float]
"""(Unix seconds, ratio of bad events)."""

_SUSTAINED = 3
"""Points in a row that make a departure; as many quiet ones end it."""
_STEADY = _SUSTAINED + 2
"""Points in a row beyond the budget that any departure is found in."""
_LEAST_HEALTHY = 8
"""Points before an onset that carry a comparison: with fewer, a start-up passes for health."""
_ENOUGH = 6
"""Points of healthy time that are worth more than a longer time with a departure in it."""
_DEVIATIONS = 5.0
_TO_SIGMA = 1.4826
"""The median absolute deviation of a normal distribution times this is its sigma."""
_SMALLEST_DEVIATION = 0.005
"""Half a percentage point of bad events: below it, no departure is worth a name."""


@dataclass(frozen=True)
class Onset:
    """When a symptom began, and the healthy time before it. Unix seconds.

    `healthy` None = too little was measured before the onset to compare with.
    """

    at: float
    healthy: tuple[float, float] | None


def find_onset(
    points: Sequence[Point], *, budget_fraction: float, comparison_seconds: float
) -> Onset | None:
    """Return where the latest sustained departure from health began; None where there is none.

    A departure is at least three points in a row above the error budget fraction and above the
    healthy median by five deviations (median absolute deviation). Its onset is walked back to
    where the ratio first left the healthy band. The baseline is taken from the lower half of all
    points first, then from those before the departure (and then also their 95th percentile: bursts
    are part of some systems' health), so that a late alarm, with more bad time than good, does not
    hide it. `points` ascend in time; `comparison_seconds` limits the healthy window, whose end
    keeps a distance from the onset. An earlier departure is no part of it, where enough is left.
    """
    rough = sorted(value for _, value in points)[: max(len(points) // 2, 1)]
    begin = _latest_run(points, _band(rough, budget_fraction))
    if begin is None:
        return None
    before = [value for _, value in points[:begin]]
    if len(before) >= _SUSTAINED:
        again = _latest_run(points, max(_band(before, budget_fraction), _quantile(before, 0.95)))
        begin = begin if again is None else again
    begin = _walk_back(points, begin)
    band = _usual_band([value for _, value in points[:begin]], budget_fraction)
    return Onset(points[begin][0], _healthy(points, begin, comparison_seconds, band))


def is_young(points: Sequence[Point], *, budget_fraction: float) -> bool:
    """Whether what an alert fires on may be too young to be dated: it is not steady yet."""
    return not all(value > budget_fraction for _, value in points[-_STEADY:])


def patience_seconds(step_seconds: float) -> float:
    """Return how long to wait for an onset that cannot be dated yet."""
    return _STEADY * step_seconds


def points_of(evidence: Evidence) -> list[Point]:
    """Return the points of a range query's answer, all series joined; empty without data."""
    if not isinstance(evidence.value, Matrix):
        return []
    return sorted(point for series in evidence.value.series for point in series.points)


def services_in_question(service: str, services: Mapping[str, Service]) -> tuple[str, ...]:
    """Return the service and all that it calls, directly or not, nearest first."""
    return reachable(service, services) or (service,)


def blind_spots(service: str, services: Mapping[str, Service]) -> tuple[str, ...]:
    """Return the names that are called and not in the catalog."""
    return uncatalogued(service, services)


def recent_changes(
    changes: Iterable[Change],
    services: Sequence[str],
    *,
    onset: float | None,
    now: float,
    lookback_seconds: float,
) -> tuple[Change, ...]:
    """Return the changes to these services not long before the onset (or now), oldest first.

    Changes after the onset are kept: that they came too late is shown, not assumed.
    """
    earliest = (now if onset is None else onset) - lookback_seconds
    kept = [c for c in changes if c.service in services and earliest <= c.at.timestamp() <= now]
    return tuple(sorted(kept, key=lambda change: (change.at, change.id)))


def as_time(unix_seconds: float) -> datetime:
    """Return the time in UTC."""
    return datetime.fromtimestamp(unix_seconds, UTC)


def _latest_run(points: Sequence[Point], threshold: float) -> int | None:
    """Return where the latest sustained run above the threshold begins.

    Fewer quiet points in a row than make a departure do not end it.
    """
    begin: int | None = None
    high = quiet = 0
    latest: int | None = None
    for i, (_, value) in enumerate(points):
        if value > threshold:
            begin = i if begin is None else begin
            high, quiet = high + 1, 0
        else:
            high, quiet = 0, quiet + 1
        if high >= _SUSTAINED:
            latest = begin
        if quiet >= _SUSTAINED:
            begin = None
    return latest


def _band(values: Sequence[float], floor: float) -> float:
    """Return the upper end of the healthy band."""
    middle, deviation = _median(values), 0.0
    if values:
        deviation = _median([abs(value - middle) for value in values]) * _TO_SIGMA
    return max(floor, middle + _DEVIATIONS * max(deviation, _SMALLEST_DEVIATION))


def _usual_band(values: Sequence[float], floor: float) -> float:
    """Return the band of the lower half where an earlier departure fills most of the time."""
    usual = values if _median(values) <= floor else sorted(values)[: len(values) // 2]
    return _band(usual, floor)


def _walk_back(points: Sequence[Point], begin: int) -> int:
    """Go back while the ratio is still rising out of the healthy band."""
    before = [value for _, value in points[:begin]]
    quiet = max(_median(before) + _SMALLEST_DEVIATION, _quantile(before, 0.9))
    while begin > 0 and points[begin - 1][1] > quiet:
        if points[begin - 1][1] > points[begin][1]:
            break
        begin -= 1
    return begin


def _healthy(
    points: Sequence[Point], begin: int, comparison_seconds: float, band: float
) -> tuple[float, float] | None:
    """Return the time before the onset, back to an earlier departure where there was one."""
    end = begin - 2
    if end < _LEAST_HEALTHY - 1:
        return None
    first = _end_of_earlier_departure(points[:begin], band)
    first = first if end - first >= _ENOUGH else 0
    start = max(points[first][0], points[end][0] - comparison_seconds)
    return start, points[end][0]


def _end_of_earlier_departure(points: Sequence[Point], threshold: float) -> int:
    """Return where the time behind the latest sustained run above the threshold begins."""
    high = 0
    for i in range(len(points) - 1, -1, -1):
        high = high + 1 if points[i][1] > threshold else 0
        if high == _SUSTAINED:
            return i + _SUSTAINED
    return 0


def _quantile(values: Sequence[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2] if ordered else 0.0
