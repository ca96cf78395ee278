"""Common exporters' metrics are found by their names, in their units."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from holdfast.errors import InputError, NotFound, PromQLUnsupported
from holdfast.evidence.recorded import RecorderSource
from holdfast.evidence.source import MetricsSource
from holdfast.model.evidence import Matrix, Sample, Vector
from holdfast.slo.design.design import design_reliability_architecture
from holdfast.slo.design.records import Architecture
from support.histories import END, Counter, ServicePast

SCRAPES = 120
TIMES = END - 15.0 * np.arange(SCRAPES - 1, -1, -1.0)
TOTAL = 1_000_000 + 600.0 * np.arange(1, SCRAPES + 1)


def counter(name: str, labels: Mapping[str, str], fraction: float) -> Counter:
    return Counter({"__name__": name, **labels}, np.floor(TOTAL * fraction))


def counted(
    name: str, labels: Mapping[str, str], status: str, good: str, bad: str
) -> list[Counter]:
    return [
        counter(name, {**labels, status: good}, 0.995),
        counter(name, {**labels, status: bad}, 0.005),
    ]


def histogram(name: str, labels: Mapping[str, str], *bounds: str) -> list[Counter]:
    return [
        *(counter(f"{name}_bucket", {**labels, "le": bound}, 0.998) for bound in bounds),
        counter(f"{name}_bucket", {**labels, "le": "+Inf"}, 1.0),
        counter(f"{name}_count", labels, 1.0),
        counter(f"{name}_sum", labels, 0.1),
    ]


def designed(folder: Path, counters: list[Counter], service: str = "shop") -> Architecture:
    past = ServicePast(TIMES, tuple(counters), 0, 0)
    source = RecorderSource(past.write_store(folder))
    try:
        return design_reliability_architecture(source, service, at=END)
    finally:
        source.close()


JOB = {"job": "shop"}
EXPORTERS: dict[str, tuple[list[Counter], float | None]] = {
    "OpenTelemetry, seconds": (
        [
            *histogram(
                "http_server_request_duration_seconds",
                {"job": "team/shop", "http_response_status_code": "200"},
                "0.3",
            ),
            counter(
                "http_server_request_duration_seconds_count",
                {"job": "team/shop", "http_response_status_code": "503"},
                0.005,
            ),
        ],
        0.3,
    ),
    "OpenTelemetry before, milliseconds": (
        histogram("http_server_duration_milliseconds", {**JOB, "http_status_code": "200"}, "300"),
        0.3,
    ),
    "OpenTelemetry before, no unit in the name": (
        histogram("http_server_duration", {**JOB, "http_status_code": "200"}, "300"),
        0.3,
    ),
    "a counter and a histogram apart": (
        [
            *counted("http_requests_total", JOB, "code", "200", "500"),
            *histogram("http_request_duration_seconds", JOB, "0.25"),
        ],
        0.25,
    ),
    "Spring": (
        histogram("http_server_requests_seconds", {**JOB, "status": "200"}, "0.5"),
        0.5,
    ),
    "ingress-nginx": (
        histogram(
            "nginx_ingress_controller_request_duration_seconds",
            {"exported_service": "shop", "status": "200"},
            "0.1",
        ),
        0.1,
    ),
    "Traefik": (
        histogram(
            "traefik_service_request_duration_seconds", {"service": "shop", "code": "200"}, "0.3"
        ),
        0.3,
    ),
    "Istio, milliseconds": (
        histogram(
            "istio_request_duration_milliseconds",
            {
                "destination_canonical_service": "shop",
                "reporter": "destination",
                "response_code": "200",
            },
            "250",
        ),
        0.25,
    ),
    "Envoy": (
        [
            *counted(
                "envoy_cluster_upstream_rq_xx",
                {"envoy_cluster_name": "shop"},
                "envoy_response_code_class",
                "2",
                "5",
            ),
            *histogram("envoy_cluster_upstream_rq_time", {"envoy_cluster_name": "shop"}, "500"),
        ],
        0.5,
    ),
    "HAProxy": (
        counted("haproxy_backend_http_responses_total", {"proxy": "shop"}, "code", "2xx", "5xx"),
        None,
    ),
    "Linkerd": (
        counted(
            "response_total",
            {"deployment": "shop", "direction": "inbound"},
            "classification",
            "success",
            "failure",
        ),
        None,
    ),
    "gRPC": (counted("grpc_server_handled_total", JOB, "grpc_code", "OK", "Internal"), None),
    "Flask": (
        [
            *counted("flask_http_request_total", JOB, "status", "200", "500"),
            *histogram("flask_http_request_duration_seconds", JOB, "0.5"),
        ],
        0.5,
    ),
    "Django": (
        counted("django_http_responses_total_by_status_total", JOB, "status", "200", "500"),
        None,
    ),
}


@pytest.mark.parametrize(("counters", "bound"), EXPORTERS.values(), ids=list(EXPORTERS))
def test_an_exporter_is_known_by_its_names_and_its_unit(
    tmp_path: Path, counters: list[Counter], bound: float | None
) -> None:
    found = designed(tmp_path, counters)
    kinds = {slo.kind: slo for slo in found.slos}
    assert "availability" in kinds
    assert found.objectives[0].baseline.good_ratio is not None
    assert 0.99 < found.objectives[0].baseline.good_ratio <= 1
    if bound is None:
        assert "latency" not in kinds
        assert "no histogram with buckets (`le`): no latency objective" in found.gaps
    else:
        assert kinds["latency"].threshold_seconds == bound


def test_without_a_status_there_is_no_availability_and_it_is_said(tmp_path: Path) -> None:
    found = designed(tmp_path, histogram("http_request_duration_seconds", JOB, "0.25"))
    assert [slo.kind for slo in found.slos] == ["latency"]
    assert any("no label that tells failed requests" in gap for gap in found.gaps)


def test_without_either_it_says_why_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no objective can be proposed: nginx_http_requests_total"):
        designed(tmp_path, [counter("nginx_http_requests_total", JOB, 1.0)])


def test_no_known_metric_at_all_points_to_indicators_of_ones_own(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no request metric of a known name.*indicators\[0\]"):
        designed(tmp_path, [counter("orders_total", JOB, 1.0)])


def test_a_past_that_has_ended_asks_as_of_when(tmp_path: Path) -> None:
    past = ServicePast(
        TIMES, tuple(counted("http_requests_total", JOB, "code", "200", "500")), 0, 0
    )
    source = RecorderSource(past.write_store(tmp_path))
    with pytest.raises(NotFound, match=r"knows http_requests_total, and has no sample of it.*--at"):
        design_reliability_architecture(source, "shop", at=END + 86_400)
    source.close()


class Native(MetricsSource):
    """A source with a native histogram; `refuses` as the embedded evaluator may."""

    def __init__(self, *, refuses: bool) -> None:
        self._refuses = refuses

    @property
    def name(self) -> str:
        return "native"

    def metric_names(self) -> tuple[str, ...]:
        return ("http_request_duration_seconds",)

    def query(self, promql: str, at: float) -> Vector:
        assert "histogram_count" in promql
        if self._refuses:
            raise PromQLUnsupported("histogram_count of a native histogram")
        return Vector(samples=(Sample(labels={}, at=at, value=1.0),))

    def query_range(self, promql: str, start: float, end: float, step_seconds: float) -> Matrix:
        raise AssertionError(promql)

    def series(self, match: str, start: float, end: float) -> tuple[dict[str, str], ...]:
        raise AssertionError(match)

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("refuses", [False, True], ids=["answered", "refused by the evaluator"])
def test_a_native_histogram_is_recognised_and_refused_by_its_name(refuses: bool) -> None:
    with pytest.raises(NotFound, match="http_request_duration_seconds is a native histogram"):
        design_reliability_architecture(Native(refuses=refuses), "shop", at=END)
