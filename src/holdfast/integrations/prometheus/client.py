"""A metrics source behind the Prometheus HTTP API."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from holdfast.errors import QueryRefused
from holdfast.integrations.prometheus.answers import (
    NamesAnswer,
    QueryAnswer,
    SeriesAnswer,
    join,
    matrix,
    vector,
)
from holdfast.integrations.prometheus.session import Session
from holdfast.model.config import MetricsSettings
from holdfast.model.evidence import Matrix, Vector

POINTS_AT_MOST = 11_000
"""Per series and request (Prometheus, web/api/v1: "exceeded maximum resolution")."""

AnswerT = TypeVar("AnswerT", bound=BaseModel)


class PrometheusSource:
    """Implements MetricsSource. Safe for several threads. Close it, or use it with `with`.

    What the server warns of stands in the answer's `warnings`.
    """

    def __init__(self, settings: MetricsSettings) -> None:
        """Raises ConfigError where the settings cannot be used; nothing is asked yet."""
        self._session = Session(settings)
        self._timeout = f"{settings.timeout_seconds:g}s"

    @property
    def name(self) -> str:
        """`prometheus` and the base URL, without credentials."""
        return self._session.name

    def query(self, promql: str, at: float) -> Vector:
        """Return the value at an instant. NaN samples are kept out: they carry no data."""
        at_ms = round(at * 1000)
        fields = {"query": promql, "time": _seconds(at_ms), "timeout": self._timeout}
        return vector(self._read(QueryAnswer, "api/v1/query", fields), at_ms / 1000)

    def query_range(self, promql: str, start: float, end: float, step_seconds: float) -> Matrix:
        """Return values at start, start+step … end (end included).

        A range of more than 11,000 points is asked in parts, which are joined.
        """
        times = round(start * 1000), round(end * 1000), round(step_seconds * 1000)
        parts = [self._part(promql, *part) for part in split_range(*times)]
        return parts[0] if len(parts) == 1 else join(parts)

    def series(self, match: str, start: float, end: float) -> tuple[dict[str, str], ...]:
        """Return the label sets (with `__name__`) of the series that match a selector."""
        fields = {
            "match[]": match,
            "start": _seconds(round(start * 1000)),
            "end": _seconds(round(end * 1000)),
        }
        return self._read(SeriesAnswer, "api/v1/series", fields).data

    def metric_names(self) -> tuple[str, ...]:
        """Return all metric names, sorted."""
        body = self._session.get("api/v1/label/__name__/values")
        return tuple(sorted(self._parsed(NamesAnswer, body).data))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def __enter__(self) -> PrometheusSource:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _part(self, promql: str, start_ms: int, end_ms: int, step_ms: int) -> Matrix:
        fields = {
            "query": promql,
            "start": _seconds(start_ms),
            "end": _seconds(end_ms),
            "step": _seconds(step_ms),
            "timeout": self._timeout,
        }
        return matrix(self._read(QueryAnswer, "api/v1/query_range", fields))

    def _read(self, kind: type[AnswerT], path: str, fields: dict[str, str]) -> AnswerT:
        return self._parsed(kind, self._session.ask(path, fields))

    def _parsed(self, kind: type[AnswerT], body: bytes) -> AnswerT:
        try:
            return kind.model_validate_json(body)
        except ValidationError:
            raise QueryRefused(
                f"{self.name} did not answer as the Prometheus API does",
                hint="is metrics.url the address of the API, with its path prefix?",
            ) from None


def split_range(start_ms: int, end_ms: int, step_ms: int) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, step) of the parts, each of 11,000 points at most, on one grid."""
    if step_ms <= 0 or end_ms < start_ms:
        raise QueryRefused(
            f"no range from {_seconds(start_ms)} to {_seconds(end_ms)} by {step_ms / 1000:g} s",
            hint="the end must not be before the start, and the step at least 0.001 s",
        )
    per_part_ms = POINTS_AT_MOST * step_ms
    for part_start in range(start_ms, end_ms + 1, per_part_ms):
        yield part_start, min(part_start + per_part_ms - step_ms, end_ms), step_ms


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"
