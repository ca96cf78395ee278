"""Counters of requests, some with resets and gaps, as arrays and as OpenMetrics text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from holdfast.promql.samples import StoredSeries

METRIC = "http_requests_total"
SCRAPE_SECONDS = 60
_BAD_OF_TEN = 0
"""One series in ten counts errors."""


def make_series(count: int, days: float, end: int, seed: int = 11) -> list[StoredSeries]:
    """Return counters that end at a Unix time: every fifth is reset weekly, every seventh has gaps.

    One in ten has `code="500"` and grows slowly.
    """
    chance = np.random.default_rng(seed)
    samples = round(days * 86_400 / SCRAPE_SECONDS)
    times = (end - np.arange(samples, dtype=np.int64)[::-1] * SCRAPE_SECONDS) * 1000
    return [_counter(chance, number, times) for number in range(count)]


def _counter(chance: np.random.Generator, number: int, times: np.ndarray) -> StoredSeries:
    bad = number % 10 == _BAD_OF_TEN
    day = np.sin(times / 86_400_000 * 2 * np.pi)
    rate = (0.5 if bad else 300.0) * (1.2 + day)
    values = np.cumsum(chance.poisson(rate)).astype(np.float64)
    if number % 5 == 0:
        for reset in range(chance.integers(1, 10_080), times.size, 10_080):
            values[reset:] -= values[reset]
    kept = np.ones(times.size, dtype=np.bool_)
    if number % 7 == 0:
        for gap in chance.integers(0, times.size, 20):
            kept[gap : gap + 90] = False
    labels = {"__name__": METRIC, "instance": f"i{number}", "code": "500" if bad else "200"}
    return StoredSeries(labels, times[kept], values[kept])


def write_openmetrics(series: list[StoredSeries], path: Path) -> None:
    """Write the series by time, as a backfill reads them with little memory."""
    texts = [
        f'{METRIC}{{instance="{one.labels["instance"]}",code="{one.labels["code"]}"}}'
        for one in series
    ]
    times = np.concatenate([one.times_ms for one in series]) // 1000
    values = np.concatenate([one.values for one in series]).astype(np.int64)
    owners = np.repeat(np.arange(len(series)), [one.times_ms.size for one in series])
    order = np.argsort(times, kind="stable")
    with path.open("w", encoding="utf-8") as out:
        out.write(f"# TYPE {METRIC.removesuffix('_total')} counter\n")
        for part in np.array_split(order, max(1, order.size // 500_000)):
            rows = zip(owners[part].tolist(), values[part].tolist(), times[part].tolist())  # noqa: B905
            out.writelines([f"{texts[owner]} {value} {at}\n" for owner, value, at in rows])
        out.write("# EOF\n")
