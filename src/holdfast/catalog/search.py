"""Asks a metrics source who serves requests there, by label values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from holdfast.catalog.families import (
    CALL_GRAPHS,
    FAMILIES,
    SERVICE_LABELS,
    STATUS_LABELS,
    VERSION_LABELS,
    RequestFamily,
)
from holdfast.catalog.proposals import RequestMetric
from holdfast.catalog.reader import MetricsReader

Labels = Mapping[str, str]


class Search:
    """Asks the source at one time, each question once."""

    def __init__(self, source: MetricsReader, at: float) -> None:
        self.source = source
        self.at = at
        self._names: frozenset[str] | None = None
        self._labels: dict[str, tuple[Labels, ...]] = {}
        self._numbers: dict[str, float | None] = {}

    def has(self, name: str) -> bool:
        """Whether a metric of that name exists."""
        if self._names is None:
            self._names = frozenset(self.source.metric_names())
        return name in self._names

    def number(self, query: str) -> float | None:
        """Return the value of an expression that gives one series now; None = no data."""
        if query not in self._numbers:
            samples = self.source.query(query, self.at).samples
            self._numbers[query] = samples[0].value if samples else None
        return self._numbers[query]

    def combinations(self, selector: str, labels: Iterable[str]) -> tuple[Labels, ...]:
        """Return the combinations of values that these labels have now."""
        query = f"count by ({', '.join(dict.fromkeys(labels))}) ({selector})"
        if query not in self._labels:
            vector = self.source.query(query, self.at)
            self._labels[query] = tuple(sample.labels for sample in vector.samples)
        return self._labels[query]


@dataclass(frozen=True)
class Seen:
    """A family's series that carry one service's name."""

    metric: RequestMetric
    label: str
    value: str
    version_label: str | None


def services(search: Search, only: str | None = None) -> dict[str, list[Seen]]:
    """Each service with all families that tell of it, preferred ones first.

    `only`: look at the service of that name, and ask for nothing else.
    """
    found: dict[str, list[Seen]] = {}
    for family in FAMILIES:
        if search.has(family.counter):
            for seen in _seen(search, family, only):
                found.setdefault(service_name(seen.label, seen.value), []).append(seen)
    return dict(sorted(found.items()))


def service_names(search: Search) -> tuple[str, ...]:
    """Return the names of all services that a known metric tells of, sorted."""
    found: set[str] = set()
    for family in FAMILIES:
        if search.has(family.counter):
            label, series = _named(search, family)
            found |= {service_name(label, s[label]) for s in series} if label else set()
    return tuple(sorted(found))


def service_name(label: str, value: str) -> str:
    """Return a service's name; OpenTelemetry writes `namespace/name` into `job`."""
    return value.rsplit("/", 1)[-1] if label == "job" else value


def _seen(search: Search, family: RequestFamily, only: str | None) -> list[Seen]:
    label, series = _named(search, family)
    if label is None:
        return []
    values = sorted({s[label] for s in series})
    wanted = [v for v in values if only is None or service_name(label, v) == only]
    return [_seen_service(search, family, label, value, series) for value in wanted]


def _named(search: Search, family: RequestFamily) -> tuple[str | None, Sequence[Labels]]:
    """The label that names the services of a family, and its values with the versions'."""
    candidates = dict.fromkeys((*family.service_labels, *SERVICE_LABELS))
    selector = f"{family.counter}{{{family.only}}}" if family.only else family.counter
    series = search.combinations(selector, (*candidates, *VERSION_LABELS))
    return next((c for c in candidates if series and all(s.get(c) for s in series)), None), series


def _seen_service(
    search: Search, family: RequestFamily, label: str, value: str, series: Sequence[Labels]
) -> Seen:
    matchers = ",".join(part for part in (f"{label}={quoted(value)}", family.only) if part)
    statuses = search.combinations(f"{family.counter}{{{matchers}}}", STATUS_LABELS)
    status = next((s for s in STATUS_LABELS if any(c.get(s) for c in statuses)), None)
    own = [s for s in series if s.get(label) == value]
    version = next((v for v in VERSION_LABELS if any(s.get(v) for s in own)), None)
    return Seen(RequestMetric(family, matchers, status), label, value, version)


def quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def calls(search: Search, names: Iterable[str]) -> dict[str, set[str]] | None:
    """Return who calls whom among these services; None = no metric tells."""
    known = set(names)
    for metric, caller, called in CALL_GRAPHS:
        if search.has(metric):
            edges = search.combinations(metric, (caller, called))
            pairs = {(edge.get(caller, ""), edge.get(called, "")) for edge in edges}
            return {
                name: {second for first, second in pairs if first == name and second != name}
                & known
                for name in known
            }
    return None
