"""A service's recorded past with known incidents, in the embedded store, for replays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from holdfast.catalog.openslo import to_openslo
from holdfast.model.slo import SLO, BurnTier, RatioIndicator
from holdfast.promql.store_writer import SampleWriter

END = 1_770_000_000 // 3600 * 3600
INTERVAL = 30
HOURS = 48

TIERS = (
    BurnTier(
        name="page-fast",
        action="page",
        budget_fraction=0.05,
        long_window_seconds=1800,
        short_window_seconds=300,
    ),
    BurnTier(
        name="ticket",
        action="ticket",
        budget_fraction=0.1,
        long_window_seconds=6 * 3600,
        short_window_seconds=1800,
    ),
)
SHOP = SLO(
    name="checkout answers",
    service="shop",
    kind="availability",
    indicator=RatioIndicator(
        bad_query='sum(rate(http_requests_total{service="shop",code="500"}[$window]))',
        total_query='sum(rate(http_requests_total{service="shop"}[$window]))',
    ),
    objective=0.99,
    period_seconds=7 * 86_400,
    tiers=TIERS,
)


@dataclass(frozen=True)
class Outage:
    """From an hour of the past on, for so many minutes, so deep."""

    hour: float
    minutes: float
    depth: float

    @property
    def start(self) -> float:
        """Unix seconds."""
        return END - HOURS * 3600 + self.hour * 3600


OUTAGES = (Outage(14, 20, 0.6), Outage(24, 150, 0.06), Outage(40, 4, 0.05))
"""Deep and short; shallow and long; one too small to matter."""


@dataclass(frozen=True)
class PastCounters:
    """Counters of answers with code 200 and 500; times are Unix seconds."""

    times: list[int]
    good: list[int]
    bad: list[int]


def past_counters(outages: Sequence[Outage] = OUTAGES, *, seed: int = 5) -> PastCounters:
    """Make 48 hours, scraped each 30 s: a daily wave, few errors, and outages."""
    chance = np.random.default_rng(seed)
    count = HOURS * 3600 // INTERVAL
    times = END - HOURS * 3600 + INTERVAL * np.arange(1, count + 1)
    wave = 1 + 0.6 * np.sin(times / 86_400 * 2 * np.pi)
    total = chance.poisson(10 * INTERVAL * wave)
    ratio = np.full(count, 0.001)
    for one in outages:
        ratio[(times > one.start) & (times <= one.start + one.minutes * 60)] = one.depth
    bad = chance.binomial(total, ratio)
    return PastCounters(times.tolist(), np.cumsum(total - bad).tolist(), np.cumsum(bad).tolist())


def record_past(folder: Path, outages: Sequence[Outage] = OUTAGES, *, seed: int = 5) -> Path:
    """Write them into an embedded store."""
    made = past_counters(outages, seed=seed)
    writer = SampleWriter(folder, interval_seconds=INTERVAL, retention_seconds=30 * 86_400)
    labels = {"__name__": "http_requests_total", "service": "shop"}
    ids = [writer.series_id({**labels, "code": code}) for code in ("200", "500")]
    for at, good, failed in zip(made.times, made.good, made.bad, strict=True):
        writer.append("shop", at * 1000, ids, [good, failed])
    writer.close()
    return folder


def write_openmetrics(path: Path, made: PastCounters) -> Path:
    """Write them as OpenMetrics text with times, as `promtool tsdb create-blocks-from` reads."""
    with path.open("w", encoding="utf-8") as file:
        file.write("# TYPE http_requests counter\n")
        for code, values in (("200", made.good), ("500", made.bad)):
            series = f'http_requests_total{{code="{code}",service="shop"}}'
            for at, value in zip(made.times, values, strict=True):
                file.write(f"{series} {value} {at}\n")
        file.write("# EOF\n")
    return path


def write_openslo(path: Path, slo: SLO = SHOP) -> Path:
    """Write the objective as an OpenSLO file."""
    path.write_text(to_openslo(slo), encoding="utf-8")
    return path
