"""The series that `load` commands describe, as a store. Native histograms are marked only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from holdfast.errors import PromQLUnsupported
from holdfast.promql.conformance.corpus import NATIVE, Cell, Histogram, Labels, Load
from holdfast.promql.memory import MemorySamples
from holdfast.promql.samples import NATIVE_NAN, Matcher, StoredSeries

LabelKey = frozenset[tuple[str, str]]


class LoadedSamples:
    """Implements SampleStore over sequences of values that start at time zero."""

    def __init__(self) -> None:
        self._samples: dict[LabelKey, dict[int, float]] = {}
        self._store: MemorySamples | None = None
        self._start_timestamps = False

    def add(self, labels: Labels, step_seconds: float, cells: Sequence[Cell]) -> None:
        """Add values, one a step from time zero; None is a gap."""
        self._store = None
        samples = self._samples.setdefault(frozenset(labels.items()), {})
        for place, cell in enumerate(cells):
            if cell is not None:
                value = NATIVE_NAN if isinstance(cell, Histogram) else cell
                samples[round(place * step_seconds * 1000)] = value

    def load(self, load: Load) -> None:
        """Add what a `load` command says, and for nhcb the native twins of classic histograms."""
        self._start_timestamps |= load.start_timestamps
        for labels, cells in load.series:
            self.add(labels, load.step_seconds, cells)
            name = labels.get("__name__", "")
            if load.native_from_classic and name.endswith("_bucket"):
                twin = {k: v for k, v in labels.items() if k != "le"}
                twin["__name__"] = name.removesuffix("_bucket")
                self.add(twin, load.step_seconds, [None if c is None else NATIVE for c in cells])

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[StoredSeries]:
        """Return the series that match, cut to start <= t <= end; those left empty are dropped."""
        if self._start_timestamps:
            raise PromQLUnsupported("start timestamps of series")
        if self._store is None:
            self._store = MemorySamples(_stored(k, s) for k, s in self._samples.items() if s)
        return self._store.select(matchers, start_ms, end_ms)


def _stored(key: LabelKey, samples: dict[int, float]) -> StoredSeries:
    times = sorted(samples)
    values = np.array([samples[at] for at in times])
    return StoredSeries(dict(key), np.array(times, dtype=np.int64), values)
