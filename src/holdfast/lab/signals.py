"""What can be asked of the lab's metrics, as PromQL templates with `$window` and `$by`."""

from __future__ import annotations

from holdfast.lab.topology import ServiceSpec
from holdfast.model.service import Signal


def signals(spec: ServiceSpec, *, server: bool = False) -> dict[Signal, str]:
    """Return a service's signals: the client's side from the edge, the rest from the service.

    `server` says that its database is a server, which counts statements too.
    """
    found = {**_at_the_edge(spec.name), **_of_the_process(spec.name)}
    if spec.database:
        found |= _of_the_database(spec.name)
    return {**found, **_of_the_server(spec)} if spec.database and server else found


def _rate(metric: str, service: str) -> str:
    return f'sum by ($by) (rate({metric}{{service_name="{service}"}}[$window]))'


def _average(metric: str, service: str) -> str:
    return f'sum by ($by) (avg_over_time({metric}{{service_name="{service}"}}[$window]))'


def _quantile(quantile: float, service: str) -> str:
    selector = f'edge_request_duration_seconds_bucket{{service_name="{service}"}}'
    return f"histogram_quantile({quantile}, sum by (le, $by) (rate({selector}[$window])))"


def _at_the_edge(service: str) -> dict[Signal, str]:
    settled = _rate("edge_requests_settled_total", service)
    slow = _rate("edge_requests_slow_total", service)
    failed, done = (
        _rate("edge_requests_failed_total", service),
        _rate("edge_requests_total", service),
    )
    seconds = _rate("edge_request_duration_seconds_sum", service)
    timed = _rate("edge_request_duration_seconds_count", service)
    return {
        Signal.REQUEST_RATE: settled,
        Signal.SLOW_RATIO: f"{slow} / {settled}",
        Signal.ERROR_RATIO: f"{failed} / {done}",
        Signal.LATENCY_P50: _quantile(0.5, service),
        Signal.LATENCY_P95: _quantile(0.95, service),
        Signal.LATENCY_MEAN: f"{seconds} / {timed}",
        Signal.INFLIGHT_REQUESTS: _average("edge_inflight_requests", service),
    }


def _of_the_process(service: str) -> dict[Signal, str]:
    cpu = _rate("process_cpu_seconds_total", service)
    served = _rate("http_server_request_duration_seconds_count", service)
    return {
        Signal.CPU_SECONDS_PER_REQUEST: f"{cpu} / {served}",
        Signal.MEMORY_BYTES: _average("process_resident_memory_bytes", service),
    }


def _of_the_database(service: str) -> dict[Signal, str]:
    statements = _rate("db_client_operation_duration_seconds_count", service)
    seconds = _rate("db_client_operation_duration_seconds_sum", service)
    served = _rate("http_server_request_duration_seconds_count", service)
    used = _average("db_client_connections_usage", service)
    most = _average("db_client_connections_max", service)
    return {
        Signal.STATEMENTS_PER_REQUEST: f"{statements} / {served}",
        Signal.SECONDS_PER_STATEMENT: f"{seconds} / {statements}",
        Signal.POOL_UTILIZATION: f"{used} / {most}",
    }


def _of_the_server(spec: ServiceSpec) -> dict[Signal, str]:
    calls = f'pg_stat_statements_calls_total{{datname="{spec.module}"}}'
    served = _rate("http_server_request_duration_seconds_count", spec.name)
    return {
        Signal.DATABASE_STATEMENTS_PER_REQUEST: f"sum by ($by) (rate({calls}[$window])) / {served}"
    }
