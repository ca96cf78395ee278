"""The threshold of a rule: above what was healthy, below what the incident showed. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from holdfast.model.evidence import Evidence, Matrix

MOST_MARGIN = 2.0
"""A healthy level may double, where the incident leaves that much room."""

LEAST_RISE = 1.5
"""An incident that showed less than this times the healthy maximum is not told apart from it."""

LEAST_EVALUATIONS = 8
"""Of the healthy window: fewer say nothing of what is usual."""


@dataclass(frozen=True)
class Threshold:
    """`value`, and how it follows: the healthy maximum x margin; `shown` = the incident's median.

    `margin` is None where the healthy maximum was 0: the threshold is then half of what was shown.
    """

    value: float
    healthy_max: float
    margin: float | None
    shown: float

    @property
    def words(self) -> str:
        """How it follows, for people."""
        how = (
            "half of the incident's median"
            if self.margin is None
            else (f"the healthy maximum of {self.healthy_max:.3g} times {self.margin:.3g}")
        )
        return f"{how}; the incident's median was {self.shown:.3g}"


def threshold(
    healthy: Evidence, incident: Evidence, version: tuple[str, str] | None
) -> Threshold | str:
    """Return the threshold that follows from a level in both stretches, or why there is none.

    `version` = (label, version) whose series show the incident; None, or where it is not in the
    answer: the highest series at each time does. The margin is 2, or the geometric middle of the
    healthy maximum and the incident's median where that is less.
    """
    usual = [value for points in _series(healthy, None) for _, value in points]
    if len(usual) < LEAST_EVALUATIONS:
        return f"{len(usual)} values of healthy time were recorded; {LEAST_EVALUATIONS} are needed"
    shown = _median(_highest(_series(incident, version) or _series(incident, None)))
    if shown is None:
        return "nothing was recorded of it in the incident"
    most = max(usual)
    if most <= 0:
        return (
            Threshold(_rounded(shown / 2), most, None, shown) if shown > 0 else _same(shown, most)
        )
    if shown / most < LEAST_RISE:
        return _same(shown, most)
    margin = min(MOST_MARGIN, math.sqrt(shown / most))
    return Threshold(_rounded(most * margin), most, margin, shown)


def _same(shown: float, most: float) -> str:
    return (
        f"the incident's median of {shown:.3g} is not clearly above the healthy maximum of "
        f"{most:.3g}"
    )


def _series(
    item: Evidence, version: tuple[str, str] | None
) -> list[tuple[tuple[float, float], ...]]:
    """Return the finite points of each series, of one version where it is given."""
    series = item.value.series if isinstance(item.value, Matrix) else ()
    return [
        tuple((at, value) for at, value in one.points if math.isfinite(value))
        for one in series
        if version is None or one.labels.get(version[0]) == version[1]
    ]


def _highest(series: list[tuple[tuple[float, float], ...]]) -> list[float]:
    by_time: dict[float, float] = {}
    for points in series:
        for at, value in points:
            by_time[at] = max(value, by_time.get(at, value))
    return list(by_time.values())


def _median(values: list[float]) -> float | None:
    return sorted(values)[(len(values) - 1) // 2] if values else None


def _rounded(value: float) -> float:
    """Return three significant digits, rounded up: never below the healthy maximum."""
    if value <= 0:
        return value
    size = 10 ** (math.floor(math.log10(value)) - 2)
    return float(f"{math.ceil(value / size - 1e-9) * size:.12g}")
