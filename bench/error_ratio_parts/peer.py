"""A Prometheus of its own with back-filled blocks, and how much CPU it takes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_POINTS_A_REQUEST = 10_000
_START_SECONDS = 120
_QUERY_SECONDS = 1800
_LISTENING = re.compile(r'msg="Listening on" address=(\S+)')


@dataclass
class Peer:
    """A running Prometheus."""

    url: str
    process: subprocess.Popen[bytes]

    def cpu_seconds(self) -> float:
        """Return user and system time so far, of all its threads (proc(5), stat)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def range(self, query: str, times: np.ndarray, step_seconds: int) -> np.ndarray:
        """Return the only series' values at the times, NaN where there is none."""
        found = np.full(times.size, np.nan)
        parts = np.array_split(times, -(-times.size // _POINTS_A_REQUEST))
        for number, part in enumerate(parts, start=1):
            started = time.monotonic()
            for at, value in self._points(query, int(part[0]), int(part[-1]), step_seconds):
                found[round((at - times[0]) / step_seconds)] = float(value)
            print(f"  request {number} of {len(parts)}: {time.monotonic() - started:.1f} s")
        return found

    def _points(self, query: str, start: int, end: int, step: int) -> list[tuple[float, str]]:
        fields = {"query": query, "start": start, "end": end, "step": step}
        url = f"{self.url}/api/v1/query_range?{urllib.parse.urlencode(fields)}"
        with urllib.request.urlopen(url, timeout=_QUERY_SECONDS) as answer:
            result = json.load(answer)["data"]["result"]
        return result[0]["values"] if result else []


def backfill(text: Path, blocks: Path) -> None:
    """Make blocks of OpenMetrics text; raises CalledProcessError with promtool's own words."""
    subprocess.run(
        [
            "promtool",
            "tsdb",
            "create-blocks-from",
            "--quiet",
            "--max-block-duration=744h",
            "openmetrics",
            str(text),
            str(blocks),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )


@contextmanager
def running(folder: Path) -> Iterator[Peer]:
    """Run Prometheus on the blocks in `folder`/data until the end of the context."""
    (folder / "prometheus.yml").write_text("{}\n")
    log_path = folder / "prometheus.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--storage.tsdb.retention.time=10y",
                "--query.timeout=30m",
                "--web.listen-address=127.0.0.1:0",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Peer(_ready(process, log_path), process)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _ready(process: subprocess.Popen[bytes], log_path: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = _LISTENING.search(log_path.read_text())
        if found:
            try:
                with urllib.request.urlopen(f"http://{found[1]}/-/ready", timeout=5):
                    return f"http://{found[1]}"
            except OSError:
                pass  # not yet: asked again
        time.sleep(0.2)
    raise RuntimeError(f"prometheus did not become ready:\n{log_path.read_text()[-2000:]}")
