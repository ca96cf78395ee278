"""`holdfast init` against a real Prometheus, and against hand-made answers for other exporters."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram

from holdfast.catalog.config import load_config
from holdfast.catalog.discover import Discovery, discover
from holdfast.catalog.init import render, write
from holdfast.catalog.template import fill
from holdfast.errors import InputError
from holdfast.integrations.prometheus.client import PrometheusSource
from holdfast.model.config import MetricsSettings
from holdfast.model.evidence import Sample, Vector
from holdfast.model.service import Signal
from holdfast.slo.rules import ratio_query
from support.exporter import Exporter, running_exporter, write_targets
from support.prometheus import running_prometheus


class Shop:
    """A service as OpenTelemetry tells of it, under traffic."""

    def __init__(self, exporter: Exporter) -> None:
        common = ("service_name", "service_version")
        self.durations = Histogram(
            "http_server_request_duration_seconds",
            "d",
            (*common, "http_response_status_code"),
            buckets=(0.1, 0.25, 1.0),
            registry=exporter.registry,
        )
        self.statements = Histogram(
            "db_client_operation_duration_seconds", "d", common, registry=exporter.registry
        )
        self.memory = Gauge(
            "process_resident_memory_bytes", "m", common, registry=exporter.registry
        )
        self.cpu = Counter("process_cpu_seconds", "c", common, registry=exporter.registry)
        self.calls = Counter(
            "traces_service_graph_request", "c", ("client", "server"), registry=exporter.registry
        )

    def serve(self, stop: threading.Event) -> None:
        self.memory.labels("shop", "v1").set(1e6)
        while not stop.wait(0.01):
            for service in ("shop", "api"):
                self.durations.labels(service, "v1", "200").observe(0.2)
                self.statements.labels(service, "v1").observe(0.001)
                self.statements.labels(service, "v1").observe(0.001)
            self.cpu.labels("shop", "v1").inc(0.01)
            self.calls.labels("shop", "api").inc()


@contextmanager
def under_traffic(shop: Shop) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=shop.serve, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def wait_for_scrapes(source: PrometheusSource, count: int) -> float:
    """Return a time by which so many scrapes are stored; targets are found after some seconds."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        now = time.time()
        found = source.query("count_over_time(process_resident_memory_bytes[30s])", now).samples
        if found and found[0].value >= count:
            return now
        time.sleep(0.1)
    raise AssertionError("the exporter was not scraped in time")


def test_a_service_is_found_in_a_real_prometheus_and_its_queries_answer(tmp_path: Path) -> None:
    with running_exporter() as exporter, under_traffic(Shop(exporter)):
        targets = write_targets(tmp_path / "targets.json", [exporter.address])
        with (
            running_prometheus(targets, tmp_path / "p", interval_seconds=0.25) as url,
            PrometheusSource(MetricsSettings(url=url)) as source,
        ):
            now = wait_for_scrapes(source, 8)
            found = discover(source, prometheus_url=url, at=now)
            write(found, tmp_path / "holdfast.yaml")
            config = load_config(tmp_path / "holdfast.yaml")
            api, shop = config.services
            assert (api.name, shop.name) == ("api", "shop")
            assert shop.version_label == "service_version"
            assert shop.owner == "unassigned"
            assert shop.depends_on == ("api",)
            assert {slo.name for slo in config.slos if slo.service == "shop"} == {
                "shop-availability",
                "shop-latency",
            }
            values = {
                signal: source.query(fill(template, 10, ("service_version",)), now).samples
                for signal, template in shop.signals.items()
            }
            assert all(values.values()), f"without data: {[s for s, v in values.items() if not v]}"
            assert values[Signal.ERROR_RATIO][0].value == 0
            assert values[Signal.SLOW_RATIO][0].value == pytest.approx(0, abs=1e-9)
            assert values[Signal.STATEMENTS_PER_REQUEST][0].value == pytest.approx(2, rel=0.05)
            assert values[Signal.LATENCY_MEAN][0].value == pytest.approx(0.2, rel=0.01)
            assert values[Signal.LATENCY_P95][0].labels == {"service_version": "v1"}
            for slo in config.slos:
                (sample,) = source.query(ratio_query(slo, 10), now).samples
                assert sample.value == pytest.approx(0, abs=1e-9)
            (latency,) = [slo for slo in config.slos if slo.name == "shop-latency"]
            assert latency.threshold_seconds == 0.25
            assert latency.objective == 0.99
            assert [tier.name for tier in latency.tiers] == ["page-fast", "page-slow", "ticket"]


