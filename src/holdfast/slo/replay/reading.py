"""Reads the past that is replayed: in parts, so that no question and no answer is large."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from holdfast.errors import InputError
from holdfast.evidence.source import MetricsSource
from holdfast.model.slo import SLO
from holdfast.slo.history import EventHistory, read_history
from holdfast.slo.rules import tier_windows

STEPS_AT_ONCE = 5_000
"""Below the 11,000 points that a Prometheus server answers at most."""

_STEP_AT_MOST_MS = 60_000

Progress = Callable[[int, int], None]
"""(steps done, steps in all)."""


@dataclass(frozen=True)
class PastSpan:
    """What is asked for: Unix seconds, the step, and how far apart scrapes are."""

    start: float
    end: float
    step_seconds: float
    scrape_seconds: float = 0.0


@dataclass(frozen=True)
class Past:
    """A history, and at how many steps there were events but no series of bad ones."""

    history: EventHistory
    absent_bad_steps: int

    @property
    def note(self) -> str:
        """What a reader must know of it; empty where nothing."""
        absent, steps = self.absent_bad_steps, int(self.history.known.sum())
        if not absent:
            return ""
        if absent == steps:
            return (
                "no series of bad events at any step: read as none bad; "
                "if the service has failed at all, correct bad_query"
            )
        return f"at {absent} of {steps} steps there was no series of bad events: read as none bad"


def longest_window(slo: SLO) -> float:
    """Return how long before the past that is told the history must begin."""
    return max(tier_windows(slo), default=0.0)


def default_step(slo: SLO) -> float:
    """Return the greatest step of at most a minute that divides every window of the tiers."""
    windows_ms = [round(window * 1000) for window in tier_windows(slo)]
    whole_ms = math.gcd(*windows_ms) if windows_ms else _STEP_AT_MOST_MS
    return whole_ms / math.ceil(whole_ms / _STEP_AT_MOST_MS) / 1000


def parts(start: float, end: float, step_seconds: float) -> Iterator[tuple[float, float]]:
    """Yield (start, end) of the parts of a span, each of 5,000 steps at most."""
    length = STEPS_AT_ONCE * step_seconds
    count = max(1, math.ceil((end - start) / length - 1e-9))
    for part in range(count):
        yield start + part * length, min(end, start + (part + 1) * length)


def read_past(
    source: MetricsSource, slo: SLO, span: PastSpan, progress: Progress | None = None
) -> Past:
    """Return the objective's events of the span, longest window before it included.

    Where there are events and no series of bad ones, none was bad; how often is told. Raises
    InputError where nothing at all was measured, and what `read_history` raises.
    """
    step = span.step_seconds
    begin = math.floor((span.start - longest_window(slo)) / step + 1e-9) * step
    end = math.floor(span.end / step + 1e-9) * step
    whole = max(1, round((end - begin) / step))
    found: list[EventHistory] = []
    for first, last in parts(begin, end, step):
        found.append(
            read_history(source, slo, first, last, step, overlap_seconds=span.scrape_seconds)
        )
        if progress is not None:
            progress(sum(len(one.total) for one in found), whole)
    total = np.concatenate([one.total for one in found])
    bad = np.concatenate([one.bad for one in found])
    if not np.isfinite(total).any():
        raise InputError(
            f"{slo.name}: no data: {source.name} counted no event in the whole past",
            hint="see total_query, the days, and how far apart scrapes are (--scrape-interval)",
        )
    absent = np.isnan(bad) & np.isfinite(total)
    history = EventHistory(begin, step, np.where(absent, 0.0, bad), total)
    return Past(history, int(absent.sum()))
