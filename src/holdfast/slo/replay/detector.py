"""Finds incidents in a history without looking at any alert rule, threshold or burn window.

1. Events are summed in blocks of five minutes (at least one step; in a short history, a
   600th of the time that has events).
2. Baseline: the median bad fraction over hours with events (in a short history, over 50ths of
   it), at least a tenth of what the objective allows. Half of all hours may be bad before it
   moves: it is robust.
3. Each block votes by a Poisson log-likelihood ratio: its bad events at the bad level (what the
   objective allows, or three times the baseline where that is more) against the baseline.
   A vote counts at most 3 nats either way, so that one deep outage joins nothing far from it.
4. Change points: all maximal-scoring runs of votes (Ruzzo and Tompa, ISMB 1999). A run is kept
   where its whole evidence is beyond chance: more than ln(blocks) + 5 nats.
5. Its edges are moved inwards to the first and the last step above the middle (by likelihood)
   between the baseline and the run's own level, the median of its bad steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from holdfast.model.replay import PastIncident
from holdfast.slo.history import EventHistory
from holdfast.slo.replay.windows import EventSums, Floats, Ints

HOW = (
    "found in the history, independently of the rules: unbroken times whose bad fraction is well "
    "above the baseline (the median hour), by likelihood ratio and change points; no burn window "
    "and no alert threshold is looked at"
)

_BLOCK_SECONDS = 300.0
_HOUR_SECONDS = 3600.0
_VOTE_AT_MOST = 3.0
_BEYOND_CHANCE = 5.0


def find_incidents(
    history: EventHistory, objective: float, sums: EventSums | None = None
) -> tuple[PastIncident, ...]:
    """Return what is found, oldest first, not yet weighed by the budget that it spent."""
    sums = EventSums.of(history) if sums is None else sums
    size = _steps(sums, _BLOCK_SECONDS, 600)
    bad, total = _blocks(sums, sums.bad, size), _blocks(sums, sums.total, size)
    if not (total > 0).any():
        return ()
    baseline, bad_level = levels(sums, objective)
    evidence = bad * math.log(bad_level / baseline) - total * (bad_level - baseline)
    votes = np.clip(evidence, -_VOTE_AT_MOST, _VOTE_AT_MOST)
    needed = math.log(len(votes)) + _BEYOND_CHANCE
    between = (bad_level - baseline) / math.log(bad_level / baseline)
    found: list[PastIncident] = []
    for first, last in maximal_runs(votes):
        if float(evidence[first:last].sum()) > needed:
            span = first * size, min(last * size, sums.steps)
            found.append(_incident(history, sums, *_edges(sums, span, baseline, between)))
    return tuple(found)


def levels(sums: EventSums, objective: float) -> tuple[float, float]:
    """Return the bad fractions of the baseline and of the bad level."""
    hour = _steps(sums, _HOUR_SECONDS, 50)
    bad, total = _blocks(sums, sums.bad, hour), _blocks(sums, sums.total, hour)
    ratios = bad[total > 0] / total[total > 0]
    allowed = 1 - objective
    usual = float(np.median(ratios)) if len(ratios) else 0.0
    baseline = min(max(usual, allowed / 10), 0.3)
    return baseline, max(allowed, 3 * baseline)


def _steps(sums: EventSums, seconds: float, of_history: int) -> int:
    """Return how many steps a block has: so many seconds, or that part of the time with events."""
    with_events = int(np.count_nonzero(np.diff(sums.total)))
    return max(1, min(round(seconds / sums.step_seconds), with_events // of_history))


def maximal_runs(scores: Floats) -> list[tuple[int, int]]:
    """Return (first, one after last) of all maximal scoring runs, in order.

    Ruzzo and Tompa, "A linear time algorithm for finding all maximal scoring subsequences". Scores
    of one sign that stand together are joined first: no maximal run ends between them.
    """
    if not len(scores):
        return []
    edges = _sign_edges(scores)
    joined: list[float] = np.add.reduceat(scores, edges[:-1]).tolist()
    known: list[_Run] = []
    done: list[_Run] = []
    total = 0.0
    for place, score in enumerate(joined):
        before, total = total, total + score
        if score > 0:
            _add(known, done, _Run(place, place + 1, before, total))
    bounds: list[int] = edges.tolist()
    return [(bounds[run.first], bounds[run.last]) for run in done + known]


@dataclass(slots=True)
class _Run:
    """A candidate: joined scores first … last - 1, and the running totals at both of its ends.

    `lower` is the place of the nearest earlier candidate whose `low` is less, -1 for none.
    """

    first: int
    last: int
    low: float
    high: float
    lower: int = -1


def _add(known: list[_Run], done: list[_Run], new: _Run) -> None:
    """Take one positive score in, joined with those before it that make it greater."""
    while True:
        at = len(known) - 1
        while at >= 0 and known[at].low >= new.low:
            at = known[at].lower
        if at < 0:  # nothing before can ever be joined with what follows
            done += known
            known.clear()
        elif known[at].high < new.high:
            new = _Run(known[at].first, new.last, known[at].low, new.high)
            del known[at:]
            continue
        new.lower = at
        known.append(new)
        return


def _sign_edges(scores: Floats) -> Ints:
    changes = np.flatnonzero(np.diff(scores > 0)) + 1
    return np.concatenate(([0], changes, [len(scores)])).astype(np.int64)


def _blocks(sums: EventSums, prefix: Ints, size: int) -> Floats:
    """Return events by block of `size` steps; the last may be shorter."""
    places = np.minimum(np.arange(0, sums.steps + size, size), sums.steps)
    return np.diff(prefix[places]) / 2.0**sums.fraction_bits


def _edges(
    sums: EventSums, span: tuple[int, int], baseline: float, between: float
) -> tuple[int, int]:
    """Return the span moved inwards to steps of its own level: that of its median bad step."""
    first, last = span
    bad, total = np.diff(sums.bad[first : last + 1]), np.diff(sums.total[first : last + 1])
    ratio = np.divide(bad, total, out=np.zeros(len(bad)), where=total > 0)
    level = float(np.median(ratio[ratio > between]))
    own = (level - baseline) / math.log(level / baseline)
    worse = np.flatnonzero(ratio > min(own, level * 0.999))
    return first + int(worse[0]), first + int(worse[-1]) + 1


def _incident(history: EventHistory, sums: EventSums, first: int, last: int) -> PastIncident:
    ratio = sums.events(sums.bad, first, last) / sums.events(sums.total, first, last)
    start, end = (history.start + place * history.step_seconds for place in (first, last))
    return PastIncident(
        start=datetime.fromtimestamp(start, UTC),
        end=datetime.fromtimestamp(end, UTC),
        title=f"{ratio:.2g} of events bad",
        origin="found",
    )
