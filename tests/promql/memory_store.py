"""A store in memory, built from sequences of values; native histograms are refused when met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from corpus import Cell, Histogram, Labels, Load

from holdfast.errors import PromQLUnsupported
from holdfast.promql.regex import compile_anchored
from holdfast.promql.samples import Matcher, StoredSeries

LabelKey = frozenset[tuple[str, str]]


def matches(labels: Labels, matcher: Matcher) -> bool:
    """Say whether labels satisfy a matcher."""
    value = labels.get(matcher.label, "")
    if matcher.operator in ("=", "!="):
        return (value == matcher.value) == (matcher.operator == "=")
    found = compile_anchored(matcher.value).fullmatch(value) is not None
    return found == (matcher.operator == "=~")


@dataclass
class MemoryStore:
    """Implements SampleStore over dictionaries of samples."""

    samples: dict[LabelKey, dict[int, float]] = field(default_factory=dict)
    histogram_times: dict[LabelKey, list[int]] = field(default_factory=dict)
    _series: list[StoredSeries] | None = None

    def add(self, labels: Labels, step_seconds: float, cells: Sequence[Cell]) -> None:
        """Add values, one a step from time zero."""
        self._series = None
        key = frozenset(labels.items())
        for place, cell in enumerate(cells):
            at_ms = round(place * step_seconds * 1000)
            if isinstance(cell, Histogram):
                self.histogram_times.setdefault(key, []).append(at_ms)
            elif cell is not None:
                self.samples.setdefault(key, {})[at_ms] = cell

    def load(self, load: Load) -> None:
        """Add what a `load` command says, and for nhcb the native twins of classic histograms."""
        for labels, cells in load.series:
            self.add(labels, load.step_seconds, cells)
            name = labels.get("__name__", "")
            if load.native_from_classic and name.endswith("_bucket"):
                twin = {k: v for k, v in labels.items() if k != "le"}
                twin["__name__"] = name.removesuffix("_bucket")
                native = [None if cell is None else Histogram("nhcb") for cell in cells]
                self.add(twin, load.step_seconds, native)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[StoredSeries]:
        """Return the matching series cut to the interval; refuse native histograms in it."""
        for key, times in self.histogram_times.items():
            inside = any(start_ms <= at <= end_ms for at in times)
            if inside and all(matches(dict(key), matcher) for matcher in matchers):
                raise PromQLUnsupported("native histograms")
        found: list[StoredSeries] = []
        for one in self._arrays():
            if all(matches(one.labels, matcher) for matcher in matchers):
                low = int(np.searchsorted(one.times_ms, start_ms, "left"))
                high = int(np.searchsorted(one.times_ms, end_ms, "right"))
                if high > low:
                    times, values = one.times_ms[low:high], one.values[low:high]
                    found.append(StoredSeries(one.labels, times, values))
        return found

    def _arrays(self) -> list[StoredSeries]:
        if self._series is None:
            self._series = [
                StoredSeries(
                    dict(key),
                    np.array(sorted(samples), dtype=np.int64),
                    np.array([samples[at] for at in sorted(samples)]),
                )
                for key, samples in self.samples.items()
            ]
        return self._series
