"""Named pure functions from evidence to one number: what a figure and a test's measure are made of.

Each returns None where the evidence says no data, and raises EvidenceError where the evidence has
the wrong shape. `verify` calls the same functions, so a figure can be recomputed years later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from holdfast.errors import EvidenceError
from holdfast.model.evidence import Cell, Evidence, Matrix, Outcome, Table, Vector
from holdfast.model.figure import Derivation

Parameters = Mapping[str, str | float | int | None]
DerivationFunction = Callable[[Sequence[Evidence], Parameters], float | None]

_FUNCTIONS: dict[str, DerivationFunction] = {}
_NO_LABEL = "\0"
"""What a missing label reads as: nothing picks it."""

_OVER_GAPS: set[str] = set()
"""Derivations that tell `no data` apart from a value themselves."""


def derivation(function: DerivationFunction) -> DerivationFunction:
    """Register a function under its own name."""
    _FUNCTIONS[function.__name__] = function
    return function


def derivation_over_gaps(function: DerivationFunction) -> DerivationFunction:
    """Register a function that is also given inputs without data (never ones with an error)."""
    _OVER_GAPS.add(function.__name__)
    return derivation(function)


def derive(wanted: Derivation, evidence: Mapping[str, Evidence]) -> float | None:
    """Compute a derivation from evidence by id. Raises EvidenceError where one is missing."""
    missing = [i for i in wanted.evidence_ids if i not in evidence]
    if missing:
        raise EvidenceError(f"evidence {', '.join(missing)} is missing")
    return compute(wanted, [evidence[i] for i in wanted.evidence_ids])


def compute(wanted: Derivation, inputs: Sequence[Evidence]) -> float | None:
    """Compute a derivation from its inputs in order. An error among them is no data."""
    function = _FUNCTIONS.get(wanted.function)
    if function is None:
        raise EvidenceError(f"there is no derivation {wanted.function}")
    outcomes = {item.outcome for item in inputs}
    if Outcome.ERROR in outcomes:
        return None
    if Outcome.NO_DATA in outcomes and wanted.function not in _OVER_GAPS:
        return None
    value = function(inputs, wanted.parameters)
    return None if value is None or math.isnan(value) else value


# ---- instant vectors -------------------------------------------------------------------------
# `label` and `equals` pick samples; without them all samples count.


@derivation
def value(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the one sample's value; with `label` and `equals`, the one so labelled."""
    return _only(_samples(inputs[0], parameters, "equals"), inputs[0])


