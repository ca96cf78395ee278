"""`holdfast doctor` names what works, what is missing and what it needs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs

import pytest

from holdfast.catalog.check import Check
from holdfast.catalog.config import parse_config
from holdfast.catalog.doctor import examine, worst
from holdfast.errors import DeployerFailed
from holdfast.integrations.prometheus.client import PrometheusSource
from holdfast.model.config import Config
from holdfast.model.service import Service

CONFIG = """
data_folder: data
metrics: {{url: "{url}", token_env: METRICS_TOKEN}}
services:
  - name: shop
    deployer: ours
    repository: {repository}
    logs: {{paths: ["logs/*.jsonl"]}}
    signals:
      request_rate_per_second: sum by ($by) (rate(requests[$window]))
      error_ratio: sum by ($by) (rate(errors[$window])) / sum by ($by) (rate(requests[$window]))
  - name: api
slos:
  - name: shop-availability
    service: shop
    kind: availability
    objective: 0.99
    period_seconds: 2592000
    indicator:
      bad_query: sum(rate(errors[$window]))
      total_query: sum(rate(requests[$window]))
    tiers:
      - {{name: fast, action: page, budget_fraction: 0.02, long_window_seconds: 3600,
         short_window_seconds: 300}}
deployers:
  - name: ours
    kind: command
    current: [current, "{{service}}"]
    deploy: [deploy, "{{service}}", "{{version}}"]
    environment: [DEPLOY_TOKEN]
