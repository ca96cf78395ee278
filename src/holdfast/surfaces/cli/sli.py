"""Recent points of each objective, asked of the metrics source for the live view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from holdfast.evidence.source import MetricsSource
from holdfast.model.slo import SLO
from holdfast.slo.rules import ratio_query


@dataclass(frozen=True, slots=True)
class SliTrack:
    """One objective's recent past. `bad_fractions` are the oldest first; None = no data."""

    slo: str
    kind: Literal["availability", "latency"]
    allowed_fraction: float
    bad_fractions: tuple[float | None, ...]
    threshold_seconds: float | None = None

    @property
    def now(self) -> float | None:
        """The newest point."""
        return self.bad_fractions[-1] if self.bad_fractions else None


SliReader = Callable[[], tuple[SliTrack, ...]]
"""Returns the objectives' recent past. May ask a server; called outside of the drawing thread."""


def sli_reader(
    source: MetricsSource,
    slos: Sequence[SLO],
    *,
    now: Callable[[], float],
    points: int,
    step_seconds: float,
    window_seconds: float,
) -> SliReader:
    """Return a reader of the last `points` steps, each the bad fraction over the window before."""

    def read() -> tuple[SliTrack, ...]:
        end = now()
        start = end - (points - 1) * step_seconds
        return tuple(_track(source, slo, start, end, step_seconds, window_seconds) for slo in slos)

    return read


def _track(
    source: MetricsSource, slo: SLO, start: float, end: float, step: float, window_seconds: float
) -> SliTrack:
    answer = source.query_range(ratio_query(slo, window_seconds), start, end, step)
    by_step = {
        round((at - start) / step): value
        for series in answer.series[:1]  # a ratio of sums is one series
        for at, value in series.points
    }
    count = round((end - start) / step) + 1
    points = tuple(by_step.get(place) for place in range(count))
    return SliTrack(slo.name, slo.kind, slo.error_budget_fraction, points, slo.threshold_seconds)
