"""Made-up pasts of services whose truth is known, as the embedded store or as OpenMetrics text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.promql.store_writer import SampleWriter

Counts = NDArray[np.float64]

DAY_SECONDS = 86_400.0
END = 1_760_000_400.0
"""A time at which a five-minute step ends."""
METRIC = "http_server_request_duration_seconds"
BOUNDS = (0.1, 0.25, 1.0)


@dataclass(frozen=True)
class Outage:
    """A fraction of a route's requests fails for a while; times are seconds before the end."""

    begins_before_end: float
    lasts_seconds: float
    bad_fraction: float


@dataclass(frozen=True)
class Route:
    """One endpoint: its traffic, and which part of it is bad at any time."""

    name: str
    per_second: float
    bad_fraction: float = 0.0
    within: tuple[float, ...] = (0.9, 0.998, 0.9999)
    """The fraction of requests within each bound."""


@dataclass(frozen=True)
class Counter:
    """One series: labels, and its value at each scrape."""

    labels: Mapping[str, str]
    values: Counts


@dataclass(frozen=True)
class ServicePast:
    """Counters of a service, scraped at even distances up to `END`."""

    times: Counts
    counters: tuple[Counter, ...]
    bad_events: float
    total_events: float

    def write_store(self, folder: Path) -> Path:
        """Write the embedded store, and return its folder."""
        interval = float(self.times[1] - self.times[0])
        writer = SampleWriter(folder, interval_seconds=interval, retention_seconds=400 * 86_400)
        ids = [writer.series_id(counter.labels) for counter in self.counters]
        values = np.array([counter.values for counter in self.counters])
        for place, at in enumerate(self.times.tolist()):
            writer.append("shop", round(at * 1000), ids, values[:, place].tolist())
        writer.close()
        return folder

    def open_metrics(self) -> Iterator[str]:
        """Yield the lines of an OpenMetrics text with timestamps."""
        yield f"# TYPE {METRIC} histogram"
        for counter in self.counters:
            told = ",".join(f'{k}="{v}"' for k, v in counter.labels.items() if k != "__name__")
            name = counter.labels["__name__"]
            pairs = zip(self.times.tolist(), counter.values.tolist(), strict=True)
            yield from (f"{name}{{{told}}} {value:.0f} {at:.3f}" for at, value in pairs)
        yield "# EOF"


def service_past(
    *,
    service: str = "shop",
    days: float = 3.0,
    interval_seconds: float = 60.0,
    routes: Sequence[Route] = (Route("/cart", 40.0, 0.0001),),
    outages: Sequence[Outage] = (),
    labels: Mapping[str, str] | None = None,
    seed: int = 1,
) -> ServicePast:
    """Return a past with daily waves of traffic; every route has the same outages."""
    chance = np.random.default_rng(seed)
    count = round(days * DAY_SECONDS / interval_seconds) + 1
    times = END - interval_seconds * np.arange(count - 1, -1, -1.0)
    counters: list[Counter] = []
    bad_events = total_events = 0.0
    for route in routes:
        wave = 1 + 0.5 * np.sin(2 * np.pi * times / DAY_SECONDS)
        drawn = chance.poisson(route.per_second * interval_seconds * wave)
        events = np.asarray(drawn, dtype=np.float64)
        bad = np.asarray(
            chance.binomial(drawn, _bad_fraction(times, route, outages)), dtype=np.float64
        )
        bad_events += float(bad[1:].sum())
        total_events += float(events[1:].sum())
        base = {"service_name": service, "http_route": route.name, **(labels or {})}
        for status, part in (("200", events - bad), ("500", bad)):
            own = {**base, "http_response_status_code": status}
            counters.extend(_histogram(own, part, route.within))
    return ServicePast(times, tuple(counters), bad_events, total_events)


def _bad_fraction(times: Counts, route: Route, outages: Sequence[Outage]) -> Counts:
    found = np.full(len(times), route.bad_fraction)
    for outage in outages:
        begin = END - outage.begins_before_end
        inside = (times > begin) & (times <= begin + outage.lasts_seconds)
        found[inside] = outage.bad_fraction
    return found


def _histogram(
    labels: Mapping[str, str], events: Counts, within: Sequence[float]
) -> Iterator[Counter]:
    total = np.cumsum(events)
    for bound, fraction in zip(BOUNDS, within, strict=True):
        bucket = {"__name__": f"{METRIC}_bucket", **labels, "le": f"{bound:g}"}
        yield Counter(bucket, np.floor(total * fraction))
    yield Counter({"__name__": f"{METRIC}_bucket", **labels, "le": "+Inf"}, total)
    yield Counter({"__name__": f"{METRIC}_count", **labels}, total)
    yield Counter({"__name__": f"{METRIC}_sum", **labels}, 0.08 * total)


def many_services(
    count: int, *, days: float = 30.0, interval_seconds: float = 120.0, seed: int = 2
) -> ServicePast:
    """Return the past of many services, few series each: two statuses, one finite bucket."""
    chance = np.random.default_rng(seed)
    scrapes = round(days * DAY_SECONDS / interval_seconds) + 1
    times = END - interval_seconds * np.arange(scrapes - 1, -1, -1.0)
    counters: list[Counter] = []
    for number in range(count):
        events = chance.poisson(interval_seconds * 5.0, scrapes)
        bad = chance.binomial(events, 0.0003)
        base = {"service_name": f"service-{number:03}"}
        for status, part in (("200", events - bad), ("500", bad)):
            labels = {**base, "code": status, "__name__": "http_requests_total"}
            counters.append(Counter(labels, np.cumsum(part).astype(float)))
        total = np.cumsum(events).astype(float)
        for le, within in (("0.3", np.floor(0.998 * total)), ("+Inf", total)):
            bucket = {**base, "__name__": "http_request_duration_seconds_bucket", "le": le}
            counters.append(Counter(bucket, within))
        counters.append(Counter({**base, "__name__": "http_request_duration_seconds_count"}, total))
    return ServicePast(times, tuple(counters), 0.0, 0.0)
