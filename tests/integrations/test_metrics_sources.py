"""One contract for both metrics sources: a real Prometheus, and the embedded recorder."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram

from holdfast.errors import ConfigError, PromQLError, QueryRefused, SourceUnavailable
from holdfast.evidence.recorded import RecorderSource
from holdfast.evidence.source import MetricsSource
from holdfast.integrations.prometheus.client import PrometheusSource
from holdfast.integrations.sources import open_source
from holdfast.model.config import MetricsSettings
from holdfast.model.evidence import Vector
from holdfast.promql.recorder import Recorder
from support.exporter import Exporter, running_exporter, write_targets
from support.prometheus import running_prometheus

INTERVAL_SECONDS = 0.2


@dataclass
class World:
    """A source over one exporter, whose `x_total` counts and whose gauges are set as told."""

    source: MetricsSource
    exporter: Exporter
    started_at: float


def start_prometheus(stack: ExitStack, targets: Path, folder: Path) -> MetricsSource:
    url = stack.enter_context(
        running_prometheus(targets, folder, interval_seconds=INTERVAL_SECONDS)
    )
    return open_source(MetricsSettings(kind="prometheus", url=url))


def start_recorder(stack: ExitStack, targets: Path, folder: Path) -> MetricsSource:
    stack.enter_context(Recorder(targets, folder, INTERVAL_SECONDS))
    return open_source(MetricsSettings(kind="recorder", path=folder))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(start_recorder, marks=pytest.mark.xdist_group("recorder-source")),
        pytest.param(start_prometheus, marks=pytest.mark.xdist_group("prometheus-source")),
    ],
)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("source")
    with ExitStack() as stack:
        exporter = stack.enter_context(running_exporter())
        requests = Counter("x", "", ["route"], registry=exporter.registry)
        gauge = Gauge("level", "", ["kind"], registry=exporter.registry)
        for kind, value in {"one": 1.0, "infinite": math.inf, "unknown": math.nan}.items():
            gauge.labels(kind).set(value)
        seconds = Histogram("s", "", registry=exporter.registry, buckets=(0.1, 0.5))
        for value in (0.05, 0.05, 0.3, 9.0):
            seconds.observe(value)
        targets = write_targets(folder / "targets.json", [exporter.address], {"job": "shop"})
        source = request.param(stack, targets, folder / "store")
        started_at = time.time()
        wait_for(lambda: source.query("x_total or level", time.time()).samples)
        for _ in range(15):
            requests.labels("/a").inc(2)
            requests.labels("/b").inc(1)
            time.sleep(0.1)
        wait_for(lambda: value_of(source.query('x_total{route="/a"}', time.time())) == 30)
        yield World(source, exporter, started_at)
        source.close()  # pyright: ignore[reportAttributeAccessIssue]


def wait_for(answer: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if answer():
                return
        except SourceUnavailable:  # the recorder has not begun yet
            pass
        assert time.monotonic() < deadline, "the source did not answer in time"
        time.sleep(0.05)


def value_of(vector: Vector) -> float | None:
    return vector.samples[0].value if len(vector.samples) == 1 else None


def test_the_source_names_itself(world: World) -> None:
    assert world.source.name.startswith(("prometheus http://127.0.0.1:", "recorder /"))


def test_an_instant_answer_has_labels_values_and_the_time_asked(world: World) -> None:
    at = round(time.time(), 3)
    answer = world.source.query("x_total", at)
    assert {s.labels["route"]: s.value for s in answer.samples} == {"/a": 30.0, "/b": 15.0}
    assert {s.at for s in answer.samples} == {at}
    assert answer.samples[0].labels["__name__"] == "x_total"
    assert answer.samples[0].labels["job"] == "shop"
    assert answer.samples[0].labels["instance"] == world.exporter.address


def test_a_scalar_is_one_sample_without_labels(world: World) -> None:
    (sample,) = world.source.query("1 + 2", time.time()).samples
    assert (sample.labels, sample.value) == ({}, 3.0)


def test_nan_is_no_data_and_infinity_is_a_value(world: World) -> None:
    found = world.source.query("level", time.time()).samples
    assert {s.labels["kind"]: s.value for s in found} == {"one": 1.0, "infinite": math.inf}
    now = time.time()
    series = world.source.query_range("level", now - 0.4, now, 0.2).series
    assert {s.labels["kind"] for s in series} == {"one", "infinite"}


def test_nothing_found_is_an_empty_answer(world: World) -> None:
    now = time.time()
    assert world.source.query("absent_metric", now).samples == ()
    assert world.source.query_range("absent_metric", now - 1, now, 1).series == ()
    assert world.source.series("absent_metric", now - 60, now) == ()


def test_before_the_first_scrape_nothing_is_known(world: World) -> None:
    assert world.source.query("x_total", world.started_at - 3600).samples == ()
    start = world.started_at - 7200
    assert world.source.query_range("x_total", start, start + 60, 1).series == ()


def test_a_range_holds_its_start_and_its_end(world: World) -> None:
    end = float(math.floor(time.time()))
    (series,) = world.source.query_range("sum(x_total)", end - 1, end, 0.5).series
    assert [at for at, _ in series.points][-1] == end
    assert [b - a for (a, _), (b, _) in zip(series.points, series.points[1:], strict=False)] == (
        [0.5] * (len(series.points) - 1)
    )


def test_rates_and_quantiles_are_evaluated(world: World) -> None:
    now = time.time()
    assert value_of(world.source.query("sum(increase(x_total[1m])) > bool 0", now)) == 1.0
    ratio = 'sum(x_total{route="/a"}) / sum(x_total)'
    assert value_of(world.source.query(ratio, now)) == pytest.approx(2 / 3)
    median = "histogram_quantile(0.5, sum by (le) (s_bucket))"
    assert value_of(world.source.query(median, now)) == pytest.approx(0.1)
    assert value_of(world.source.query("histogram_quantile(1, s_bucket)", now)) == 0.5


def test_a_range_over_the_limit_of_points_is_answered_whole(world: World) -> None:
    end = float(math.floor(time.time()))
    start = end - 12.0
    matrix = world.source.query_range("sum(up)", start, end, 0.001)
    (series,) = matrix.series
    times = [round(at * 1000) for at, _ in series.points]
    assert times == list(range(times[0], round(end * 1000) + 1))


def test_the_series_and_names_that_exist_are_listed(world: World) -> None:
    now = time.time()
    found = world.source.series('x_total{route="/a"}', now - 60, now)
    assert [(s["__name__"], s["route"]) for s in found] == [("x_total", "/a")]
    names = world.source.metric_names()
    assert {"x_total", "level", "s_bucket", "up", "scrape_duration_seconds"} <= set(names)
    assert list(names) == sorted(names)


@pytest.mark.parametrize("promql", ["sum(", "sum by rate(x)", "x_total[1m", "1 +"])
def test_what_is_no_promql_is_refused_with_the_reason(world: World, promql: str) -> None:
    with pytest.raises(PromQLError):
        world.source.query(promql, time.time())
    with pytest.raises(PromQLError):
        world.source.query_range(promql, time.time() - 1, time.time(), 1)


def test_a_question_that_cannot_be_answered_is_refused(world: World) -> None:
    with pytest.raises((QueryRefused, PromQLError)):
        world.source.query("x_total[1m]", time.time())
    with pytest.raises((QueryRefused, PromQLError)):
        world.source.query("x_total * on(job) x_total", time.time())
    with pytest.raises((QueryRefused, PromQLError)):
        world.source.query_range("x_total", 100.0, 50.0, 1.0)


def test_a_target_that_dies_has_no_data_at_once_and_is_down(world: World) -> None:
    """The last test of this world: it stops the exporter."""
    world.exporter.close()
    wait_for(lambda: value_of(world.source.query("up", time.time())) == 0)
    assert world.source.query("x_total", time.time()).samples == ()


def test_a_source_that_cannot_be_opened_says_which_setting_is_missing() -> None:
    with pytest.raises(ConfigError, match=r"metrics\.url"):
        open_source(MetricsSettings(kind="prometheus"))
    with pytest.raises(ConfigError, match=r"metrics\.path"):
        open_source(MetricsSettings(kind="recorder"))


def test_a_source_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    source = PrometheusSource(MetricsSettings(url="http://127.0.0.1:1", timeout_seconds=1))
    for ask in (source.metric_names, lambda: source.query("up", 1.0)):
        with pytest.raises(SourceUnavailable, match=r"http://127.0.0.1:1 cannot be reached"):
            ask()
    source.close()
    with pytest.raises(SourceUnavailable, match="no store"):
        RecorderSource(tmp_path / "nowhere").query("up", 1.0)
