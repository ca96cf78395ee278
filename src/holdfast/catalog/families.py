"""The metrics by which common exporters and OpenTelemetry tell of requests: names, labels, units.

Order is preference. Edges and meshes come first: they see the time that a request waits before
the service's own code, which its own histogram does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from holdfast.model.service import Signal

SERVICE_LABELS = (
    "service_name",
    "service",
    "app",
    "application",
    "app_name",
    "app_kubernetes_io_name",
    "exported_service",
    "exported_job",
    "job",
)
"""Tried in this order; the first that all series of a family have names the service."""

VERSION_LABELS = (
    "service_version",
    "version",
    "app_version",
    "destination_version",
    "app_kubernetes_io_version",
    "release",
    "image_tag",
)

STATUS_LABELS = (
    "http_response_status_code",
    "http_status_code",
    "status_code",
    "response_code",
    "status",
    "code",
    "envoy_response_code_class",
    "envoy_response_code",
    "http_status",
    "statusCode",
    "grpc_code",
    "grpc_status",
    "rpc_grpc_status_code",
    "rpc_response_status_code",
    "classification",
    "outcome",
)

SEGMENT_LABELS: dict[str, tuple[str, ...]] = {
    "endpoint": (
        "http_route",
        "route",
        "uri",
        "handler",
        "endpoint",
        "view",
        "path",
        "url_path",
        "rpc_method",
        "grpc_method",
    ),
    "tenant": ("tenant", "tenant_id", "tenant_name", "customer", "customer_id", "organization"),
    "region": ("region", "cloud_region", "zone", "availability_zone", "cloud_availability_zone"),
    "version": VERSION_LABELS,
}
"""What a service's requests are told apart by: the first label of each that has values."""

_GRPC_FAILURES = "Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"
ERROR_MATCHERS: dict[str, str] = {
    "envoy_response_code_class": '="5"',
    "grpc_code": f'=~"{_GRPC_FAILURES}"',  # a server's failures, as OpenTelemetry counts them
    "grpc_status": f'=~"{_GRPC_FAILURES}"',
    "rpc_grpc_status_code": '=~"2|4|12|13|14|15"',  # the same, by number
    "rpc_response_status_code": '=~"UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE'
    '|DATA_LOSS"',
    "classification": '="failure"',
    "outcome": '="SERVER_ERROR"',
}
"""How a status label says that the service failed; 500 … 599 or 5xx where not named here."""

DEFAULT_ERROR_MATCHER = '=~"5.."'


@dataclass(frozen=True)
class RequestFamily:
    """One way to count requests. `seconds_per_unit` is 0.001 where durations are in ms."""

    metric: str
    kind: Literal["histogram", "counter"]
    origin: str
    service_labels: tuple[str, ...] = ()
    seconds_per_unit: float = 1.0
    only: str = ""
    """A matcher that keeps one of several points of view."""

    @property
    def counter(self) -> str:
        """The name of the series that counts requests."""
        return f"{self.metric}_count" if self.kind == "histogram" else self.metric


_ISTIO = ("destination_canonical_service", "destination_service_name", "destination_workload")
_SERVER_SIDE = 'reporter="destination"'
_LINKERD = ("deployment", "statefulset", "daemonset")
_INBOUND = 'direction="inbound"'

