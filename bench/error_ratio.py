"""An error ratio over 30 days, asked every 5 minutes of 90 days, beside a real Prometheus.

Run: python bench/error_ratio.py [--days N] [--series N] [--no-peer]. The peer is made from the same
data: OpenMetrics text, back-filled by promtool, served by the installed Prometheus (2.x: windows
closed on both sides). Data are in memory on both sides: the peer is warmed by an instant query over
all of it, and the text's import into ours is printed apart. CPU is that of the whole process, ours
by the process clock, the peer's from /proc. With the default of 90 days the peer takes some minutes
and 1.2 GB of disk in a temporary folder; `--days 10` is quick, its window is then a third of that.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from error_ratio_parts.data import METRIC, make_series, write_openmetrics
from error_ratio_parts.peer import backfill, running

from holdfast.promql.engine import Engine
from holdfast.promql.memory import MemorySamples
from holdfast.promql.samples import StoredSeries
from holdfast.promql.serve.openmetrics import read_openmetrics

STEP_SECONDS = 300
FURTHER_RUNS = 3


@dataclass(frozen=True)
class Question:
    """The query and its instants, Unix seconds."""

    promql: str
    times: np.ndarray


def question(days: float, end: int, window_days: float) -> Question:
    """Return the error ratio over the window at each step of so many days."""
    window = f"[{round(window_days * 86_400)}s]"
    ratio = f'sum(increase({METRIC}{{code="500"}}{window})) / sum(increase({METRIC}{window}))'
    return Question(ratio, np.arange(end - round(days * 86_400), end + 1, STEP_SECONDS))


def cpu_seconds(run: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """Return the CPU that a run took in this process, and what it gave."""
    started = time.process_time()
    values = run()
    return time.process_time() - started, values


def ask(engine: Engine, asked: Question) -> np.ndarray:
    """Return the only series' values at the question's instants, NaN where there is none."""
    first, last = float(asked.times[0]), float(asked.times[-1])
    [series] = engine.range(asked.promql, first, last, STEP_SECONDS).series
    found = np.full(asked.times.size, np.nan)
    at = np.array([point[0] for point in series.points])
    found[np.round((at - first) / STEP_SECONDS).astype(int)] = [p[1] for p in series.points]
    return found


@dataclass(frozen=True)
class Ours:
    """CPU seconds of the first query, with preparation, and of the best of further ones."""

    first: float
    further: float
    values: np.ndarray


def measure_ours(series: list[StoredSeries], asked: Question) -> Ours:
    """Return what the embedded evaluator takes."""

    def first_query() -> np.ndarray:
        nonlocal engine
        engine = Engine(MemorySamples(series), windows="closed")
        return ask(engine, asked)

    engine: Engine | None = None
    first, values = cpu_seconds(first_query)
    assert engine is not None
    ready = engine
    further = [cpu_seconds(lambda: ask(ready, asked))[0] for _ in range(FURTHER_RUNS)]
    return Ours(first, sorted(further)[len(further) // 2], values)


def measure_peer(folder: Path, asked: Question) -> tuple[float, np.ndarray]:
    """Return the CPU seconds that Prometheus takes for the question, and its values."""
    with running(folder) as peer:
        peer.range(f"count(count_over_time({METRIC}[10y]))", asked.times[-1:], 60)
        started = peer.cpu_seconds()
        values = peer.range(asked.promql, asked.times, STEP_SECONDS)
        return peer.cpu_seconds() - started, values


def compare(series: list[StoredSeries], asked: Question, ours: Ours) -> None:
    """Print the peer's figures beside ours, and the time to load from disk."""
    with tempfile.TemporaryDirectory(prefix="holdfast-error-ratio-") as name:
        folder, text = Path(name), Path(name) / "data.om"
        started = time.monotonic()
        write_openmetrics(series, text)
        print(f"{text.stat().st_size / 1e6:.0f} MB of text in {time.monotonic() - started:.0f} s")
        started = time.process_time()
        loaded = read_openmetrics([text], lambda count: print(f"  {count:,} samples read"))
        print(f"Holdfast: import of the text {time.process_time() - started:.1f} CPU s")
        assert sum(one.times_ms.size for one in loaded) == sum(s.times_ms.size for s in series)
        started = time.monotonic()
        backfill(text, folder / "data")
        print(f"Prometheus: backfill {time.monotonic() - started:.0f} s")
        theirs, values = measure_peer(folder, asked)
    assert np.array_equal(np.isnan(values), np.isnan(ours.values))
    different = np.nanmax(np.abs(ours.values / values - 1))
    print(f"{'':<38}{'CPU s':>10}{'ratio':>9}")
    print(f"{'Prometheus':<38}{theirs:>10.2f}")
    rows = (("first, with preparation", ours.first), ("further (median of 3)", ours.further))
    for what, taken in rows:
        print(f"{'Holdfast, ' + what:<38}{taken:>10.3f}{theirs / taken:>8.0f}x")
    print(f"greatest relative difference {different:.1e} over {values.size} values")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=90.0, help="days that are asked for")
    parser.add_argument("--series", type=int, default=100)
    parser.add_argument("--no-peer", action="store_true", help="ours only")
    options = parser.parse_args()
    window_days = options.days / 3
    end = int(time.time()) // 3600 * 3600 - 86_400
    series = make_series(options.series, options.days + window_days, end)
    asked = question(options.days, end, window_days)
    samples = sum(one.times_ms.size for one in series)
    print(f"{len(series)} series, {samples:,} samples; {asked.times.size} steps, {asked.promql}")
    ours = measure_ours(series, asked)
    print(f"values from {np.nanmin(ours.values):.6g} to {np.nanmax(ours.values):.6g}")
    print(f"Holdfast: first {ours.first:.3f} CPU s, further {ours.further:.3f} CPU s")
    if options.no_peer:
        return
    if not (shutil.which("prometheus") and shutil.which("promtool")):
        print("no peer: prometheus and promtool are not installed")
        return
    compare(series, asked, ours)


if __name__ == "__main__":
    main()
