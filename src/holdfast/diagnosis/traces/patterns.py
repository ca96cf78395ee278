"""What the search found: each pattern with its requests and figures, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from holdfast.diagnosis.traces.predicates import Predicate
from holdfast.diagnosis.traces.table import Codes, Flags, RequestTable


@dataclass(frozen=True)
class Pattern:
    """Slow requests that have something in common, and that something.

    `predicates` tell the members from all others; `also` is what they have in common besides.
    `members`: which requests match all predicates. `precision`: the share of them that are slow;
    `recall`: the share of the slow ones that match. Latencies are of the members, in the table's
    unit: the 5th percentile, the median, the 95th; `excess`: by how much the median is above that
    of requests that are not slow (NaN where it cannot be told).
    """

    predicates: tuple[Predicate, ...]
    members: Flags
    requests: int
    slow_requests: int
    precision: float
    recall: float
    latency_low: float
    latency_median: float
    latency_high: float
    excess: float
    also: tuple[Predicate, ...] = ()

    def __str__(self) -> str:
        return " and ".join(str(predicate) for predicate in self.predicates)


@dataclass(frozen=True)
class PatternReport:
    """The patterns, most slow requests first; where there is none, `reason` says why.

    `slow`: the requests that were to be explained; `threshold`: where latency was cut, if it was;
    `unexplained`: how many slow requests no pattern matches. `contents`: the operations inside
    others, without which an "own duration" is.
    """

    patterns: tuple[Pattern, ...]
    slow: Flags
    threshold: float | None
    unexplained: int
    contents: Mapping[str, tuple[str, ...]]
    reason: str = ""

    def labels(self) -> Codes:
        """Return one group per request: 0 for none, 1 for the first pattern, and so on.

        A request that matches several is in the narrower one: more predicates, fewer requests.
        """
        labels = np.zeros(len(self.slow), dtype=np.int64)
        order = sorted(
            range(len(self.patterns)),
            key=lambda i: (len(self.patterns[i].predicates), -self.patterns[i].requests),
        )
        for index in order:
            labels[self.patterns[index].members] = index + 1
        return labels


def pattern(
    table: RequestTable,
    slow: Flags,
    predicates: tuple[Predicate, ...],
    also: tuple[Predicate, ...],
    members: Flags,
) -> Pattern:
    """Return the pattern with its figures; `members` holds at least one slow request."""
    requests, met = int(members.sum()), int((members & slow).sum())
    low, median, high = np.nanquantile(table.latency[members], [0.05, 0.5, 0.95]).tolist()
    fast = table.latency[~slow & ~np.isnan(table.latency)]
    return Pattern(
        predicates=predicates,
        members=members,
        requests=requests,
        slow_requests=met,
        precision=met / requests,
        recall=met / int(slow.sum()),
        latency_low=low,
        latency_median=median,
        latency_high=high,
        excess=median - float(np.median(fast)) if len(fast) else float("nan"),
        also=also,
    )


def report(
    slow: Flags,
    threshold: float | None,
    contents: Mapping[str, tuple[str, ...]],
    found: list[Pattern],
) -> PatternReport:
    """Return the report of these patterns, or the abstention where there are none."""
    if not found:
        why = f"nothing is shared by enough of {int(slow.sum())} slow requests"
        return abstention(slow, threshold, why)
    ordered = tuple(sorted(found, key=lambda one: (-one.slow_requests, str(one))))
    matched = np.logical_or.reduce([one.members for one in ordered])
    return PatternReport(ordered, slow, threshold, int((slow & ~matched).sum()), contents)


def abstention(slow: Flags, threshold: float | None, reason: str) -> PatternReport:
    """Return the report of no pattern, with its reason."""
    return PatternReport((), slow, threshold, int(slow.sum()), {}, f"no pattern: {reason}")
