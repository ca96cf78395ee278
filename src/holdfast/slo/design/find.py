"""Finds the metrics that tell of one service's requests, by the names that are known."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from holdfast.catalog.families import FAMILIES
from holdfast.catalog.search import Search, Seen, service_names, services
from holdfast.errors import NotFound, PromQLUnsupported

_NAMES_TOLD = 8
_INTERVAL_WINDOWS_SECONDS = (10, 60, 600, 3600)
_SAMPLES_AT_LEAST = 4


@dataclass(frozen=True)
class RequestMetrics:
    """What tells of a service's requests.

    `latency` is None where no classic histogram does. `gaps` say what is missing, in sentences.
    """

    service: str
    traffic: Seen
    latency: Seen | None
    scrape_seconds: float | None
    """How far apart samples are; None = too few to tell."""
    gaps: tuple[str, ...]


def find_requests(search: Search, service: str) -> RequestMetrics:
    """Return what is known of a service's requests. Raises NotFound naming what there is."""
    seen = services(search, only=service).get(service, [])
    native = native_histograms(search)
    if not seen:
        raise _not_found(search, service, native)
    traffic = next((s for s in seen if s.metric.status_label), seen[0])
    latency = next((s for s in (traffic, *seen) if _has_buckets(search, s)), None)
    return RequestMetrics(
        service=service,
        traffic=traffic,
        latency=latency,
        scrape_seconds=scrape_seconds(search, traffic.metric.family.counter),
        gaps=tuple(_gaps(traffic, latency, native)),
    )


def native_histograms(search: Search) -> tuple[str, ...]:
    """Return the known request metrics that exist as native histograms only.

    Where the evaluator refuses to say, those that may be are named.
    """
    return tuple(
        family.metric
        for family in FAMILIES
        if family.kind == "histogram"
        and search.has(family.metric)
        and not search.has(f"{family.metric}_bucket")
        and _may_be_native(search, family.metric)
    )


def scrape_seconds(search: Search, metric: str) -> float | None:
    """Return how far apart a metric's samples are, by counting them in the shortest window."""
    for window in _INTERVAL_WINDOWS_SECONDS:
        query = f"max(count_over_time({metric}[{window}s]))"
        found = search.number(query)
        if found is not None and found >= _SAMPLES_AT_LEAST:
            return window / found
    return None


def _may_be_native(search: Search, metric: str) -> bool:
    """A summary has the same name, and no histogram in it."""
    try:
        return search.number(f"count(histogram_count({metric}))") is not None
    except PromQLUnsupported:
        return True


def _has_buckets(search: Search, seen: Seen) -> bool:
    family = seen.metric.family
    return family.kind == "histogram" and search.has(f"{family.metric}_bucket")


def _gaps(traffic: Seen, latency: Seen | None, native: Sequence[str]) -> list[str]:
    found: list[str] = []
    if traffic.metric.status_label is None:
        found.append(
            f"{traffic.metric.family.counter} has no label that tells failed requests: "
            "no availability objective"
        )
    if latency is None:
        found.append("no histogram with buckets (`le`): no latency objective")
    if latency is None and native:
        found.append(_native_sentence(native))
    return found


def _native_sentence(native: Sequence[str]) -> str:
    return (
        f"{', '.join(native)} is a native histogram: objectives on native histograms are not "
        "written (expose classic buckets beside it, or name an indicator of your own in the "
        "requirements)"
    )


def _not_found(search: Search, service: str, native: Sequence[str]) -> NotFound:
    names = service_names(search)
    if native:
        return NotFound(f"no request metric tells of {service!r}; {_native_sentence(native)}")
    known = next((f.counter for f in FAMILIES if search.has(f.counter)), None)
    if not names and known is not None:
        when = datetime.fromtimestamp(search.at, UTC)
        return NotFound(
            f"{search.source.name} knows {known}, and has no sample of it at {when:%Y-%m-%d %H:%M} "
            "UTC",
            hint="for a past that has ended, say as of when: --at 2026-01-31T12:00:00Z",
        )
    if not names:
        return NotFound(
            f"{search.source.name} has no request metric of a known name",
            hint="name an indicator of your own in the requirements: indicators[0]",
        )
    near = difflib.get_close_matches(service, names, n=_NAMES_TOLD, cutoff=0.5) or names
    told = ", ".join(near[:_NAMES_TOLD]) + (", …" if len(near) > _NAMES_TOLD else "")
    return NotFound(
        f"no request metric of a known name tells of a service {service!r}",
        hint=f"found were: {told}",
    )
