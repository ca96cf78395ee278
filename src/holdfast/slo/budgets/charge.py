"""Which events of a history are charged to a budget, step by step: one place for all accounts.

A step that lies partly in the period, or partly in a correction, counts by the part: its events
are taken to be spread evenly over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.model.budget import Correction, NoDataPolicy
from holdfast.slo.budgets.recurrence import Interval, merged, occurrences
from holdfast.slo.history import Counts, EventHistory
from holdfast.slo.known_events import KnownEvents, known_events


@dataclass(frozen=True)
class Charge:
    """Events of (start, end] by step. Arrays have shape (n,), as the history's."""

    start: float
    end: float
    bad: Counts
    """Charged bad events: measured ones, and those that the no-data policy assumes."""
    total: Counts
    assumed_bad: Counts
    assumed_total: Counts
    excluded_bad: Counts
    """Measured ones within corrections; in none of the others."""
    excluded_total: Counts
    known_seconds: float
    """Charged time with data."""
    no_data_seconds: float
    """Charged time without, since the first step that has data."""
    uncounted_bad_seconds: float
    """Of that, time in which all events were counted and the bad ones were not."""
    excluded_seconds: float
    first_data: float | None
    """When the first step with data begins, in the period; None = there is none."""
    history_end: float
    """When history ends, at most `end`."""
    contradictory_steps: int
    step_seconds: float

    @property
    def reach_seconds(self) -> float:
        """How much of the time from `start` to `end` history reaches over, gaps included."""
        return 0.0 if self.first_data is None else max(0.0, self.history_end - self.first_data)

    @property
    def is_whole(self) -> bool:
        """Whether that is all of it, but for a step at each end."""
        return self.end - self.start - self.reach_seconds < 2 * self.step_seconds + 1e-6


def charge(
    history: EventHistory,
    start: float,
    end: float,
    corrections: Sequence[Correction] = (),
    no_data: NoDataPolicy = "ignore",
) -> Charge:
    """Return what is charged of (start, end]. Time before the first data is no gap: not charged."""
    events = known_events(history)
    within = overlaps(history, ((start, end),))
    heard = np.flatnonzero((events.known | events.total_only) & (within > 0))
    if heard.size:
        within[: heard[0]] = 0.0
    excluded = overlaps(history, _spans(corrections, start, end)) * (within > 0)
    excluded = np.minimum(excluded, within)
    included = within - excluded if heard.size else np.zeros_like(within)
    assumed_bad, assumed_total = _assumed(events, included, no_data)
    measured = np.where(events.known, included, 0.0)
    out = np.where(events.known, excluded, 0.0)
    step = history.step_seconds
    return Charge(
        start=start,
        end=end,
        bad=events.bad * measured + assumed_bad,
        total=events.total * measured + assumed_total,
        assumed_bad=assumed_bad,
        assumed_total=assumed_total,
        excluded_bad=events.bad * out,
        excluded_total=events.total * out,
        known_seconds=float(measured.sum()) * step,
        no_data_seconds=float(included[~events.known].sum()) * step,
        uncounted_bad_seconds=float(included[events.total_only].sum()) * step,
        excluded_seconds=float(excluded.sum()) * step,
        first_data=max(start, history.start + step * int(heard[0])) if heard.size else None,
        history_end=min(end, history.end),
        contradictory_steps=events.contradictory_steps,
        step_seconds=step,
    )


def overlaps(history: EventHistory, intervals: Sequence[Interval]) -> Counts:
    """Return which part of each step lies in the union of the intervals, shape (n,), 0 … 1."""
    union = merged(intervals)
    if not union:
        return np.zeros(len(history.total))
    edges = np.array(union)
    lengths = np.concatenate(([0.0], np.cumsum(edges[:, 1] - edges[:, 0])))
    at = np.ravel(edges)
    before = np.ravel(np.column_stack((lengths[:-1], lengths[1:])))
    grid = history.start + history.step_seconds * np.arange(len(history.total) + 1.0)
    return np.diff(np.interp(grid, at, before)) / history.step_seconds


def _spans(corrections: Sequence[Correction], start: float, end: float) -> list[Interval]:
    return [span for each in corrections for span in occurrences(each, start, end)]


def _assumed(events: KnownEvents, included: Counts, no_data: NoDataPolicy) -> tuple[Counts, Counts]:
    """Bad and all events that the policy puts where none were measured.

    Where all events were counted and only the bad ones were not, those are the events; else the
    mean of the steps with data.
    """
    nothing = np.zeros_like(included)
    weight = float(included[events.known].sum())
    if no_data == "ignore" or weight <= 0:
        return nothing, nothing
    usual = float((events.total * included)[events.known].sum()) / weight
    each = np.where(events.total_only, events.total, usual)
    total = np.where(events.known, 0.0, each * included)
    return (total if no_data == "bad" else nothing), total
