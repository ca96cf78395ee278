"""A metrics source over the embedded recorder: recorded series and the embedded evaluator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import PromQLError, QueryRefused
from holdfast.model.evidence import Matrix, Series, Vector
from holdfast.promql.engine import Engine
from holdfast.promql.parse import parse
from holdfast.promql.store import RecordedSamples
from holdfast.promql.tree import Selector

SILENT_AFTER_INTERVALS = 5
"""After this long without a scrape nothing is known: whatever is asked, the answer is empty."""


class RecorderSource:
    """Implements MetricsSource on a recorder's folder. Safe for several threads.

    Raises SourceUnavailable where the folder has no store. Where the recorder was silent for more
    than five intervals at the time asked for, the answer is empty, constants and `absent()`
    included: a source that goes silent is no data, never health.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._samples = RecordedSamples(folder)
        self._engines: dict[float, Engine] = {}

    @property
    def name(self) -> str:
        """`recorder` and the folder."""
        return f"recorder {self._folder}"

    def query(self, promql: str, at: float) -> Vector:
        """Return the value at an instant. NaN samples are kept out: they carry no data."""
        answer = self._evaluator().instant(promql, at)
        return answer if self._heard(np.array([at]))[0] else Vector(samples=())

    def query_range(self, promql: str, start: float, end: float, step_seconds: float) -> Matrix:
        """Return values at start, start+step … end (end included)."""
        if end < start or step_seconds <= 0:
            raise QueryRefused(f"no range from {start:g} to {end:g} by {step_seconds:g} s")
        answer = self._evaluator().range(promql, start, end, step_seconds)
        kept = (self._known(one) for one in answer.series)
        return Matrix(series=tuple(s for s in kept if s.points), warnings=answer.warnings)

    def series(self, match: str, start: float, end: float) -> tuple[dict[str, str], ...]:
        """Return the label sets (with `__name__`) of the series that match a selector."""
        selector = parse(match)
        if not isinstance(selector, Selector):
            raise PromQLError(f"{match!r} is no series selector", hint='for example up{job="shop"}')
        found = self._samples.select(selector.matchers, round(start * 1000), round(end * 1000))
        return tuple(dict(series.labels) for series in found)

    def metric_names(self) -> tuple[str, ...]:
        """Return all metric names, sorted."""
        return self._samples.metric_names()

    def newest_scrape(self, before: float) -> float | None:
        """Return when the newest scrape at or before a Unix time was; None = there is none."""
        newest_ms = int(self._samples.newest_scrapes_ms(np.array([round(before * 1000)]))[0])
        return newest_ms / 1000 if newest_ms >= 0 else None

    def close(self) -> None:
        """Release the store's file and memory."""
        self._samples.close()

    def _evaluator(self) -> Engine:
        """Return the evaluator; its lookback ends when the recorder counts as silent."""
        seconds = self._silent_after_seconds()
        if seconds not in self._engines:
            self._engines[seconds] = Engine(self._samples, lookback_seconds=seconds)
        return self._engines[seconds]

    def _silent_after_seconds(self) -> float:
        return SILENT_AFTER_INTERVALS * self._samples.interval_seconds

    def _heard(self, at: NDArray[np.float64]) -> list[bool]:
        """Return, for each time, whether the recorder was scraping then."""
        at_ms = np.round(at * 1000).astype(np.int64)
        newest_ms = self._samples.newest_scrapes_ms(at_ms)
        silent_after_ms = self._silent_after_seconds() * 1000
        return ((newest_ms >= 0) & (at_ms - newest_ms <= silent_after_ms)).tolist()

    def _known(self, series: Series) -> Series:
        """Return a series without the points at which the recorder was silent."""
        heard = self._heard(np.array([at for at, _ in series.points]))
        if all(heard):
            return series
        points = (point for point, known in zip(series.points, heard, strict=True) if known)
        return Series(labels=series.labels, points=tuple(points))
