"""The seam to metrics: a Prometheus-compatible server, or the embedded recorder."""

from __future__ import annotations

from typing import Protocol

from holdfast.model.evidence import Matrix, Vector


class MetricsSource(Protocol):
    """Answers PromQL. An empty answer is `no data`; failures raise, they are never empty.

    Times are Unix seconds. Raises SourceUnavailable, QueryRefused or PromQLError.
    """

    @property
    def name(self) -> str:
        """How evidence names it, for example `prometheus http://127.0.0.1:9090`."""
        ...

    def query(self, promql: str, at: float) -> Vector:
        """Return the value at an instant. NaN samples are kept out: they carry no data."""
        ...

    def query_range(self, promql: str, start: float, end: float, step_seconds: float) -> Matrix:
        """Return values at start, start+step … end (end included)."""
        ...

    def series(self, match: str, start: float, end: float) -> tuple[dict[str, str], ...]:
        """Return the label sets (with `__name__`) of the series that match a selector."""
        ...

    def metric_names(self) -> tuple[str, ...]:
        """Return all metric names, sorted."""
        ...

    def close(self) -> None:
        """Release connections and files. What is asked afterwards may fail."""
        ...