class Table:
    """Hand-made answers: metric name → label sets, and bucket counts."""

    name = "prometheus http://table"

    def __init__(
        self,
        series: Mapping[str, Sequence[Mapping[str, str]]],
        buckets: Mapping[str, float] | None = None,
    ) -> None:
        self._series = series
        self._buckets = buckets or {}

    def metric_names(self) -> tuple[str, ...]:
        return tuple(sorted(self._series))

    def query(self, promql: str, at: float) -> Vector:
        if promql.startswith("sum by (le)"):
            rows = [({"le": le}, count) for le, count in self._buckets.items()]
        else:
            rows = [(labels, 1.0) for labels in self._counted(promql)]
        return Vector(samples=tuple(Sample(labels=of, at=at, value=v) for of, v in rows))

    def _counted(self, promql: str) -> list[dict[str, str]]:
        kept, selector = promql.removeprefix("count by (").split(") (", 1)
        metric, _, matchers = selector.removesuffix(")").partition("{")
        wanted = dict(part.split("=", 1) for part in matchers.removesuffix("}").split(",") if part)
        return [
            {key: value for key, value in labels.items() if key in kept.split(", ")}
            for labels in self._series[metric]
            if all(f'"{labels.get(key)}"' == value for key, value in wanted.items())
        ]


def found_in(*metrics: str, buckets: Mapping[str, float] | None = None, **labels: str) -> Discovery:
    table = Table({name: [labels] for name in metrics}, buckets)
    return discover(table, prometheus_url="http://127.0.0.1:9", at=1000.0)


def histogram(name: str) -> tuple[str, ...]:
    return tuple(f"{name}_{part}" for part in ("bucket", "count", "sum"))


ENOUGH = {"0.1": 90.0, "0.5": 996.0, "2.5": 1000.0, "+Inf": 1000.0}


EXPORTERS: list[tuple[tuple[str, ...], str, str, str]] = [
    (histogram("http_server_requests_seconds"), "application=a status=200", "a", 'status=~"5.."'),
    (("http_requests_total",), "job=a code=200", "a", 'code=~"5.."'),
    (("haproxy_backend_http_responses_total",), "proxy=a code=2xx", "a", 'code=~"5.."'),
    (("grpc_server_handled_total",), "job=a grpc_code=OK", "a", 'grpc_code=~"Unknown|'),
    (("traefik_service_requests_total",), "service=a@docker code=200", "a@docker", 'code=~"5.."'),
    (
        ("envoy_cluster_upstream_rq_xx",),
        "envoy_cluster_name=a envoy_response_code_class=2",
        "a",
        'envoy_response_code_class="5"',
    ),
    (("nginx_ingress_controller_requests",), "ingress=a status=200", "a", 'status=~"5.."'),
    (
        ("istio_requests_total",),
        "destination_service_name=a reporter=destination response_code=200",
        "a",
        'reporter="destination",response_code=~"5.."',
    ),
    (("flask_http_request_total",), "job=a status=200", "a", 'status=~"5.."'),
    (("django_http_responses_total_by_status_total",), "job=a status=200", "a", 'status=~"5.."'),
    (("starlette_requests_total",), "app_name=a status_code=200", "a", 'status_code=~"5.."'),
]


@pytest.mark.parametrize(
    ("metrics", "labels", "name", "failures"), EXPORTERS, ids=[e[0][-1] for e in EXPORTERS]
)
def test_common_exporters_are_known(
    metrics: tuple[str, ...], labels: str, name: str, failures: str
) -> None:
    given = dict(pair.split("=") for pair in labels.split())
    (finding,) = found_in(*metrics, buckets=ENOUGH, **given).findings
    assert finding.service.name == name
    assert failures in finding.slos[0].indicator.bad_query
    assert Signal.REQUEST_RATE in finding.service.signals