@derivation
def total(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the sum of the samples."""
    found = _samples(inputs[0], parameters, "equals")
    return sum(found) if found else None


@derivation
def largest(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the largest sample."""
    return max(_samples(inputs[0], parameters, "equals"), default=None)


@derivation
def ratio(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return value($0) / value($1), or with one input the sample `equals` over the sample `base`.

    None where the denominator is 0 or missing.
    """
    top = _only(_samples(inputs[0], parameters, "equals"), inputs[0])
    under = inputs[1] if len(inputs) > 1 else inputs[0]
    base_key = "base" if "base" in parameters else "equals"
    base = _only(_samples(under, parameters, base_key), under)
    return None if top is None or not base else top / base


@derivation
def difference(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return value($0) - value($1), or with one input the sample `equals` minus that `base`."""
    first = _only(_samples(inputs[0], parameters, "equals"), inputs[0])
    base_key = "base" if "base" in parameters else "equals"
    second = _only(_samples(inputs[-1], parameters, base_key), inputs[-1])
    return None if first is None or second is None else first - second


# ---- range matrices --------------------------------------------------------------------------
# `label`/`equals` pick series; `from` and `to` (Unix seconds) cut them; points of all are joined.


@derivation
def points_max(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the largest point."""
    return max((v for _, v in _points(inputs[0], parameters)), default=None)


@derivation
def points_min(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the smallest point."""
    return min((v for _, v in _points(inputs[0], parameters)), default=None)


@derivation
def points_mean(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the mean of the points."""
    found = [v for _, v in _points(inputs[0], parameters)]
    return sum(found) / len(found) if found else None


@derivation
def points_median(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the median of the points (the lower middle one of an even count)."""
    found = sorted(v for _, v in _points(inputs[0], parameters))
    return found[(len(found) - 1) // 2] if found else None


@derivation
def points_last(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the latest point."""
    found = _points(inputs[0], parameters)
    return found[-1][1] if found else None


@derivation
def first_time_at_least(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the Unix time from which `count` points in a row are at or above `bound`."""
    return _first_run(
        _points(inputs[0], parameters),
        bound=_number(parameters, "bound"),
        count=int(_number(parameters, "count", 1)),
    )


@derivation
def held_seconds(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return how long, up to the latest point, all points lie in `at_least` … `at_most`.

    A hole of more than one and a half steps ends it: what was not measured was not held.
    """
    low = _number(parameters, "at_least", -math.inf)
    high = _number(parameters, "at_most", math.inf)
    found = _points(inputs[0], parameters)
    if not found:
        return None
    longest_gap = 1.5 * (inputs[0].step_seconds or math.inf)
    latest = began = found[-1][0]
    for at, v in reversed(found):
        if not low <= v <= high or began - at > longest_gap:
            break
        began = at
    return latest - began


# ---- tables ----------------------------------------------------------------------------------
# `key_column` and `key` pick rows; without them all rows count.


@derivation
def rows(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the number of rows."""
    return float(len(_rows(inputs[0], parameters, "key")))


@derivation
def distinct(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the number of different non-empty cells of `column`."""
    cells = _cells(inputs[0], parameters, "key")
    return float(len({cell for cell in cells if cell not in (None, "")}))


@derivation
def cell(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the number in `column` of the one row picked."""
    return _only(_numbers(inputs[0], parameters, "key"), inputs[0])


@derivation
def cell_difference(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return `column` of the row `key` minus that of the row `base`."""
    first = _only(_numbers(inputs[0], parameters, "key"), inputs[0])
    second = _only(_numbers(inputs[-1], parameters, "base"), inputs[-1])
    return None if first is None or second is None else first - second


@derivation
def column_total(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the sum of `column`."""
    found = _numbers(inputs[0], parameters, "key")
    return sum(found) if found else None


@derivation
def column_max(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the largest number in `column`."""
    return max(_numbers(inputs[0], parameters, "key"), default=None)


# ---- reading values --------------------------------------------------------------------------


def _samples(item: Evidence, parameters: Parameters, equals_key: str) -> list[float]:
    if not isinstance(item.value, Vector):
        raise EvidenceError(f"evidence {item.id} is no instant vector")
    label = parameters.get("label")
    if label is None:
        return [s.value for s in item.value.samples]
    wanted = _wanted(parameters, equals_key)
    return [s.value for s in item.value.samples if s.labels.get(str(label), _NO_LABEL) == wanted]


def _points(item: Evidence, parameters: Parameters) -> list[tuple[float, float]]:
    if not isinstance(item.value, Matrix):
        raise EvidenceError(f"evidence {item.id} is no range matrix")
    label, wanted = parameters.get("label"), _wanted(parameters, "equals")
    start, end = _number(parameters, "from", -math.inf), _number(parameters, "to", math.inf)
    return sorted(
        (at, v)
        for series in item.value.series
        if label is None or series.labels.get(str(label), _NO_LABEL) == wanted
        for at, v in series.points
        if start <= at <= end
    )


def _first_run(points: Sequence[tuple[float, float]], *, bound: float, count: int) -> float | None:
    run: list[float] = []
    for at, v in points:
        run = [*run, at] if v >= bound else []
        if len(run) >= count:
            return run[0]
    return None


def _rows(item: Evidence, parameters: Parameters, key_name: str) -> list[tuple[Cell, ...]]:
    if not isinstance(item.value, Table):
        raise EvidenceError(f"evidence {item.id} is no table")
    key_column = parameters.get("key_column")
    if key_column is None:
        return list(item.value.rows)
    index, wanted = _index(item.value, str(key_column), item), _wanted(parameters, key_name)
    return [row for row in item.value.rows if row[index] is not None and str(row[index]) == wanted]


def _cells(item: Evidence, parameters: Parameters, key_name: str) -> list[Cell]:
    found = _rows(item, parameters, key_name)
    assert isinstance(item.value, Table)
    index = _index(item.value, str(parameters.get("column")), item)
    return [row[index] for row in found]


def _numbers(item: Evidence, parameters: Parameters, key_name: str) -> list[float]:
    cells = _cells(item, parameters, key_name)
    return [float(c) for c in cells if isinstance(c, (int, float)) and not isinstance(c, bool)]


def _index(table: Table, column: str, item: Evidence) -> int:
    if column not in table.columns:
        raise EvidenceError(f"evidence {item.id} has no column {column}")
    return table.columns.index(column)


def _only(found: Sequence[float], item: Evidence) -> float | None:
    if len(found) > 1:
        raise EvidenceError(f"evidence {item.id} has {len(found)} values where one is needed")
    return found[0] if found else None


def _wanted(parameters: Parameters, name: str) -> str | None:
    """Return what a label or cell must read; None (an unknown version, say) picks nothing."""
    found = parameters.get(name)
    return None if found is None else str(found)


def _number(parameters: Parameters, name: str, default: float | None = None) -> float:
    found = parameters.get(name)
    found = default if found is None else found
    if found is None:
        raise EvidenceError(f"the derivation needs the parameter {name}")
    try:
        return float(found)
    except ValueError:
        raise EvidenceError(f"the parameter {name} is {found!r}, which is no number") from None
