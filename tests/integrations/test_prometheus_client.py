"""The Prometheus client against a small server that answers as told."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from holdfast.errors import ConfigError, PromQLError, QueryRefused, SourceUnavailable
from holdfast.integrations.prometheus.client import POINTS_AT_MOST, PrometheusSource, split_range
from holdfast.model.config import MetricsSettings

SECRET = "s3cr3t-Token-9"


@dataclass
class Asked:
    method: str
    path: str
    fields: dict[str, str]
    headers: dict[str, str]


@dataclass
class Answer:
    body: object = None
    status: int = 200
    delay_seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict[str, str])


def success(result: object, kind: str = "vector", **more: object) -> Answer:
    return Answer({"status": "success", "data": {"resultType": kind, "result": result}, **more})


def refusal(kind: str, message: str, status: int) -> Answer:
    return Answer({"status": "error", "errorType": kind, "error": message}, status)


class Server:
    """Keeps what it was asked; answers by the function that the test sets."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.asked: list[Asked] = []
        self.connections: set[tuple[str, int]] = set()
        self.respond: Callable[[Asked], Answer] = lambda _: success([])
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(urlsplit(self.path).query)

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def _answer(self, form: str) -> None:
                fields = {key: values[0] for key, values in parse_qs(form).items()}
                asked = Asked(
                    self.command, urlsplit(self.path).path, fields, dict(self.headers.items())
                )
                server.asked.append(asked)
                server.connections.add(self.client_address)
                answer = server.respond(asked)
                time.sleep(answer.delay_seconds)
                plain = isinstance(answer.body, str)
                body = str(answer.body).encode() if plain else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):  # the client did not wait
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def source(server: Server) -> Iterator[PrometheusSource]:
    with PrometheusSource(MetricsSettings(url=server.url, timeout_seconds=0.5)) as source:
        yield source


def test_a_question_is_posted_as_a_form_with_its_time(
    server: Server, source: PrometheusSource
) -> None:
    server.respond = lambda _: success([{"metric": {"job": "a"}, "value": [5, "1.5"]}])
    (sample,) = source.query('sum(x{a="ü&+"})', 1700000000.25).samples
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/api/v1/query")
    assert asked.fields == {"query": 'sum(x{a="ü&+"})', "time": "1700000000.250", "timeout": "0.5s"}
    assert (sample.labels, sample.at, sample.value) == ({"job": "a"}, 1700000000.25, 1.5)


def test_a_path_prefix_is_kept_and_connections_are_kept_alive(server: Server) -> None:
    with PrometheusSource(MetricsSettings(url=f"{server.url}/prometheus/")) as source:
        for _ in range(5):
            source.query("x", 1.0)
        assert {asked.path for asked in server.asked} == {"/prometheus/api/v1/query"}
        assert source.name == f"prometheus {server.url}/prometheus"
    assert len(server.connections) == 1