FAMILIES: tuple[RequestFamily, ...] = (
    RequestFamily(
        "istio_request_duration_milliseconds", "histogram", "Istio", _ISTIO, 0.001, _SERVER_SIDE
    ),
    RequestFamily("istio_requests_total", "counter", "Istio", _ISTIO, only=_SERVER_SIDE),
    RequestFamily(
        "envoy_cluster_upstream_rq_time", "histogram", "Envoy", ("envoy_cluster_name",), 0.001
    ),
    RequestFamily("envoy_cluster_upstream_rq_xx", "counter", "Envoy", ("envoy_cluster_name",)),
    RequestFamily("envoy_cluster_upstream_rq", "counter", "Envoy", ("envoy_cluster_name",)),
    RequestFamily("response_latency_ms", "histogram", "Linkerd", _LINKERD, 0.001, _INBOUND),
    RequestFamily("response_total", "counter", "Linkerd", _LINKERD, only=_INBOUND),
    RequestFamily(
        "nginx_ingress_controller_request_duration_seconds",
        "histogram",
        "ingress-nginx",
        ("exported_service", "service", "ingress"),
    ),
    RequestFamily(
        "nginx_ingress_controller_requests",
        "counter",
        "ingress-nginx",
        ("exported_service", "service", "ingress"),
    ),
    RequestFamily("traefik_service_request_duration_seconds", "histogram", "Traefik"),
    RequestFamily("traefik_service_requests_total", "counter", "Traefik"),
    RequestFamily("haproxy_backend_http_responses_total", "counter", "HAProxy", ("proxy",)),
    RequestFamily("nginx_vts_server_requests_total", "counter", "nginx (vts)", ("host",)),
    RequestFamily("http_server_request_duration_seconds", "histogram", "OpenTelemetry HTTP server"),
    RequestFamily(
        "http_server_duration_milliseconds",
        "histogram",
        "OpenTelemetry HTTP server, before its stable names",
        seconds_per_unit=0.001,
    ),
    RequestFamily(
        "http_server_request_duration",
        "histogram",
        "OpenTelemetry HTTP server, without a unit in the name",
    ),
    RequestFamily(
        "http_server_duration",
        "histogram",
        "OpenTelemetry HTTP server, before its stable names, without a unit in the name",
        seconds_per_unit=0.001,
    ),
    RequestFamily(
        "http_server_duration_seconds",
        "histogram",
        "OpenTelemetry HTTP server, before its stable names",
    ),
    RequestFamily("rpc_server_call_duration_seconds", "histogram", "OpenTelemetry RPC server"),
    RequestFamily(
        "rpc_server_duration_milliseconds",
        "histogram",
        "OpenTelemetry RPC server",
        seconds_per_unit=0.001,
    ),
    RequestFamily("http_server_requests_seconds", "histogram", "Spring Boot (Micrometer)"),
    RequestFamily("http_request_duration_seconds", "histogram", "a common HTTP exporter"),
    RequestFamily(
        "http_request_duration_milliseconds", "histogram", "a common HTTP exporter", (), 0.001
    ),
    RequestFamily("http_requests_total", "counter", "a common HTTP exporter"),
    RequestFamily("http_request_total", "counter", "a common HTTP exporter"),
    RequestFamily("http_requests_received_total", "counter", "ASP.NET (prometheus-net)"),
    RequestFamily("flask_http_request_duration_seconds", "histogram", "Flask"),
    RequestFamily("flask_http_request_total", "counter", "Flask"),
    RequestFamily("starlette_request_duration_seconds", "histogram", "Starlette", ("app_name",)),
    RequestFamily("starlette_requests_total", "counter", "Starlette", ("app_name",)),
    RequestFamily(
        "django_http_requests_latency_including_middlewares_seconds", "histogram", "Django"
    ),
    RequestFamily("django_http_responses_total_by_status_total", "counter", "Django"),
    RequestFamily("django_http_requests_latency_seconds_by_view_method", "histogram", "Django"),
    RequestFamily("gin_request_duration_seconds", "histogram", "Gin"),
    RequestFamily("gin_requests_total", "counter", "Gin"),
    RequestFamily("fastapi_requests_duration_seconds", "histogram", "FastAPI"),
    RequestFamily("fastapi_requests_total", "counter", "FastAPI"),
    RequestFamily("caddy_http_request_duration_seconds", "histogram", "Caddy"),
    RequestFamily("kong_http_requests_total", "counter", "Kong"),
    RequestFamily("grpc_server_handled_total", "counter", "gRPC"),
    RequestFamily("grpc_server_handling_seconds", "histogram", "gRPC"),
    RequestFamily("nginx_http_requests_total", "counter", "nginx (prometheus exporter)"),
)


