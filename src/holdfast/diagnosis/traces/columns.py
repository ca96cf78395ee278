"""The columns of a table as the search sees them: parts, sides of a split, what a group shares."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from holdfast.diagnosis.traces.density import density_cuts
from holdfast.diagnosis.traces.own_time import own_duration
from holdfast.diagnosis.traces.predicates import Called, Interval, Predicate, Quantity, Value
from holdfast.diagnosis.traces.table import Codes, Flags, Numbers, RequestTable

MOST_VALUES = 1000
"""A split tries no more of an attribute's values than this, the most frequent first."""

SHARED = 0.95
"""A group shares what this part of it has in common: a few are slow by chance, at any time."""


@dataclass(frozen=True)
class Grain:
    """How fine a mode may be: its fewest requests, and how clear a valley must be."""

    window: int
    standard_errors: float


@dataclass(frozen=True)
class NumberColumn:
    """Durations or counts of one operation. `cuts` are the valleys of the whole column."""

    operation: str
    quantity: Quantity
    values: Numbers
    cuts: tuple[float, ...] = ()

    def parts(self) -> list[Predicate]:
        """Return the modes of the whole column; none where it has but one."""
        edges = [-np.inf, *self.cuts, np.inf]
        pairs = itertools.pairwise(edges)
        return [self._interval(low, high) for low, high in pairs] if self.cuts else []

    def splits(self, rows: Flags, grain: Grain) -> list[tuple[Predicate, Predicate]]:
        """Return the ways in which these rows fall in two."""
        inside = np.sort(self.values[rows & ~np.isnan(self.values)])
        cuts = density_cuts(inside, grain.window, grain.standard_errors)
        return [(self._interval(high=cut), self._interval(low=cut)) for cut in cuts]

    def shared(self, rows: Flags, extra: Iterable[Predicate] = ()) -> Predicate | None:
        """Return the interval between valleys that holds nearly all of these rows, if it is one.

        `extra`: predicates of earlier splits, whose bounds are valleys too.
        """
        inside = self.values[rows]
        if not len(inside) or np.isnan(inside).mean() > 1 - SHARED:
            return None
        cuts = np.array(sorted({*self.cuts, *self._bounds(extra)}))
        tail = (1 - SHARED) / 2
        low, high = np.nanquantile(inside, [tail, 1 - tail], method="nearest")
        below, above = cuts[cuts < low], cuts[cuts >= high]
        if not len(below) and not len(above):
            return None
        return self._interval(
            float(below[-1]) if len(below) else -np.inf, float(above[0]) if len(above) else np.inf
        )

    def labels(self, rows: Flags, grain: Grain) -> Codes:
        """Return the number of the mode that each of these rows is in."""
        inside = self.values[rows]
        cuts = density_cuts(np.sort(inside[~np.isnan(inside)]), grain.window, grain.standard_errors)
        return np.searchsorted(np.array(cuts), inside).astype(np.int64)

    def matches(self, predicate: Predicate) -> Flags | None:
        """Return the rows that match; None where the predicate is of another column."""
        if not isinstance(predicate, Interval):
            return None
        if (predicate.operation, predicate.quantity) != (self.operation, self.quantity):
            return None
        return (self.values > predicate.low) & (self.values <= predicate.high)

    def _interval(self, low: float = -np.inf, high: float = np.inf) -> Interval:
        return Interval(self.operation, self.quantity, low, high)

    def _bounds(self, predicates: Iterable[Predicate]) -> list[float]:
        mine = [
            predicate
            for predicate in predicates
            if isinstance(predicate, Interval)
            and (predicate.operation, predicate.quantity) == (self.operation, self.quantity)
        ]
        return [x for one in mine for x in (one.low, one.high) if np.isfinite(x)]


