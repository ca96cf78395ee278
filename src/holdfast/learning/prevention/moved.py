"""The signal that moved: what shows a mechanism before its users feel it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holdfast.learning.cause import cause_of
from holdfast.model.case import Case
from holdfast.model.hypothesis import Hypothesis
from holdfast.model.service import Service, Signal

WORDS = {
    Signal.STATEMENTS_PER_REQUEST: "database statements per request",
    Signal.CPU_SECONDS_PER_REQUEST: "CPU time per request",
    Signal.SECONDS_PER_STATEMENT: "time per database statement",
    Signal.POOL_UTILIZATION: "use of the connection pool",
    Signal.MEMORY_BYTES: "memory",
    Signal.INFLIGHT_REQUESTS: "requests in flight",
}
"""Signals that show a mechanism before its users feel it, in the words of an action item."""


@dataclass(frozen=True)
class MovedSignal:
    """A signal of a service, by whose test the mechanism is supported."""

    signal: Signal
    service: Service
    mechanism: Hypothesis

    @property
    def words(self) -> str:
        """How people call it."""
        return WORDS[self.signal]

    @property
    def template(self) -> str:
        """Its PromQL, with `$window` and `$by`."""
        return self.service.signals[self.signal]


def moved_signal(case: Case, services: Mapping[str, Service]) -> MovedSignal | None:
    """Return the signal, short of latency itself, whose rise supports the mechanism."""
    mechanism = cause_of(case).mechanism
    service = services.get(mechanism.service) if mechanism else None
    if mechanism is None or service is None:
        return None
    queries = list(_supporting_queries(case, mechanism))
    for signal in WORDS:
        template = service.signals.get(signal)
        if template and any(_asks(template, query) for query in queries):
            return MovedSignal(signal, service, mechanism)
    return None


def _supporting_queries(case: Case, mechanism: Hypothesis) -> Iterator[str]:
    """Queries of tests that predicted a rise, and saw it: an unchanged ratio warns of nothing."""
    for test_id in mechanism.supports:
        test, result = case.tests.get(test_id), case.results.get(test_id)
        if test and result and test.prediction.at_least is not None:
            yield from (case.evidence[i].query for i in result.evidence_ids if i in case.evidence)


def _asks(template: str, query: str) -> bool:
    pattern = re.escape(template).replace(r"\$window", r"[^\]]+").replace(r"\$by", r"[^)]*")
    return re.search(pattern, query) is not None
