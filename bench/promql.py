"""How fast the embedded PromQL engine answers, beside a plain evaluation step by step.

Run: python bench/promql.py. The plain evaluation does the same arithmetic in Python, one window
after another, as a first version would; both answers are compared before anything is timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.promql.engine import Engine
from holdfast.promql.samples import Matcher, StoredSeries

SERIES = 1000
POINTS = 600
STEP_MS = 1000
SPAN_SECONDS = POINTS * STEP_MS / 1000


@dataclass
class Columns:
    """A store of two metrics, x and y, in memory."""

    series: dict[str, list[StoredSeries]]

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[StoredSeries]:
        """Return the series of one name, cut to the interval."""
        [name] = [one.value for one in matchers if one.label == "__name__"]
        found: list[StoredSeries] = []
        for one in self.series[name]:
            low = one.times_ms.searchsorted(start_ms, "left")
            high = one.times_ms.searchsorted(end_ms, "right")
            found.append(StoredSeries(one.labels, one.times_ms[low:high], one.values[low:high]))
        return found


def make_store() -> Columns:
    """Return counters with jittered times and some resets."""
    chance = np.random.default_rng(7)
    store: dict[str, list[StoredSeries]] = {}
    for name in ("x", "y"):
        store[name] = []
        for number in range(SERIES):
            jitter = chance.integers(-50, 50, POINTS)
            times = np.arange(1, POINTS + 1, dtype=np.int64) * STEP_MS + jitter
            values = np.cumsum(chance.integers(0, 10, POINTS)).astype(np.float64)
            values[POINTS // 2 :] -= values[POINTS // 2]
            labels = {"__name__": name, "instance": f"i{number}", "job": f"j{number % 20}"}
            store[name].append(StoredSeries(labels, times, values))
    return Columns(store)


def plain_rate_sum(store: Columns, name: str, at_ms: int, range_ms: int) -> float:
    """Return sum(rate(name[range])) at one instant, by loops."""
    total = 0.0
    for one in store.series[name]:
        inside = [
            (at, value)
            for at, value in zip(one.times_ms.tolist(), one.values.tolist(), strict=True)
            if at_ms - range_ms < at <= at_ms
        ]
        if len(inside) > 1:
            total += plain_rate(inside, at_ms, range_ms)
    return total


def plain_rate(inside: list[tuple[int, float]], at_ms: int, range_ms: int) -> float:
    """Return Prometheus's extrapolated rate of one window."""
    (first_ms, first), (last_ms, last) = inside[0], inside[-1]
    moved, before = last - first, first
    for _, value in inside[1:]:
        moved += before if value < before else 0.0
        before = value
    to_start, to_end = (first_ms - at_ms + range_ms) / 1000, (at_ms - last_ms) / 1000
    sampled = (last_ms - first_ms) / 1000
    between = sampled / (len(inside) - 1)
    to_start = between / 2 if to_start >= between * 1.1 else to_start
    if moved > 0 and first >= 0:
        to_start = min(to_start, sampled * (first / moved))
    to_end = between / 2 if to_end >= between * 1.1 else to_end
    return moved * (sampled + to_start + to_end) / sampled / (range_ms / 1000)


def best(run: Callable[[], object], times: int) -> float:
    """Return the fastest of several runs, in milliseconds."""
    taken: list[float] = []
    for _ in range(times):
        started = time.perf_counter()
        run()
        taken.append((time.perf_counter() - started) * 1000)
    return min(taken)


def main() -> None:
    """Print the table."""
    store = make_store()
    engine = Engine(store)
    ratio = "sum(rate(x[30s])) / sum(rate(y[30s]))"
    end = SPAN_SECONDS

    def plain(at_ms: int) -> float:
        return plain_rate_sum(store, "x", at_ms, 30_000) / plain_rate_sum(store, "y", at_ms, 30_000)

    got = engine.instant(ratio, end).samples[0].value
    wanted = plain(round(end * 1000))
    assert np.isclose(got, wanted, rtol=1e-12), (got, wanted)
    steps = [round(at * 1000) for at in np.arange(60, end + 1, 5)]
    ours = best(lambda: engine.instant(ratio, end), 20)
    theirs = best(lambda: plain(round(end * 1000)), 3)
    ours_range = best(lambda: engine.range(ratio, 60, end, 5), 5)
    theirs_range = best(lambda: [plain(at) for at in steps], 1)
    print(f"{SERIES} series x {POINTS} points a metric; milliseconds, best run")
    print(f"{'query':<58}{'engine':>9}{'plain':>10}{'ratio':>8}")
    print(f"{ratio + ', instant':<58}{ours:>9.2f}{theirs:>10.1f}{theirs / ours:>7.0f}x")
    name = f"{ratio}, {len(steps)} steps"
    print(f"{name:<58}{ours_range:>9.2f}{theirs_range:>10.1f}{theirs_range / ours_range:>7.0f}x")
    for query in (
        "sum by (job) (rate(x[30s]))",
        "quantile_over_time(0.99, x[1m])",
        "max_over_time(x[5m])",
        "topk(5, rate(x[1m]))",
        "x / on (instance) y",
    ):
        instant = best(lambda query=query: engine.instant(query, end), 10)
        print(f"{query + ', instant':<58}{instant:>9.2f}")


if __name__ == "__main__":
    main()
