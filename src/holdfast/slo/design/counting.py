"""A metrics source that counts what it is asked, and keeps what the source warned of."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from holdfast.evidence.source import MetricsSource
from holdfast.model.evidence import Matrix, Vector

AnswerT = TypeVar("AnswerT")

_RANGES_KEPT = 4


@dataclass(frozen=True)
class Asked:
    """How many questions, and how long the answers took in all."""

    queries: int
    seconds: float

    def since(self, before: Asked) -> Asked:
        """Return what was asked after `before`."""
        return Asked(self.queries - before.queries, self.seconds - before.seconds)


class CountingSource:
    """Implements MetricsSource by handing on to another one. Use it from one thread.

    The last few ranges are kept: indicators of one service often share their total.
    """

    def __init__(self, source: MetricsSource) -> None:
        self._source = source
        self._queries = 0
        self._seconds = 0.0
        self._warnings: dict[str, None] = {}
        self._ranges: dict[tuple[str, float, float, float], Matrix] = {}

    @property
    def name(self) -> str:
        """The other one's name."""
        return self._source.name

    @property
    def asked(self) -> Asked:
        """What was asked so far."""
        return Asked(self._queries, self._seconds)

    def take_warnings(self) -> tuple[str, ...]:
        """Return what the source warned of since the last time, each once."""
        found = tuple(self._warnings)
        self._warnings.clear()
        return found

    def query(self, promql: str, at: float) -> Vector:
        """See `MetricsSource.query`."""
        answer = self._timed(lambda: self._source.query(promql, at))
        self._warnings.update(dict.fromkeys(answer.warnings))
        return answer

    def query_range(self, promql: str, start: float, end: float, step_seconds: float) -> Matrix:
        """See `MetricsSource.query_range`."""
        key = (promql, start, end, step_seconds)
        if key not in self._ranges:
            if len(self._ranges) >= _RANGES_KEPT:
                self._ranges.pop(next(iter(self._ranges)))
            self._ranges[key] = self._timed(lambda: self._source.query_range(*key))
        answer = self._ranges[key]
        self._warnings.update(dict.fromkeys(answer.warnings))
        return answer

    def series(self, match: str, start: float, end: float) -> tuple[dict[str, str], ...]:
        """See `MetricsSource.series`."""
        return self._timed(lambda: self._source.series(match, start, end))

    def metric_names(self) -> tuple[str, ...]:
        """See `MetricsSource.metric_names`."""
        return self._timed(self._source.metric_names)

    def close(self) -> None:
        """See `MetricsSource.close`."""
        self._source.close()

    def _timed(self, ask: Callable[[], AnswerT]) -> AnswerT:
        began = time.perf_counter()
        try:
            return ask()
        finally:
            self._queries += 1
            self._seconds += time.perf_counter() - began
