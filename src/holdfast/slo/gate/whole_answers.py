"""Refuses answers that the source itself calls incomplete: a part of a budget is no budget."""

from __future__ import annotations

from holdfast.errors import SourceUnavailable
from holdfast.evidence.source import MetricsSource
from holdfast.model.evidence import Matrix, Vector


class WholeAnswers:
    """A metrics source whose warnings are failures."""

    def __init__(self, source: MetricsSource) -> None:
        self._source = source

    @property
    def name(self) -> str:
        """See `MetricsSource.name`."""
        return self._source.name

    def query(self, promql: str, at: float) -> Vector:
        """See `MetricsSource.query`; raises SourceUnavailable for an answer with warnings."""
        answer = self._source.query(promql, at)
        self._refuse(answer.warnings)
        return answer

    def query_range(self, promql: str, start: float, end: float, step_seconds: float) -> Matrix:
        """See `MetricsSource.query_range`; raises SourceUnavailable for one with warnings."""
        answer = self._source.query_range(promql, start, end, step_seconds)
        self._refuse(answer.warnings)
        return answer

    def series(self, match: str, start: float, end: float) -> tuple[dict[str, str], ...]:
        """See `MetricsSource.series`."""
        return self._source.series(match, start, end)

    def metric_names(self) -> tuple[str, ...]:
        """See `MetricsSource.metric_names`."""
        return self._source.metric_names()

    def close(self) -> None:
        """See `MetricsSource.close`."""
        self._source.close()

    def _refuse(self, warnings: tuple[str, ...]) -> None:
        if warnings:
            raise SourceUnavailable(
                f"{self.name} answered in part: {'; '.join(warnings)}",
                hint="ask again once all of its stores answer",
            )