@dataclass(frozen=True)
class ValueColumn:
    """An attribute, or whether an operation was called. `codes` are -1 where there is no value."""

    name: str
    names: tuple[str, ...]
    codes: Codes
    is_call: bool = False
    frequent: tuple[int, ...] = field(default=())

    def parts(self) -> list[Predicate]:
        """Return the values that enough requests have."""
        return [self._equal(code) for code in self.frequent]

    def splits(self, rows: Flags, grain: Grain) -> list[tuple[Predicate, Predicate]]:
        """Return each frequent value against the others."""
        counts = self._counts(rows)
        size = int(rows.sum())
        codes = [c for c in self.frequent if grain.window <= counts[c] <= size - grain.window]
        return [(self._equal(code), self._other(code)) for code in codes]

    def shared(self, rows: Flags, extra: Iterable[Predicate] = ()) -> Predicate | None:
        """Return the value that nearly all of these rows have, if there is one."""
        del extra
        counts = self._counts(rows)
        code = int(np.argmax(counts)) if len(counts) else 0
        most = len(counts) and counts[code] >= SHARED * rows.sum() > 0
        return self._equal(code) if most else None

    def labels(self, rows: Flags, grain: Grain) -> Codes:
        """Return the code of each of these rows; -1 for what is rare."""
        del grain
        inside = self.codes[rows]
        return np.where(np.isin(inside, self.frequent), inside, -1)

    def matches(self, predicate: Predicate) -> Flags | None:
        """Return the rows that match; None where the predicate is of another column."""
        if isinstance(predicate, Value) and not self.is_call and predicate.attribute == self.name:
            same = self.codes == self.names.index(predicate.value)
            return same if predicate.equal else ~same
        if isinstance(predicate, Called) and self.is_call and predicate.operation == self.name:
            return (self.codes == 1) == predicate.called
        return None

    def _counts(self, rows: Flags) -> Codes:
        inside = self.codes[rows]
        return np.bincount(inside[inside >= 0], minlength=len(self.names))

    def _equal(self, code: int) -> Predicate:
        return Called(self.name, bool(code)) if self.is_call else Value(self.name, self.names[code])

    def _other(self, code: int) -> Predicate:
        if self.is_call:
            return Called(self.name, not code)
        return Value(self.name, self.names[code], equal=False)


Column = NumberColumn | ValueColumn


def columns_of(
    table: RequestTable, contents: Mapping[str, tuple[str, ...]], grain: Grain
) -> list[Column]:
    """Return the columns that differ between requests, by name: the order changes no result.

    `contents`: the operations inside others, whose time is taken off.
    """
    found: list[Column] = []
    for name, values in sorted(table.durations.items(), key=lambda item: item[0]):
        if name in contents:
            values = own_duration(table.durations, name, contents[name])
        quantity = "own duration" if name in contents else "duration"
        found += _number_columns(name, quantity, values, grain)
    for name in sorted(table.calls):
        found += _number_columns(name, "calls", table.calls[name], grain)
    for name in sorted(table.attributes):
        values = [str(v) if v is not None else None for v in table.attributes[name]]
        names = tuple(sorted({v for v in values if v is not None}))
        index = {value: code for code, value in enumerate(names)}
        codes = np.array([-1 if v is None else index[v] for v in values], dtype=np.int64)
        found.append(_value_column(name, names, codes, grain))
    return found


def _number_columns(
    name: str, quantity: Quantity, values: Numbers, grain: Grain
) -> Iterable[Column]:
    missing = np.isnan(values)
    known = np.sort(values[~missing])
    if missing.any() and len(known):
        yield _value_column(name, ("no", "yes"), (~missing).astype(np.int64), grain, is_call=True)
    if len(known) and known[0] < known[-1]:
        cuts = density_cuts(known, grain.window, grain.standard_errors)
        yield NumberColumn(name, quantity, values, tuple(cuts))


def _value_column(
    name: str, names: tuple[str, ...], codes: Codes, grain: Grain, *, is_call: bool = False
) -> Column:
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    order = np.argsort(-counts, kind="stable")[:MOST_VALUES]
    frequent = tuple(int(code) for code in order if counts[code] >= grain.window)
    return ValueColumn(name, names, codes, is_call, frequent)
