"""What discovery and the doctor ask of metrics: a part of the metrics seam, which implements it."""

from __future__ import annotations

from typing import Protocol

from holdfast.model.evidence import Vector


class MetricsReader(Protocol):
    """Times are Unix seconds. Raises SourceUnavailable, QueryRefused or PromQLError."""

    @property
    def name(self) -> str:
        """How evidence names the source."""
        ...

    def query(self, promql: str, at: float) -> Vector:
        """Return the value at an instant."""
        ...

    def metric_names(self) -> tuple[str, ...]:
        """Return all metric names, sorted."""
        ...