def test_a_boundary_leaves_half_of_the_budget() -> None:
    (finding,) = found_in(
        *histogram("http_request_duration_seconds"), buckets=ENOUGH, job="a", code="200"
    ).findings
    assert finding.slos[1].threshold_seconds == 0.5
    assert 'le="0.5"' in finding.slos[1].indicator.bad_query


def test_a_whole_boundary_is_matched_as_prometheus_2_and_3_write_it() -> None:
    buckets = {"1": 1000.0, "+Inf": 1000.0}
    (finding,) = found_in(
        *histogram("http_request_duration_seconds"), buckets=buckets, job="a"
    ).findings
    assert 'le=~"1|1\\\\.0"' in finding.slos[0].indicator.bad_query


@pytest.mark.parametrize("buckets", [{}, {"0.1": 0.0, "+Inf": 0.0}, {"0.1": 10.0, "+Inf": 1000.0}])
def test_where_no_boundary_is_kept_no_latency_objective_is_made_up(
    buckets: dict[str, float],
) -> None:
    (finding,) = found_in(
        *histogram("http_request_duration_seconds"), buckets=buckets, job="a", code="200"
    ).findings
    assert [slo.kind for slo in finding.slos] == ["availability"]
    assert any("no latency SLO" in gap for gap in finding.missing)


def test_milliseconds_are_read_as_seconds() -> None:
    metrics = histogram("http_server_duration_milliseconds")
    buckets = {"250": 1000.0, "+Inf": 1000.0}
    (finding,) = found_in(*metrics, buckets=buckets, job="team/a", http_status_code="200").findings
    assert (finding.service.namespace, finding.service.name) == ("team", "a")
    assert finding.slos[1].threshold_seconds == 0.25
    assert finding.service.signals[Signal.LATENCY_P95].startswith("0.001 * histogram_quantile")


def test_an_edge_is_believed_before_the_service_itself() -> None:
    table = Table(
        {
            "http_requests_total": [{"service": "a", "code": "200"}],
            "traefik_service_requests_total": [{"service": "a", "code": "200"}],
        }
    )
    (finding,) = discover(table, prometheus_url="http://127.0.0.1:9", at=1.0).findings
    assert "traefik" in finding.slos[0].indicator.total_query


def test_what_was_found_and_what_was_not_is_said_in_the_file(tmp_path: Path) -> None:
    text = render(found_in("http_requests_total", job="a", code="200"))
    comments = " ".join(line[2:] for line in text.splitlines() if line.startswith("# "))
    assert "requests from http_requests_total (a common HTTP exporter), by job" in comments
    assert "a histogram with buckets: no latency SLO" in comments
    assert "a new release cannot be told" in comments
    assert "statements_per_request" in comments
    assert "invents none" in comments
    assert "owner: unassigned" in text


def test_nothing_found_is_a_file_that_says_so_and_loads(tmp_path: Path) -> None:
    text = write(found_in("up", job="a"), tmp_path / "holdfast.yaml")
    assert "no request metric of a known name was found" in text
    assert load_config(tmp_path / "holdfast.yaml").services == ()


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    file = tmp_path / "holdfast.yaml"
    file.write_text("mine")
    found = found_in("http_requests_total", job="a", code="200")
    with pytest.raises(InputError, match="exists and is kept"):
        write(found, file)
    assert file.read_text() == "mine"
    write(found, file, force=True)
    assert load_config(file).services[0].name == "a"


def test_how_the_source_is_reached_is_kept() -> None:
    settings = MetricsSettings(url="http://127.0.0.1:9", token_env="TOKEN", tenant="team")
    found = discover(Table({}), prometheus_url="http://127.0.0.1:9", metrics=settings, at=1.0)
    assert "token_env: TOKEN" in render(found)


def test_a_repository_is_bound_to_the_service_of_its_name() -> None:
    table = Table({"http_requests_total": [{"job": "a"}, {"job": "b"}]})
    found = discover(
        table,
        prometheus_url="http://127.0.0.1:9",
        repositories=[Path("/srv/b.git"), Path("/srv/c")],
        at=1.0,
    )
    assert [s.repository for s in found.config.services] == [None, "/srv/b.git"]
    assert [c.service for c in found.config.changes] == ["b"]
    assert any("/srv/c belongs to no service" in gap for gap in found.gaps)
