"""Derivations that only reports need; registered beside those of evidence/derive.py."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.errors import EvidenceError
from holdfast.evidence.derive import Parameters, derivation
from holdfast.evidence.derive import cell as _cell
from holdfast.evidence.derive import largest as _largest
from holdfast.evidence.derive import value as _value
from holdfast.model.evidence import Evidence, Matrix


@derivation
def value_times_cell(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return value($0) x the number in `column` of the row picked of the table $1."""
    amount = _value(inputs[:1], {})
    factor = _cell(inputs[1:], parameters)
    return None if amount is None or factor is None else amount * factor


@derivation
def largest_ratio(inputs: Sequence[Evidence], _parameters: Parameters) -> float | None:
    """Return largest($0) / largest($1), None where the second is 0 or missing."""
    top, base = _largest(inputs[:1], {}), _largest(inputs[1:], {})
    return None if top is None or not base else top / base


@derivation
def both_above_first(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return the first Unix time when $0 and $1 are both above the cell picked of $2."""
    times = _both_above(inputs, parameters)
    return times[0] if times else None


@derivation
def both_above_count(inputs: Sequence[Evidence], parameters: Parameters) -> float | None:
    """Return at how many points $0 and $1 are both above the cell picked of $2.

    None where the two have no time in common within `from` … `to`: silence is not health.
    """
    if not _common_times(inputs, parameters):
        return None
    return float(len(_both_above(inputs, parameters)))


def _both_above(inputs: Sequence[Evidence], parameters: Parameters) -> list[float]:
    bound = _cell(inputs[2:], parameters)
    if bound is None:
        raise EvidenceError(f"evidence {inputs[2].id} has no bound for {parameters.get('key')}")
    long, short = _by_time(inputs[0]), _by_time(inputs[1])
    return [
        at for at in _common_times(inputs, parameters) if long[at] > bound and short[at] > bound
    ]


def _common_times(inputs: Sequence[Evidence], parameters: Parameters) -> list[float]:
    start, end = parameters.get("from"), parameters.get("to")
    return [
        at
        for at in sorted(_by_time(inputs[0]).keys() & _by_time(inputs[1]).keys())
        if (start is None or at >= float(start)) and (end is None or at <= float(end))
    ]


def _by_time(item: Evidence) -> dict[float, float]:
    if not isinstance(item.value, Matrix):
        raise EvidenceError(f"evidence {item.id} is no range matrix")
    found: dict[float, float] = {}
    for series in item.value.series:
        for at, v in series.points:
            found[at] = max(v, found.get(at, v))
    return found


REPORT_DERIVATIONS = (value_times_cell, largest_ratio, both_above_first, both_above_count)
"""All that is registered here."""
