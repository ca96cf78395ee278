"""A real Prometheus for tests: its own folder, its own port, gone at the end."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_BINARY = "prometheus"
_LISTENING = re.compile(r'msg="Listening on" address=(\S+)')
_START_SECONDS = 15.0


def prometheus_binary() -> str:
    """Return the program's path, or skip the test."""
    found = shutil.which(_BINARY)
    if found is None:
        pytest.skip("the program `prometheus` is not installed")
    return found


@contextmanager
def running_prometheus(
    targets_file: Path, folder: Path, *, interval_seconds: float = 1.0
) -> Iterator[str]:
    """Run Prometheus on a file_sd file; give its base URL once it is ready.

    Each target's `job` comes from the file where it stands there, else it is `holdfast`.
    """
    binary = prometheus_binary()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "prometheus.yml"
    config.write_text(json.dumps(_configuration(targets_file, interval_seconds)))
    log_path = folder / "prometheus.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [
                binary,
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--web.listen-address=127.0.0.1:0",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _wait_until_ready(process, log_path)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _configuration(targets_file: Path, interval_seconds: float) -> dict[str, object]:
    """JSON is YAML too."""
    milliseconds = round(interval_seconds * 1000)
    return {
        "global": {
            "scrape_interval": f"{milliseconds}ms",
            "scrape_timeout": f"{round(milliseconds * 0.9)}ms",
        },
        "scrape_configs": [
            {
                "job_name": "holdfast",
                "file_sd_configs": [
                    {"files": [str(targets_file.absolute())], "refresh_interval": "1s"}
                ],
            }
        ],
    }


def _wait_until_ready(process: subprocess.Popen[bytes], log_path: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        log = log_path.read_text()
        if process.poll() is not None:
            raise RuntimeError(f"prometheus ended with {process.returncode}:\n{log}")
        listening = _LISTENING.search(log)
        if listening and _is_ready(f"http://{listening[1]}"):
            return f"http://{listening[1]}"
        time.sleep(0.05)
    raise RuntimeError(f"prometheus was not ready in {_START_SECONDS:g} s:\n{log_path.read_text()}")


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=1) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
