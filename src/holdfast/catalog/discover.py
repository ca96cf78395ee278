"""Finds services in a metrics source by the names of common exporters and OpenTelemetry.

Asks only for label values and one bucket distribution a service; writes nothing. What is not
found is said, never made up.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from holdfast.catalog.defaults import DEFAULT_LATENCY_OBJECTIVE
from holdfast.catalog.families import (
    SERVICE_LABELS,
    SIDE_METRICS,
)
from holdfast.catalog.proposals import (
    Boundary,
    RequestMetric,
    availability_slo,
    latency_slo,
    request_signals,
)
from holdfast.catalog.reader import MetricsReader
from holdfast.catalog.search import Search, Seen, calls, quoted, services
from holdfast.model.config import ChangesSettings, Config, MetricsSettings
from holdfast.model.service import Service, Signal
from holdfast.model.slo import SLO

LOOKBACK = "1d"
"""How far back the latency of today is measured to choose a boundary."""

HEALTHY_FRACTION = 1 - (1 - DEFAULT_LATENCY_OBJECTIVE) / 2
"""A boundary is proposed where today's traffic leaves half of the error budget."""


@dataclass(frozen=True)
class Finding:
    """One service: what was found, what was not, and what is proposed."""

    service: Service
    slos: tuple[SLO, ...]
    found: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Discovery:
    """All that was found behind one source."""

    source: str
    config: Config
    findings: tuple[Finding, ...]
    gaps: tuple[str, ...]


def discover(
    source: MetricsReader,
    *,
    prometheus_url: str,
    metrics: MetricsSettings | None = None,
    repositories: Sequence[Path] = (),
    at: float | None = None,
) -> Discovery:
    """Return a configuration for what the source knows now, or knew at Unix time `at`.

    `metrics` keeps settings such as a token's variable or a tenant. A repository belongs to the
    service of its folder's name, or to the only service there is. Raises what the source raises.
    """
    search = Search(source, time.time() if at is None else at)
    seen = services(search)
    graph = calls(search, seen)
    findings = [_examine(search, name, found, graph or {}) for name, found in seen.items()]
    findings, changes, gaps = _with_repositories(findings, repositories)
    if not findings:
        gaps = ("no request metric of a known name was found", *gaps)
    config = Config(
        metrics=metrics or MetricsSettings(url=prometheus_url),
        services=tuple(finding.service for finding in findings),
        slos=tuple(slo for finding in findings for slo in finding.slos),
        changes=changes,
    )
    if graph is None:
        gaps = (*gaps, "no metric tells who calls whom: fill in depends_on, to group alerts")
    return Discovery(source.name, config, tuple(findings), gaps)


def _examine(
    search: Search, name: str, seen: Sequence[Seen], graph: Mapping[str, set[str]]
) -> Finding:
    traffic = next((s for s in seen if s.metric.status_label), seen[0])
    latency = _with_buckets(search, (traffic, *seen))
    boundary = None if latency is None else _boundary(search, latency.metric)
    signals = request_signals(traffic.metric, latency.metric if latency else None, boundary)
    side, side_found = _side_signals(search, name, seen, traffic.metric)
    signals.update(side)
    version = next((s.version_label for s in (traffic, *seen) if s.version_label), None)
    service = Service(
        name=name,
        namespace=traffic.value.rpartition("/")[0] if traffic.label == "job" else "",
        depends_on=tuple(sorted(graph.get(name, set()))),
        version_label=version or "service_version",
        signals=signals,
    )
    slos = tuple(_slos(name, traffic.metric, latency.metric if latency else None, boundary))
    return Finding(
        service=service,
        slos=slos,
        found=(*_found(traffic, latency, boundary, version), *side_found),
        missing=tuple(_missing(signals, traffic, latency, boundary, version)),
    )


def _with_buckets(search: Search, seen: Sequence[Seen]) -> Seen | None:
    for candidate in seen:
        family = candidate.metric.family
        if family.kind == "histogram" and search.has(f"{family.metric}_bucket"):
            return candidate
    return None


def _slos(
    name: str,
    traffic: RequestMetric,
    latency: RequestMetric | None,
    boundary: Boundary | None,
) -> Iterable[SLO]:
    if traffic.status_label is not None:
        yield availability_slo(name, traffic)
    if latency is not None and boundary is not None:
        yield latency_slo(name, latency, boundary)