@dataclass(frozen=True)
class SideMetric:
    """A signal beside requests.

    In `template`, `<matchers>` stands for the service's label matchers and `<requests>` for the
    rate of its requests.
    """

    signal: Signal
    needs: tuple[str, ...]
    """Metric names; the first one's labels say whose it is."""
    origin: str
    template: str


def _per_request(counter: str) -> str:
    return f"sum by ($by) (rate({counter}{{<matchers>}}[$window])) / <requests>"


def _mean(metric: str) -> str:
    return (
        f"sum by ($by) (rate({metric}_sum{{<matchers>}}[$window]))"
        f" / sum by ($by) (rate({metric}_count{{<matchers>}}[$window]))"
    )


def _share(used: str, most: str) -> str:
    return (
        f"sum by ($by) (avg_over_time({used}[$window]))"
        f" / sum by ($by) (avg_over_time({most}{{<matchers>}}[$window]))"
    )


def _total(gauge: str) -> str:
    return f"sum by ($by) (avg_over_time({gauge}{{<matchers>}}[$window]))"


_OTEL_DB = "db_client_operation_duration_seconds"

SIDE_METRICS: tuple[SideMetric, ...] = (
    SideMetric(
        Signal.STATEMENTS_PER_REQUEST,
        (f"{_OTEL_DB}_count",),
        "OpenTelemetry database client",
        _per_request(f"{_OTEL_DB}_count"),
    ),
    SideMetric(
        Signal.STATEMENTS_PER_REQUEST,
        ("django_db_execute_total",),
        "Django",
        _per_request("django_db_execute_total"),
    ),
    SideMetric(
        Signal.STATEMENTS_PER_REQUEST,
        ("hibernate_query_executions_total",),
        "Hibernate (Micrometer)",
        _per_request("hibernate_query_executions_total"),
    ),
    SideMetric(
        Signal.SECONDS_PER_STATEMENT,
        (f"{_OTEL_DB}_count", f"{_OTEL_DB}_sum"),
        "OpenTelemetry database client",
        _mean(_OTEL_DB),
    ),
    SideMetric(
        Signal.CPU_SECONDS_PER_REQUEST,
        ("process_cpu_seconds_total",),
        "a Prometheus client library",
        _per_request("process_cpu_seconds_total"),
    ),
    SideMetric(
        Signal.POOL_UTILIZATION,
        ("db_client_connection_max", "db_client_connection_count"),
        "OpenTelemetry database client",
        _share(
            'db_client_connection_count{<matchers>,db_client_connection_state="used"}',
            "db_client_connection_max",
        ),
    ),
    SideMetric(
        Signal.POOL_UTILIZATION,
        ("hikaricp_connections_max", "hikaricp_connections_active"),
        "HikariCP",
        _share("hikaricp_connections_active{<matchers>}", "hikaricp_connections_max"),
    ),
    SideMetric(
        Signal.POOL_UTILIZATION,
        ("go_sql_max_open_connections", "go_sql_in_use_connections"),
        "Go database/sql",
        _share("go_sql_in_use_connections{<matchers>}", "go_sql_max_open_connections"),
    ),
    SideMetric(
        Signal.MEMORY_BYTES,
        ("process_resident_memory_bytes",),
        "a Prometheus client library",
        _total("process_resident_memory_bytes"),
    ),
    SideMetric(
        Signal.INFLIGHT_REQUESTS,
        ("http_server_active_requests",),
        "OpenTelemetry HTTP server",
        _total("http_server_active_requests"),
    ),
    SideMetric(
        Signal.INFLIGHT_REQUESTS,
        ("http_requests_in_progress",),
        "a common HTTP exporter",
        _total("http_requests_in_progress"),
    ),
    SideMetric(
        Signal.INFLIGHT_REQUESTS,
        ("http_requests_inprogress",),
        "a common HTTP exporter",
        _total("http_requests_inprogress"),
    ),
)

CALL_GRAPHS: tuple[tuple[str, str, str], ...] = (
    ("traces_service_graph_request_total", "client", "server"),
    ("istio_requests_total", "source_canonical_service", "destination_canonical_service"),
)
"""Metrics that tell who calls whom: name, the caller's label, the called one's."""
