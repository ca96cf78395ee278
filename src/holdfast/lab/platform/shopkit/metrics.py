"""Metrics by OpenTelemetry's names in Prometheus's form, labelled with service and version."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from .settings import settings

REQUEST_BUCKETS = (
    *(0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3),
    *(0.35, 0.4, 0.45, 0.5, 0.6, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0),
)
STATEMENT_BUCKETS = (0.001, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0)

_registry = CollectorRegistry()
ProcessCollector(registry=_registry)

requests = Histogram(
    "http_server_request_duration_seconds",
    "Duration of requests served, as seen inside the service.",
    ("http_request_method", "http_route", "http_response_status_code"),
    buckets=REQUEST_BUCKETS,
    registry=_registry,
)


def statement_histogram() -> Histogram:
    """Make the histogram of database statements: count = statements, sum = seconds."""
    return Histogram(
        "db_client_operation_duration_seconds",
        "Duration of database statements, round trip included.",
        buckets=STATEMENT_BUCKETS,
        registry=_registry,
    )


class PoolCollector(Collector):
    """The state of a connection pool, read when scraped."""

    def __init__(self, used: Callable[[], int], maximum: int) -> None:
        self._used, self._maximum = used, maximum

    def collect(self) -> Iterator[Metric]:
        """Yield connections in use and the most there can be."""
        usage = GaugeMetricFamily("db_client_connections_usage", "Connections in use.")
        usage.add_metric([], self._used())
        yield usage
        most = GaugeMetricFamily("db_client_connections_max", "Connections at most.")
        most.add_metric([], self._maximum)
        yield most


def watch_pool(used: Callable[[], int], maximum: int) -> None:
    """Expose a connection pool."""
    _registry.register(PoolCollector(used, maximum))


class _Labelled(CollectorRegistry):
    """Adds the service's name and version to every sample of the registry that it reads."""

    def collect(self) -> Iterator[Metric]:
        own = {"service_name": settings().service, "service_version": settings().version}
        for family in _registry.collect():
            family.samples = [s._replace(labels={**own, **s.labels}) for s in family.samples]
            yield family


def exposition() -> bytes:
    """Return all metrics in Prometheus's text format."""
    return generate_latest(_Labelled())
