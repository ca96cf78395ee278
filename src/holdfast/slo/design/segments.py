"""Endpoints, tenants, regions and versions apart: what the sum of all requests may hide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast.catalog.families import SEGMENT_LABELS
from holdfast.catalog.search import Labels, Search
from holdfast.catalog.template import fill
from holdfast.evidence.source import MetricsSource
from holdfast.slo.targets.distributions import beta_quantile

SEGMENTS_AT_MOST = 25
"""Of one label: those with the most bad events. A label with more values is cut there, and told."""

_TAIL = 0.025
"""On each side of a 95 % interval."""


@dataclass(frozen=True)
class Segment:
    """The events of one label's value. `bad_ratio_low` is the lower end of its 95 % interval."""

    value: str
    bad_events: float
    total_events: float
    bad_ratio_low: float

    @property
    def bad_ratio(self) -> float:
        """Bad over all events."""
        return self.bad_events / self.total_events

    @property
    def good_ratio(self) -> float:
        """Good over all events."""
        return 1 - self.bad_ratio


@dataclass(frozen=True)
class SegmentTable:
    """One label's values, those with the most bad events first."""

    dimension: str
    label: str
    segments: tuple[Segment, ...]
    values: int
    """How many the label has."""

    def masked(self, objective: float, aggregate_bad_ratio: float) -> tuple[Segment, ...]:
        """Return the segments that miss an objective which the whole keeps.

        Only those of which it is sure: the lower end of the interval is beyond the budget.
        """
        if aggregate_bad_ratio > 1 - objective:
            return ()
        return tuple(s for s in self.segments if s.bad_ratio_low > 1 - objective)


@dataclass(frozen=True)
class ByLabel:
    """Templates of an indicator with `$by`."""

    bad_query: str
    total_query: str


def segment_labels(search: Search, selector: str) -> dict[str, tuple[str, int]]:
    """Return dimension → (label, how many values it has) for labels with more than one value."""
    candidates = [label for labels in SEGMENT_LABELS.values() for label in labels]
    combinations = search.combinations(selector, candidates)
    found: dict[str, tuple[str, int]] = {}
    for dimension, labels in SEGMENT_LABELS.items():
        counted = ((label, _values(combinations, label)) for label in labels)
        first = next(((label, count) for label, count in counted if count > 1), None)
        if first is not None:
            found[dimension] = first
    return found


def _values(combinations: Sequence[Labels], label: str) -> int:
    return len({labels[label] for labels in combinations if labels.get(label)})


def read_segments(
    source: MetricsSource,
    by_label: ByLabel,
    labels: dict[str, tuple[str, int]],
    window_seconds: float,
    at: float,
) -> tuple[SegmentTable, ...]:
    """Return a table for each dimension, over the window that ends at Unix time `at`."""
    tables: list[SegmentTable] = []
    for dimension, (label, values) in labels.items():
        segments = sorted(
            _read(source, by_label, label, values, window_seconds, at),
            key=lambda s: (-s.bad_events, s.value),
        )
        tables.append(SegmentTable(dimension, label, tuple(segments), values))
    return tuple(tables)


def _read(
    source: MetricsSource,
    by_label: ByLabel,
    label: str,
    values: int,
    window_seconds: float,
    at: float,
) -> Iterator[Segment]:
    bad_query = fill(by_label.bad_query, window_seconds, (label,))
    total_query = fill(by_label.total_query, window_seconds, (label,))
    if values > SEGMENTS_AT_MOST:
        bad_query = f"topk({SEGMENTS_AT_MOST}, {bad_query})"
        total_query = f"({total_query}) and on ({label}) {bad_query}"
    bad = _by_value(source, bad_query, label, window_seconds, at)
    for value, total in _by_value(source, total_query, label, window_seconds, at).items():
        if value and total > 0 and value in bad:
            count = min(total, max(0.0, bad[value]))
            yield Segment(value, count, total, low_end(count, total))


def _by_value(
    source: MetricsSource, promql: str, label: str, window_seconds: float, at: float
) -> dict[str, float]:
    """Events of each value: rates times the window."""
    samples = source.query(promql, at).samples
    return {s.labels.get(label, ""): s.value * window_seconds for s in samples}


def low_end(bad: float, total: float) -> float:
    """Clopper and Pearson's lower end: the ratio at which so many bad ones are still 2.5 % likely.

    (Biometrika 26:4, 1934.)
    """
    return 0.0 if bad <= 0 else beta_quantile(_TAIL, bad, total - bad + 1)
