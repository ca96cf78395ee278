"""Series held in memory: a store that is filled once and only read afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from holdfast.promql.adjacent import laid_out
from holdfast.promql.label_matching import matches
from holdfast.promql.samples import Matcher, StoredSeries

_ANSWERS_KEPT = 500
"""How many selectors keep the list of the series that they match."""


class MemorySamples:
    """Implements SampleStore over series that do not change. Safe for several threads."""

    def __init__(self, series: Iterable[StoredSeries]) -> None:
        """Copy the series, ascending in time and of distinct labels; a metric's lie together."""
        by_name: dict[str, list[StoredSeries]] = {}
        for one in series:
            by_name.setdefault(one.labels.get("__name__", ""), []).append(one)
        self._by_name = {name: _side_by_side(found) for name, found in by_name.items()}
        self._answers: dict[tuple[Matcher, ...], list[StoredSeries]] = {}

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[StoredSeries]:
        """Return the series that match, cut to start <= t <= end; those left empty are dropped."""
        cut = (_window(one, start_ms, end_ms) for one in self._matching(tuple(matchers)))
        return [one for one in cut if one is not None]

    def metric_names(self) -> tuple[str, ...]:
        """Return all metric names, sorted."""
        return tuple(sorted(name for name in self._by_name if name))

    def _matching(self, matchers: tuple[Matcher, ...]) -> list[StoredSeries]:
        found = self._answers.get(matchers)
        if found is None:
            if len(self._answers) >= _ANSWERS_KEPT:
                self._answers.clear()
            found = [one for one in self._candidates(matchers) if matches(matchers, one.labels)]
            self._answers[matchers] = found
        return found

    def _candidates(self, matchers: tuple[Matcher, ...]) -> Iterable[StoredSeries]:
        for matcher in matchers:
            if matcher.label == "__name__" and matcher.operator == "=":
                return self._by_name.get(matcher.value, [])
        return chain.from_iterable(self._by_name.values())


def _side_by_side(series: Sequence[StoredSeries]) -> list[StoredSeries]:
    times = laid_out([one.times_ms for one in series])
    values = laid_out([one.values for one in series])
    return [
        StoredSeries(one.labels, at, value)
        for one, at, value in zip(series, times, values, strict=True)
    ]


def _window(one: StoredSeries, start_ms: int, end_ms: int) -> StoredSeries | None:
    low = int(one.times_ms.searchsorted(start_ms, side="left"))
    high = int(one.times_ms.searchsorted(end_ms, side="right"))
    if low >= high:
        return None
    if (low, high) == (0, one.times_ms.size):
        return one
    return StoredSeries(one.labels, one.times_ms[low:high], one.values[low:high])