changes: [{{kind: cdevents, path: changes.jsonl}}]
policy: policy.yaml
"""
ENVIRON = {"METRICS_TOKEN": "t", "DEPLOY_TOKEN": "d"}


class Api(BaseHTTPRequestHandler):
    """A Prometheus HTTP API over a table: a part of a query → (labels, value) or an error."""

    answers: ClassVar[dict[str, list[tuple[dict[str, str], float]] | str]] = {}

    def do_GET(self) -> None:
        self._answer(200, {"status": "success", "data": ["requests", "errors", "up"]})

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        form = parse_qs(self.rfile.read(length).decode())
        if "query" not in form:
            self.do_GET()
            return
        query, at = form["query"][0], float(form["time"][0])
        found = next((v for part, v in self.answers.items() if part in query), [])
        if isinstance(found, str):
            self._answer(400, {"status": "error", "errorType": "bad_data", "error": found})
            return
        result = [{"metric": labels, "value": [at, str(value)]} for labels, value in found]
        data = {"resultType": "vector", "result": result}
        self._answer(200, {"status": "success", "data": data})

    def _answer(self, status: int, body: Mapping[str, object]) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    now = time.time()
    Api.answers = {
        "timestamp(up)": [({}, now - 3)],
        "by (service_version) (rate(errors": [({"service_version": "v1"}, 0.0)],
        "by (service_version) (rate(requests": [({"service_version": "v1"}, 3.0)],
        "rate(errors": [({}, 0.0)],
        "rate(requests": [({}, 3.0)],
    }
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/a.jsonl").write_text(
        '{"time": "t", "trace_id": "x", "service": {"version": 1}}\n'
    )
    event = {
        "context": {
            "id": "1",
            "type": "dev.cdevents.service.deployed.0.2.0",
            "timestamp": "2026-01-01T00:00:00Z",
        },
        "subject": {"id": "shop", "content": {}},
    }
    (tmp_path / "changes.jsonl").write_text(json.dumps(event) + "\n")
    (tmp_path / "policy.yaml").write_text("name: p\nrules: [{name: all, autonomy: approve}]\n")
    with serving() as url:
        yield World(tmp_path, url, now)


class World:
    """A configuration, its files, and the server that answers."""

    def __init__(self, folder: Path, url: str, now: float) -> None:
        self.folder, self.url, self.now = folder, url, now
        self.environ = dict(ENVIRON)
        self.repository = str(Path(__file__).parents[2])

    def config(self) -> Config:
        text = CONFIG.format(url=self.url, repository=self.repository)
        return parse_config(text.replace("token_env", "tenant"), self.folder / "holdfast.yaml")

    def checks(self, **weights: float) -> dict[str, Check]:
        def current(service: Service) -> Mapping[str, float]:
            if not weights:
                raise DeployerFailed("exit 3")
            return weights

        config = self.config()
        with PrometheusSource(config.metrics) as source:
            found = examine(config, source, current=current, environ=self.environ, at=self.now)
        return {check.name: check for check in found}


def test_a_world_in_order_passes_and_says_what_it_needs(world: World) -> None:
    checks = world.checks(v1=90, v2=10)
    for name in (
        "metrics source",
        "clock and freshness",
        "SLO shop-availability",
        "versions of shop",
        "logs of shop",
        "changes",
        "policy",
        "data folder",
        "deployer of shop",
    ):
        assert checks[name].status == "ok", checks[name]
    assert checks["deployer of shop"].detail == (
        "says what runs: v1 90 %, v2 10 %; no canary without `weights`, "
        "no load test without `endpoints`"
    )
    assert checks["deployer of shop"].access == "write"
    assert checks["deployer of shop"].credentials == ("DEPLOY_TOKEN",)
    assert checks["metrics source"].access == "read"
    assert checks["policy"].detail == "all: approve; otherwise observe"


def test_gaps_are_named_as_gaps(world: World) -> None:
    checks = world.checks(v1=100)
    assert checks["signals of shop"].status == "warn"
    assert "statements_per_request (repeated statements can be suspected only)" in (
        checks["signals of shop"].detail
    )
    assert checks["deployer of api"].status == "warn"
    assert checks["repository of api"].status == "warn"
    assert checks["versions of api"].status == "unknown"
    assert worst(tuple(checks.values())) == 1


def test_queries_without_data_are_never_a_pass(world: World) -> None:
    Api.answers["rate(errors"] = []
    check = world.checks(v1=100)["SLO shop-availability"]
    assert check.status == "warn"
    assert "bad_query: no data" in check.detail


def test_an_slo_with_several_series_fails(world: World) -> None:
    Api.answers["rate(requests"] = [({"a": "1"}, 1.0), ({"a": "2"}, 1.0)]
    check = world.checks(v1=100)["SLO shop-availability"]
    assert check.status == "fail"
    assert "2 series where one is needed" in check.detail


def test_a_refused_query_fails_with_the_servers_words(world: World) -> None:
    Api.answers = {"rate(errors": "unknown function", **Api.answers}
    Api.answers["rate(errors"] = "unknown function"
    check = world.checks(v1=100)["SLO shop-availability"]
    assert check.status == "fail"
    assert "unknown function" in check.detail


@pytest.mark.parametrize(
    ("age", "status", "said"),
    [(-30, "warn", "this clock is behind"), (200, "warn", "late"), (10, "ok", "old")],
)
def test_clocks_are_compared(world: World, age: float, status: str, said: str) -> None:
    Api.answers["timestamp(up)"] = [({}, world.now - age)]
    check = world.checks(v1=100)["clock and freshness"]
    assert (check.status, said in check.detail) == (status, True)


def test_a_source_that_does_not_answer_leaves_the_rest_unknown(world: World) -> None:
    world.url = "http://127.0.0.1:9"
    checks = world.checks(v1=100)
    assert checks["metrics source"].status == "fail"
    assert checks["SLOs and signals"].status == "unknown"
    assert checks["policy"].status == "ok"


def test_without_versions_in_metrics_releases_cannot_be_compared(world: World) -> None:
    Api.answers["by (service_version) (rate(requests"] = [({}, 3.0)]
    check = world.checks(v1=100)["versions of shop"]
    assert check.status == "warn"
    assert "service_version names no version" in check.detail


def test_a_deployer_that_fails_or_lacks_its_secret_is_named(world: World) -> None:
    assert "exit 3" in world.checks()["deployer of shop"].detail
    del world.environ["DEPLOY_TOKEN"]
    check = world.checks(v1=100)["deployer of shop"]
    assert check.status == "fail"
    assert "not set: DEPLOY_TOKEN" in check.detail


def test_a_deployer_that_was_not_asked_is_unknown(world: World) -> None:
    config = world.config()
    with PrometheusSource(config.metrics) as source:
        found = {c.name: c for c in examine(config, source, environ=ENVIRON, at=world.now)}
    assert found["deployer of shop"].status == "unknown"


def test_settings_that_can_be_changed_are_asked_for(world: World) -> None:
    config = world.config()
    (ours,) = config.deployers
    able = ours.model_copy(update={"settings_current": ("show",), "settings_set": ("set",)})
    config = config.model_copy(update={"deployers": (able,)})

    def refused(service: Service) -> Mapping[str, str]:
        raise DeployerFailed(f"no settings of {service.name} today")

    for settings, status, said in (
        (lambda _: {"POOL_SIZE": "20"}, "ok", "can be read and changed: POOL_SIZE"),
        (refused, "fail", "no settings of shop today"),
        (None, "unknown", "not asked"),
    ):
        with PrometheusSource(config.metrics) as source:
            found = examine(config, source, settings=settings, environ={}, at=world.now)
        (check,) = [check for check in found if check.name.startswith("settings of")]
        assert (check.name, check.status) == ("settings of shop", status)
        assert said in check.detail


def test_a_missing_token_is_named_and_never_its_value(world: World) -> None:
    config = world.config()
    settings = config.metrics.model_copy(update={"tenant": None, "token_env": "METRICS_TOKEN"})
    with PrometheusSource(config.metrics) as source:
        changed = config.model_copy(update={"metrics": settings})
        unset, *_ = examine(changed, source, environ={}, at=world.now)
        given, *_ = examine(changed, source, environ={"METRICS_TOKEN": "s3cret"}, at=world.now)
    assert (unset.status, unset.credentials) == ("fail", ("METRICS_TOKEN",))
    assert given.status == "ok"
    assert "s3cret" not in given.model_dump_json()


def test_files_that_are_wrong_are_named(world: World) -> None:
    (world.folder / "policy.yaml").write_text("name: p\npaused: maybe\n")
    with (world.folder / "changes.jsonl").open("a") as file:
        file.write("{\n")
    (world.folder / "logs/a.jsonl").write_text("plain text\n")
    world.repository = str(world.folder / "nowhere")
    checks = world.checks(v1=100)
    assert checks["policy"].status == "fail"
    assert "every write is denied" in checks["policy"].detail
    assert checks["changes"].status == "warn"
    assert "changes.jsonl:2" in checks["changes"].detail
    assert checks["logs of shop"].status == "warn"
    assert checks["repository of shop"].status == "fail"


def test_a_data_folder_that_is_a_file_cannot_be_written(world: World) -> None:
    (world.folder / "data").write_text("a file")
    assert world.checks(v1=100)["data folder"].status == "fail"
