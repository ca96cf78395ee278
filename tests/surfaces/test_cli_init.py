"""`init` reaches a protected source with what it is given, and writes down names, never secrets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from in_process import Run, runner

from holdfast.catalog.config import load_config

SECRET = "s3cret-of-ours"


class Gate(BaseHTTPRequestHandler):
    """A metrics server that knows no metric, and lets nobody in without this header."""

    wanted = ("", "")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        name, value = self.wanted
        let_in = self.headers[name] == value
        listing = "/label/" in self.path
        data = "[]" if listing else '{"resultType": "vector", "result": []}'
        body = f'{{"status": "success", "data": {data}}}'.encode()
        self.send_response(200 if let_in else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("OUR_SECRET", SECRET)
    return runner(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("options", "header", "kept"),
    [
        (("--token-env", "OUR_SECRET"), ("Authorization", f"Bearer {SECRET}"),
         {"token_env": "OUR_SECRET"}),
        (("--username", "ann", "--password-env", "OUR_SECRET"),
         ("Authorization", "Basic YW5uOnMzY3JldC1vZi1vdXJz"),
         {"username": "ann", "password_env": "OUR_SECRET"}),
        (("--tenant", "shop"), ("X-Scope-OrgID", "shop"), {"tenant": "shop"}),
    ],
    ids=["token", "basic", "tenant"],
)  # fmt: skip
def test_credentials_are_sent_and_kept_by_name(
    run: Run,
    tmp_path: Path,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    header: tuple[str, str],
    kept: dict[str, str],
):
    monkeypatch.setattr(Gate, "wanted", header)
    refused = run("init", "--prometheus", url)
    refused.refused("401")
    done = run("init", "--prometheus", url, *options)
    assert (done.code, done.err) == (0, "")
    assert "is written; read it" in done.out
    metrics = load_config(tmp_path / "holdfast.yaml").metrics
    assert {name: getattr(metrics, name) for name in kept} == kept
    for path in tmp_path.iterdir():
        assert SECRET not in path.read_text()
    assert SECRET not in done.out
