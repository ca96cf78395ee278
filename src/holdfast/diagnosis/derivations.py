"""Derivations that diagnosis adds to those of evidence/derive.py: shares of an excess, code shapes.

Levels are instant vectors of one sample: mean latency in seconds, or a ratio of bad requests.
Inputs come by fours, one four a service: level now and before, requests per second now and before.

A service's excess = requests per second x (level now - level before): seconds of waiting, or bad
requests, added each second. Its own excess is what its callees' excess does not explain. A service
counts with the requests that the symptom's service would ask of it as before, where that is more
than it is asked now: a callee that hangs is asked less and less, and its callers fill up meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from holdfast.diagnosis.code import NoPython, read_diff
from holdfast.errors import EvidenceError
from holdfast.evidence.derive import (
    Parameters,
    column_max,
    derivation,
    derivation_over_gaps,
    difference,
    value,
)
from holdfast.model.evidence import Evidence, Matrix, Outcome, Text, Vector

LIKE_TRAFFIC = 0.75
"""This part of the traffic of now is traffic like now."""

MATERIAL_RISE = 1.1
"""Where the symptom's own level has not risen by this factor there is no excess to share out."""


@derivation_over_gaps
def own_excess_share(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return (excess of a service - excess of its callees) / excess of the symptom's service.

    The first four inputs are the symptom's service, the next four the service in question,
    then its callees. None where one is not measured, or where the symptom shows no excess.
    """
    del parameters
    fours = _fours(inputs)
    growth = _growth(fours[0])
    target, *services = [_excess(four, growth) for four in fours]
    if target is None or target <= 0 or None in services or not _has_risen(fours[0]):
        return None
    own, *callees = [excess for excess in services if excess is not None]
    return (own - sum(max(excess, 0.0) for excess in callees)) / target


@derivation_over_gaps
def largest_own_share(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the largest own share among all services, where the excess is the sum of own ones.

    `services` = names in the inputs' order, joined by commas, the symptom's service first; `calls`
    = `caller>callee,…`. With `count`, that of so many services together. A service without
    measurements makes the answer None.
    """
    names = str(parameters.get("services")).split(",")
    fours = _fours(inputs)
    growth = _growth(fours[0])
    excess = {name: _excess(four, growth) for name, four in zip(names, fours, strict=True)}
    measured = {name: found for name, found in excess.items() if found is not None}
    if len(measured) < len(names):
        return None
    own = _own(measured, str(parameters.get("calls") or ""))
    added = sum(own.values())
    largest = sorted(own.values())[-int(parameters.get("count") or 1) :]
    return sum(largest) / added if added > 0 else None


@derivation
def products_ratio(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return sum(a x b) now over sum(a x b) before; inputs by fours: a, b now, a, b before."""
    del parameters
    now = before = 0.0
    for four in _fours(inputs):
        found = [value([item], {}) for item in four]
        if len(found) < 4 or None in found:
            return None
        a, b, a_before, b_before = (f for f in found if f is not None)
        now, before = now + a * b, before + a_before * b_before
    return now / before if before > 0 else None


@derivation
def differences_ratio(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return (a now - a before) / (b now - b before); None where b has not risen.

    Inputs: a now, a before, b now, b before. With `label`, the samples `equals` are taken now, and
    those `base` before.
    """
    a, b = difference(inputs[:2], parameters), difference(inputs[2:4], parameters)
    return a / b if a is not None and b is not None and b > 0 else None


@derivation
def ratio_under_like_traffic(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return level then over level before, where the traffic then was nearly that of now.

    Inputs: level then, level before, requests per second then, and now. `label` and `equals` pick
    the samples, `base` that of the level before. A level of nothing (no bad request) over one of
    nothing is 1: as before. None with less traffic then: what only a load brings out is not seen.
    """
    then, now = (value([item], parameters) for item in inputs[2:4])
    if then is None or now is None or then < LIKE_TRAFFIC * now:
        return None
    levels = [
        value([inputs[0]], parameters),
        value([inputs[1]], {**parameters, "equals": parameters.get("base")}),
    ]
    if None in levels:
        return None
    first, base = (found or 0.0 for found in levels)
    return 1.0 if first == base else first / base if base > 0 else None


@derivation
def largest_over_others(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the largest sample over the median of the others, of three or more."""
    del parameters
    item = inputs[0]
    if not isinstance(item.value, Vector):
        raise EvidenceError(f"evidence {item.id} is no instant vector")
    levels = sorted(sample.value for sample in item.value.samples)
    if len(levels) < 3:
        raise EvidenceError(f"told apart: {len(levels)}, and at least 3 are needed")
    others = levels[:-1]
    median = others[(len(others) - 1) // 2]
    return levels[-1] / median if median > 0 else None


@derivation
def column_max_ratio(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the largest of `column` in rows `key` over the largest in rows `base`."""
    top = column_max(inputs, parameters)
    base = column_max(inputs, {**parameters, "key": parameters.get("base")})
    return None if top is None or not base else top / base


@derivation
def half_rise_time(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return when the latest rise was half way up: a date that noise before it does not move.

    Half way = between the median up to `healthy_to` (Unix seconds) and the highest level that two
    points in a row reach. The answer is the first of the points at or above it that lead up to the
    latest such level; one lower point between them does not end them. None without a rise of
    `smallest_rise`.
    """
    item = inputs[0]
    if not isinstance(item.value, Matrix):
        raise EvidenceError(f"evidence {item.id} is no range matrix")
    points = sorted(point for series in item.value.series for point in series.points)
    healthy_to = float(parameters.get("healthy_to") or 0.0)
    before = [level for at, level in points if at <= healthy_to]
    if not before or len(points) < 2:
        return None
    base = sorted(before)[(len(before) - 1) // 2]
    peak = max(min(a[1], b[1]) for a, b in pairwise(points))
    if peak - base < float(parameters.get("smallest_rise") or 0.0) or peak <= base:
        return None
    return _first_of_latest_run(points, (base + peak) / 2)


def _first_of_latest_run(points: Sequence[tuple[float, float]], half: float) -> float | None:
    """Return when the latest run of two or more points at or above `half` began."""
    ends = [i for i in range(1, len(points)) if min(points[i - 1][1], points[i][1]) >= half]
    if not ends:
        return None
    first = ends[-1] - 1
    while first > 0 and max(points[first - 1][1], points[max(first - 2, 0)][1]) >= half:
        first -= 1
    return points[first][0] if points[first][1] >= half else points[first + 1][0]


@derivation
def code_shapes(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return how many places of `shape` a unified diff adds; None where it holds no Python."""
    item = inputs[0]
    if not isinstance(item.value, Text):
        raise EvidenceError(f"evidence {item.id} is no text")
    try:
        found = read_diff(item.value.text)
    except NoPython:
        return None
    return float(sum(finding.shape == parameters.get("shape") for finding in found))


Four = Sequence[Evidence]
"""Level now, level before, requests per second now, and before."""


def _fours(inputs: Sequence[Evidence]) -> list[Four]:
    return [inputs[i : i + 4] for i in range(0, len(inputs), 4)]


def _growth(target: Four) -> float:
    """Return how much more often the symptom's service is asked now; 1 where that is unknown."""
    now, before = _one(target[2]), _one(target[3])
    return now / before if now is not None and before else 1.0


def _excess(four: Four, growth: float) -> float | None:
    level_now, level_before, rate_now, rate_before = (_one(item) for item in four)
    if rate_now == 0:
        return 0.0  # measured to be idle: nothing can wait for it
    if level_now is None or level_before is None or rate_now is None:
        return None
    return max(rate_now, (rate_before or 0.0) * growth) * (level_now - level_before)


def _has_risen(four: Four) -> bool:
    now, before = _one(four[0]), _one(four[1])
    return now is not None and before is not None and now > before * MATERIAL_RISE


def _one(item: Evidence) -> float | None:
    return value([item], {}) if item.outcome is Outcome.DATA else None


def _own(excess: Mapping[str, float], calls: str) -> dict[str, float]:
    own = {name: max(found, 0.0) for name, found in excess.items()}
    for edge in filter(None, calls.split(",")):
        caller, _, callee = edge.partition(">")
        own[caller] -= max(excess[callee], 0.0)
    return {name: max(found, 0.0) for name, found in own.items()}
