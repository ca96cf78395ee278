"""Reads an indicator's past: over the days asked for, or as far as there is one.

A past of minutes, as of a service that was started just now, is read in steps of seconds. What a
source left out of its answer is asked for again, one step alone: an answer that was cut short is
refused, not read as a gap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import EvidenceError, NotFound
from holdfast.evidence.source import MetricsSource
from holdfast.model.slo import SLO
from holdfast.slo.budget import bad_events_query, total_events_query
from holdfast.slo.history import EventHistory, read_history

STEPS_SECONDS = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
"""Each divides the windows of the usual tiers, or a part of them."""

MOST_STEPS = 30_000
ENOUGH_STEPS = 300
"""With fewer, the past is read again in shorter steps where there are samples for them."""

SCRAPES_IN_A_STEP = 2
"""At least: an increase needs two samples."""

Flags = NDArray[np.bool_]

_SETTLED_SECONDS = 60.0
"""A step that ended later may still get its samples while it is asked."""


def read_past(
    source: MetricsSource, slo: SLO, at: float, seconds: float, scrape_seconds: float
) -> EventHistory:
    """Return the events of the last `seconds` before Unix time `at`, from the first known step on.

    Raises NotFound where nothing was measured at all, EvidenceError for an answer that was cut
    short or is for other steps than were asked, and what the source raises.
    """
    step = step_for(seconds, scrape_seconds)
    overlap = scrape_seconds
    history = read_history(source, slo, at - seconds, at, step, overlap_seconds=overlap)
    if np.count_nonzero(history.known) < ENOUGH_STEPS:
        shorter = _reach(history, at)
        finer = step_for(shorter, scrape_seconds)
        if finer < step:
            history = read_history(source, slo, at - shorter, at, finer, overlap_seconds=overlap)
    _check_holes(source, slo, history, at)
    known = np.flatnonzero(history.known)
    if not len(known):
        raise _nothing(source, slo, history, seconds)
    begin = history.start + int(known[0]) * history.step_seconds
    return history.between(begin, history.end)


def step_for(seconds: float, scrape_seconds: float) -> float:
    """Return the shortest step that is no finer than the samples and gives not too many steps."""
    least = max(SCRAPES_IN_A_STEP * scrape_seconds * 0.99, seconds / MOST_STEPS)
    return next((step for step in STEPS_SECONDS if step >= least), STEPS_SECONDS[-1])


def _reach(history: EventHistory, at: float) -> float:
    """How far back a second look goes: to the first known step, and one more."""
    known = np.flatnonzero(np.isfinite(history.total))
    first = history.start + int(known[0]) * history.step_seconds if len(known) else history.end
    return at - first + 2 * history.step_seconds


def _check_holes(source: MetricsSource, slo: SLO, history: EventHistory, at: float) -> None:
    step = history.step_seconds
    _check_answer(source, total_events_query(slo, step), history, np.isnan(history.total), at)
    silent = np.isfinite(history.total) & np.isnan(history.bad)
    _check_answer(source, bad_events_query(slo, step), history, silent, at)


def _check_answer(
    source: MetricsSource, promql: str, history: EventHistory, missing: Flags, at: float
) -> None:
    for place in _suspects(history, missing, at):
        end = float(history.ends[place])
        if source.query(promql, end).samples:
            raise EvidenceError(
                f"{source.name} left the step that ends at {end:.0f} out of its answer, and has it "
                "when it is asked for that one alone: its answers are cut short",
                hint="raise the limits of the server or of what stands before it",
            )


def _suspects(history: EventHistory, missing: Flags, at: float) -> list[int]:
    """At most three steps without an answer: the oldest run's end, one in the middle, the last."""
    settled = history.ends <= at - _SETTLED_SECONDS
    places = np.flatnonzero(missing & settled)
    if not len(places):
        return []
    present = np.flatnonzero(~missing)
    before = places[places < present[0]] if len(present) else places
    inside = places[places > present[0]] if len(present) else places[:0]
    chosen = [*before[-1:].tolist(), *inside[[len(inside) // 2]].tolist()] if len(inside) else []
    return sorted({*chosen, *before[-1:].tolist(), int(places[-1])})


def _nothing(source: MetricsSource, slo: SLO, history: EventHistory, seconds: float) -> NotFound:
    if np.isfinite(history.total).any():
        return NotFound(
            f"{slo.name}: indicator.bad_query has no data in {source.name}, where there are "
            f"events: {slo.indicator.bad_query}",
            hint="where none was bad yet, make that a zero: BAD or 0 * TOTAL",
        )
    return NotFound(
        f"{slo.name}: indicator.total_query has no data in the last {seconds / 86_400:g} d of "
        f"{source.name}: {slo.indicator.total_query}",
        hint="does the metric exist, and are there at least two samples of it?",
    )
