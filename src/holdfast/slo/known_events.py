"""What of an event history can be counted: made safe for NaN, infinities and contradictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.slo.history import Counts, EventHistory


@dataclass(frozen=True)
class KnownEvents:
    """Arrays of shape (n,), a place for each step. Where `known` is false, counts are 0.

    `total_only` is where all events were counted and the bad ones were not; `total` has them.
    """

    bad: Counts
    total: Counts
    known: NDArray[np.bool_]
    total_only: NDArray[np.bool_]
    contradictory_steps: int
    """Steps with more bad events than events; there all were bad."""


def known_events(history: EventHistory) -> KnownEvents:
    """Return the counts that can be added up. Negative and infinite ones are no data.

    A step without any event has no bad one, whether or not those were counted.
    """
    counted = np.isfinite(history.total) & (history.total >= 0)
    total = np.where(counted, history.total, 0.0)
    bad_counted = np.isfinite(history.bad) & (history.bad >= 0)
    known = counted & (bad_counted | (total == 0))
    bad = np.where(known & bad_counted, history.bad, 0.0)
    above = bad > total * (1 + 1e-9)
    return KnownEvents(
        bad=np.minimum(bad, total),
        total=total,
        known=known,
        total_only=counted & ~known,
        contradictory_steps=int(np.count_nonzero(above)),
    )


def window_sums(counts: Counts, steps: int) -> Counts:
    """Return for each step the sum of the `steps` steps that end with it; fewer at the start."""
    summed = np.concatenate(([0.0], np.cumsum(counts)))
    first = np.maximum(0, np.arange(1, len(counts) + 1) - steps)
    return summed[1:] - summed[first]