def _boundary(search: Search, latency: RequestMetric) -> Boundary | None:
    """The smallest finite boundary that enough of the last day's requests kept; None = none did."""
    buckets = f"{latency.family.metric}_bucket{{{latency.matchers}}}"
    vector = search.source.query(f"sum by (le) (increase({buckets}[{LOOKBACK}]))", search.at)
    counts = sorted((float(s.labels["le"]), s.labels["le"], s.value) for s in vector.samples)
    if not counts or counts[-1][2] <= 0:
        return None
    total = counts[-1][2]
    for value, le, count in counts[:-1]:
        if count / total >= HEALTHY_FRACTION:
            return Boundary(le, value * latency.family.seconds_per_unit, count / total)
    return None


def _side_signals(
    search: Search, name: str, seen: Sequence[Seen], traffic: RequestMetric
) -> tuple[dict[Signal, str], tuple[str, ...]]:
    wanted = {name, *(s.value for s in seen)}
    signals: dict[Signal, str] = {}
    found: list[str] = []
    for side in SIDE_METRICS:
        if side.signal in signals or not all(search.has(metric) for metric in side.needs):
            continue
        matchers = _matchers_of(search, side.needs[0], wanted)
        if matchers is not None:
            written = side.template.replace("<matchers>", matchers)
            signals[side.signal] = written.replace("<requests>", traffic.rate(True))
            found.append(f"{side.signal.value} from {side.needs[0]} ({side.origin})")
    return signals, tuple(found)


def _matchers_of(search: Search, metric: str, wanted: set[str]) -> str | None:
    """The matcher by which a metric tells that it is the service's, or None."""
    series = search.combinations(metric, SERVICE_LABELS)
    for label in SERVICE_LABELS:
        values = sorted({s[label] for s in series if s.get(label) in wanted})
        if values:
            return f"{label}={quoted(values[0])}"
    return None


# ---- words -----------------------------------------------------------------------------------


def _found(
    traffic: Seen, latency: Seen | None, boundary: Boundary | None, version: str | None
) -> Iterable[str]:
    family = traffic.metric.family
    yield f"requests from {family.counter} ({family.origin}), by {traffic.label}"
    if latency is not None and latency is not traffic:
        yield f"latency from {latency.metric.family.metric} ({latency.metric.family.origin})"
    if boundary is not None:
        yield (
            f"of the requests of the last {LOOKBACK}, {boundary.measured_fraction:.4%} took at "
            f"most {boundary.seconds:g} s"
        )
    if version is not None:
        yield f"versions from the label {version}"


def _missing(
    signals: Mapping[Signal, str],
    traffic: Seen,
    latency: Seen | None,
    boundary: Boundary | None,
    version: str | None,
) -> Iterable[str]:
    if traffic.metric.status_label is None:
        yield "a status label: no availability SLO"
    if latency is None:
        yield "a histogram with buckets: no latency SLO"
    elif boundary is None:
        yield (
            f"a bucket boundary that {HEALTHY_FRACTION:.1%} of the last {LOOKBACK} kept (or "
            "traffic to measure it): no latency SLO"
        )
    if version is None:
        yield "a version label: a new release cannot be told from the one before it"
    expected = (
        Signal.STATEMENTS_PER_REQUEST,
        Signal.CPU_SECONDS_PER_REQUEST,
        Signal.POOL_UTILIZATION,
    )
    yield from (signal.value for signal in expected if signal not in signals)


def _with_repositories(
    findings: Sequence[Finding], repositories: Sequence[Path]
) -> tuple[list[Finding], tuple[ChangesSettings, ...], tuple[str, ...]]:
    """Bind repositories to services; their tags are then read as changes."""
    bound = list(findings)
    changes: list[ChangesSettings] = []
    gaps: list[str] = []
    for repository in (given.absolute() for given in repositories):
        index = _owner(bound, repository.name.removesuffix(".git"))
        if index is None:
            gaps.append(f"the repository {repository} belongs to no service that was found")
            continue
        service = bound[index].service.model_copy(update={"repository": str(repository)})
        bound[index] = _replace_service(bound[index], service)
        changes.append(ChangesSettings(kind="git_tags", path=repository, service=service.name))
    if not repositories:
        gaps.append("no repository was given: changes are not known, fill in changes")
    return bound, tuple(changes), tuple(gaps)


def _owner(findings: Sequence[Finding], name: str) -> int | None:
    same = [index for index, finding in enumerate(findings) if finding.service.name == name]
    if same:
        return same[0]
    return 0 if len(findings) == 1 else None


def _replace_service(finding: Finding, service: Service) -> Finding:
    return Finding(service, finding.slos, finding.found, finding.missing)
