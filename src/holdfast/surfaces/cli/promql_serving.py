"""How `holdfast promql serve` runs: import, say what was found, serve."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from holdfast.errors import InputError
from holdfast.promql.memory import MemorySamples
from holdfast.promql.samples import StoredSeries
from holdfast.promql.serve.api import Api, Semantics
from holdfast.promql.serve.openmetrics import read_openmetrics
from holdfast.promql.serve.server import serve


def serve_files(files: Sequence[Path], *, port: int, windows: str, lookback_seconds: float) -> None:
    """Serve the files' series until interrupted.

    Raises InputError for an option or a file that cannot be used, OSError for one not readable.
    """
    semantics = _semantics(windows, lookback_seconds)
    started = time.monotonic()
    series = read_openmetrics(files, _progress)
    _say(f"{_described(series)}, read in {time.monotonic() - started:.1f} s")
    serve(Api(MemorySamples(series), semantics), port, _ready)


def _semantics(windows: str, lookback_seconds: float) -> Semantics:
    if not 0 < lookback_seconds < float("inf"):
        raise InputError(f"--lookback {lookback_seconds:g}: a positive number of seconds")
    if windows == "closed":
        return Semantics("closed", lookback_seconds)
    if windows == "left-open":
        return Semantics("left_open", lookback_seconds)
    raise InputError(f"--windows {windows}: left-open or closed")


def _described(series: Sequence[StoredSeries]) -> str:
    samples = sum(one.times_ms.size for one in series)
    if not samples:
        return "no samples"
    first = min(int(one.times_ms[0]) for one in series) / 1000
    last = max(int(one.times_ms[-1]) for one in series) / 1000
    return f"{samples:,} samples of {len(series):,} series from {_moment(first)} to {_moment(last)}"


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _progress(samples: int) -> None:
    _say(f"{samples:,} samples read …")


def _ready(url: str) -> None:
    print(f"serving the Prometheus HTTP API on {url}", flush=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
