"""Made-up counters: written as promtool's series notation, and evaluated by the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.catalog.search import quoted
from holdfast.promql.engine import Engine
from holdfast.promql.label_matching import matches
from holdfast.promql.samples import Matcher, StoredSeries

NAME = "__name__"


@dataclass(frozen=True)
class Counter:
    """A counter that begins at zero. `increments`: (steps, increase in each step), in turn."""

    labels: Mapping[str, str]
    increments: tuple[tuple[int, float], ...]

    @property
    def selector(self) -> str:
        """The series as promtool writes it, for example `requests_total{code="200"}`."""
        others = ",".join(
            f"{name}={quoted(value)}" for name, value in self.labels.items() if name != NAME
        )
        return f"{self.labels[NAME]}{{{others}}}" if others else self.labels[NAME]

    @property
    def notation(self) -> str:
        """The values as promtool writes them: `a+bxn` is a, a + b … a + n x b."""
        written: list[str] = []
        value = 0.0
        for index, (steps, increase) in enumerate(self.increments):
            first, more = (value, steps) if index == 0 else (value + increase, steps - 1)
            written.append(
                f"{_number(first)}+{_number(increase)}x{more}" if more else _number(first)
            )
            value += steps * increase
        return " ".join(written)

    def values(self) -> NDArray[np.float64]:
        """Return the value at each step, from the one at time zero on."""
        steps, increases = zip(*self.increments, strict=True)
        return np.concatenate(([0.0], np.cumsum(np.repeat(increases, steps))))


class CounterStore:
    """The counters as recorded series, a sample every `step_seconds` from time zero on."""

    def __init__(self, counters: Sequence[Counter], step_seconds: float) -> None:
        self._series = [_stored(counter, step_seconds) for counter in counters]

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[StoredSeries]:
        """See `SampleStore.select`."""
        found = (s for s in self._series if matches(matchers, s.labels))
        cut = (_cut(series, start_ms, end_ms) for series in found)
        return [series for series in cut if len(series.times_ms)]


def engine_of(counters: Sequence[Counter], step_seconds: float, *, closed: bool) -> Engine:
    """Return an engine over the counters. `closed`: windows as in Prometheus 2, else as in 3."""
    return Engine(CounterStore(counters, step_seconds), windows="closed" if closed else "left_open")


def _stored(counter: Counter, step_seconds: float) -> StoredSeries:
    values = counter.values()
    times = np.arange(len(values), dtype=np.int64) * round(step_seconds * 1000)
    return StoredSeries(labels=dict(counter.labels), times_ms=times, values=values)


def _cut(series: StoredSeries, start_ms: int, end_ms: int) -> StoredSeries:
    first, last = np.searchsorted(series.times_ms, [start_ms, end_ms + 1])
    inside = slice(int(first), int(last))
    return StoredSeries(series.labels, series.times_ms[inside], series.values[inside])


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.12g}"
