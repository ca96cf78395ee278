"""What the server counted of each statement, as Prometheus metrics of bounded number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

MOST_STATEMENTS = 30
OTHER = "other"
_LONGEST_TEXT = 300

READ_COUNTS = """
    SELECT d.datname, s.queryid::text, min(s.query), sum(s.calls)::float8,
           sum(s.total_exec_time)::float8 / 1000
    FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
    WHERE d.datname = ANY(%s) AND s.queryid IS NOT NULL
    GROUP BY 1, 2 ORDER BY 4 DESC, 2
"""
"""Database, id, normalised text, calls, seconds; the most called first."""


@dataclass(frozen=True)
class Count:
    """One statement of one database. `text` has $1, $2 … where values were."""

    database: str
    query_id: str
    text: str
    calls: float
    seconds: float


class StatementMeters:
    """Gives the first statements seen a series each, and all later ones one together.

    A statement never moves from one series to another, so no counter ever falls.
    """

    def __init__(self, most: int = MOST_STATEMENTS) -> None:
        self._most = most
        self._known: dict[tuple[str, str], str] = {}

    def exposition(self, counts: Sequence[Count]) -> bytes:
        """Return the counts in Prometheus's text format."""
        registry = CollectorRegistry()
        registry.register(_Fixed(self._families(counts)))
        return generate_latest(registry)

    def _families(self, counts: Sequence[Count]) -> list[Metric]:
        labels = ("datname", "queryid")
        calls = CounterMetricFamily(
            "pg_stat_statements_calls", "Times a statement was executed.", labels=labels
        )
        seconds = CounterMetricFamily(
            "pg_stat_statements_exec_seconds", "Time spent executing it.", labels=labels
        )
        for key, (called, spent) in self._sums(counts).items():
            calls.add_metric(key, called)
            seconds.add_metric(key, spent)
        texts = GaugeMetricFamily(
            "pg_stat_statements_query_info", "Its normalised text.", labels=(*labels, "query")
        )
        for (database, query_id), text in self._known.items():
            texts.add_metric((database, query_id, text), 1)
        return [calls, seconds, texts]

    def _sums(self, counts: Iterable[Count]) -> dict[tuple[str, str], tuple[float, float]]:
        sums: dict[tuple[str, str], tuple[float, float]] = {}
        for count in counts:
            key = self._series_of(count)
            calls, seconds = sums.get(key, (0.0, 0.0))
            sums[key] = (calls + count.calls, seconds + count.seconds)
        return sums

    def _series_of(self, count: Count) -> tuple[str, str]:
        key = (count.database, count.query_id)
        if key not in self._known:
            if len(self._known) >= self._most:
                return (count.database, OTHER)
            self._known[key] = " ".join(count.text.split())[:_LONGEST_TEXT]
        return key


class _Fixed(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)
