"""Edge and load as processes: they say where they listen, stop when asked, end with the parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

EDGE = ("holdfast.lab.edge", "--admin-port", "0", "--listen", "shop=0")
LOAD = ("holdfast.lab.load", "--target", "http://127.0.0.1:1", "--port", "0")


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _ready(process: subprocess.Popen[str]) -> dict[str, int]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


@pytest.fixture(params=[EDGE, LOAD], ids=["edge", "load"])
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return request.param


@pytest.fixture
def process(command: tuple[str, ...]) -> Iterator[subprocess.Popen[str]]:
    with _start(*command) as started:
        yield started
        started.kill()


def test_it_listens_where_it_says_and_stops_when_asked(process: subprocess.Popen[str]):
    ready = _ready(process)
    port = ready.get("admin") or ready["port"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
        assert json.load(answer)["status"] == "ok"
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0


def test_it_ends_when_its_parent_is_killed(command: tuple[str, ...]):
    parent_code = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-m', *{command!r}], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent_code], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 5
    while _is_running(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_running(child)


def test_it_exits_where_its_parent_is_gone_already(command: tuple[str, ...]):
    with _start(*command, "--parent-pid", "1") as process:
        assert process.wait(5) == 0


def test_a_port_in_use_is_said_in_one_line():
    with _start(*EDGE) as first:
        port = _ready(first)["admin"]
        with _start("holdfast.lab.edge", "--admin-port", str(port), "--listen", "a=0") as second:
            assert second.wait(5) == 1
            assert second.stderr is not None
            assert "address already in use" in second.stderr.read()
        first.terminate()


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z" and os.path.exists(f"/proc/{pid}")