def test_a_token_and_a_tenant_are_sent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_TOKEN", f"{SECRET}\n")
    settings = MetricsSettings(url=server.url, token_env="METRICS_TOKEN", tenant="team-a")
    with PrometheusSource(settings) as source:
        source.query("x", 1.0)
    headers = server.asked[0].headers
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert headers["X-Scope-OrgID"] == "team-a"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_basic_auth_comes_from_the_settings_or_from_the_url(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_PASSWORD", SECRET)
    from_settings = MetricsSettings(url=server.url, username="sre", password_env="METRICS_PASSWORD")
    in_url = MetricsSettings(url=server.url.replace("//", f"//eve:{SECRET}@"))
    for settings in (from_settings, in_url):
        with PrometheusSource(settings) as source:
            source.query("x", 1.0)
            assert SECRET not in source.name
    sent = [asked.headers["Authorization"] for asked in server.asked]
    assert sent == [basic("sre", SECRET), basic("eve", SECRET)]


def test_a_missing_credential_is_named_by_its_variable(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("METRICS_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="METRICS_TOKEN is empty"):
        PrometheusSource(MetricsSettings(url=server.url, token_env="METRICS_TOKEN"))


@pytest.mark.parametrize("url", ["", "ftp://host", "prometheus:9090", "http://"])
def test_a_url_that_cannot_be_asked_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"metrics\.url"):
        PrometheusSource(MetricsSettings(url=url))


def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    settings = MetricsSettings(url="https://127.0.0.1:1", ca_file=tmp_path / "ca.pem")
    with pytest.raises(ConfigError, match="ca_file"):
        PrometheusSource(settings)


def make_certificate(folder: Path) -> Path:
    """A key and a self-signed certificate for 127.0.0.1 in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the program `openssl` is not installed")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    argv = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    argv += ["-nodes", "-days", "2", "-subj", "/CN=holdfast test"]
    argv += ["-addext", "subjectAltName=IP:127.0.0.1"]
    argv += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(argv, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text(key.read_text() + certificate.read_text())
    return both


def test_a_servers_own_certificate_authority_is_trusted_only_where_configured(
    tmp_path: Path,
) -> None:
    certificate = make_certificate(tmp_path)
    server = Server(certificate)
    url = server.url.replace("http:", "https:")
    with PrometheusSource(MetricsSettings(url=url, ca_file=tmp_path / "certificate.pem")) as source:
        assert source.query("x", 1.0).samples == ()
    with (
        PrometheusSource(MetricsSettings(url=url)) as source,
        pytest.raises(SourceUnavailable, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        source.query("x", 1.0)
    server.close()


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (refusal("bad_data", '1:5: parse error: no "b"', 400), PromQLError, "parse error: no"),
        (refusal("bad_data", "exceeded maximum resolution", 400), QueryRefused, "maximum"),
        (refusal("execution", "many-to-many matching", 422), QueryRefused, "many-to-many"),
        (refusal("timeout", "query timed out", 503), SourceUnavailable, "query timed out"),
        (refusal("timeout", "query timed out", 200), SourceUnavailable, "query timed out"),
        (refusal("internal", "storage is broken", 500), SourceUnavailable, "storage is broken"),
        (Answer("bad gateway", 502), SourceUnavailable, "502"),
        (Answer("slow down", 429), SourceUnavailable, "429"),
        (Answer("who are you", 401), QueryRefused, "token_env"),
        (Answer("no", 403), QueryRefused, "tenant"),
        (Answer("nothing here", 404), QueryRefused, "path prefix"),
        (Answer("", 302, headers={"Location": "/login"}), QueryRefused, "login page"),
        (Answer("<html>welcome</html>"), QueryRefused, "did not answer as the Prometheus API"),
        (Answer({"status": "success", "data": {}}), QueryRefused, "did not answer as"),
        (success([], "matrix"), QueryRefused, "an instant vector"),
        (success([1.0, "text"], "string"), QueryRefused, "is a string"),
        (success([{"metric": {}, "histogram": [1, {}]}]), QueryRefused, "native histograms"),
    ],
)
def test_each_failure_becomes_the_error_that_it_means(
    server: Server,
    source: PrometheusSource,
    answer: Answer,
    error: type[Exception],
    words: str,
) -> None:
    server.respond = lambda _: answer
    with pytest.raises(error, match=words):
        source.query("x", 1.0)


def test_a_server_that_is_too_slow_is_unavailable_in_time(
    server: Server, source: PrometheusSource
) -> None:
    server.respond = lambda _: Answer({}, delay_seconds=1.0)
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match=r"did not answer within 0\.5 s"):
        source.query("x", 1.0)
    assert time.monotonic() - began < 0.9


def test_no_message_carries_a_secret_even_if_the_server_repeats_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_TOKEN", SECRET)
    settings = MetricsSettings(url=server.url, token_env="METRICS_TOKEN")
    with PrometheusSource(settings) as source:
        for status in (400, 401, 500):
            server.respond = lambda asked, status=status: refusal(
                "bad_data", f"parse error with {asked.headers['Authorization']}", status
            )
            with pytest.raises((PromQLError, QueryRefused, SourceUnavailable)) as caught:
                source.query("x", 1.0)
            assert SECRET not in str(caught.value)
            assert "Bearer ***" in str(caught.value)


def test_warnings_and_infos_are_kept_with_the_answer(
    server: Server, source: PrometheusSource
) -> None:
    server.respond = lambda _: success([], warnings=["store A is missing"], infos=["not a counter"])
    assert source.query("x", 1.0).warnings == ("store A is missing", "not a counter")


def test_where_post_is_forbidden_get_is_used(server: Server, source: PrometheusSource) -> None:
    server.respond = lambda asked: Answer("", 405) if asked.method == "POST" else success([])
    assert source.query("x > 1", 1.0).samples == ()
    assert server.asked[-1].method == "GET"
    assert server.asked[-1].fields["query"] == "x > 1"


def test_a_long_range_is_asked_in_parts_on_one_grid_and_joined(
    server: Server, source: PrometheusSource
) -> None:
    def respond(asked: Asked) -> Answer:
        start, end, step = (float(asked.fields[name]) for name in ("start", "end", "step"))
        if (end - start) / step > 11_000:
            return refusal("bad_data", "exceeded maximum resolution of 11,000 points", 400)
        values = [[start, "1"], [end, "NaN" if start == 0 else "+Inf"]]
        series = [{"metric": {"a": "1"}, "values": values}]
        if start == 0:
            series.append({"metric": {"a": "2"}, "values": [[start, "7"]]})
        return success(series, "matrix", warnings=["slow"])

    server.respond = respond
    matrix = source.query_range("x", 0, 25_000, 1)
    starts = [(asked.fields["start"], asked.fields["end"]) for asked in server.asked]
    assert starts == [
        ("0.000", "10999.000"),
        ("11000.000", "21999.000"),
        ("22000.000", "25000.000"),
    ]
    first, second = matrix.series
    assert [at for at, _ in first.points] == [0, 11_000, 21_999, 22_000, 25_000]
    assert second.points == ((0.0, 7.0),)
    assert matrix.warnings == ("slow",)


def test_parts_cover_each_point_once() -> None:
    for points in (1, 2, POINTS_AT_MOST, POINTS_AT_MOST + 1, 3 * POINTS_AT_MOST + 5):
        end = 7 + 15 * (points - 1)
        grid = [t for s, e, step in split_range(7, end, 15) for t in range(s, e + 1, step)]
        assert grid == list(range(7, end + 1, 15))
    with pytest.raises(QueryRefused, match="step at least"):
        list(split_range(0, 10, 0))
