"""How fields of records are written: amounts with units, bounds, short names. Pure."""

from __future__ import annotations

from datetime import datetime

from holdfast.learning.formats import NO_DATA, clock, count, duration, number, percent, render
from holdfast.model.action import ExpectedEffect, RunbookCall, WorldState
from holdfast.model.case import Case
from holdfast.model.change import Change
from holdfast.model.evidence import Evidence, Matrix, Outcome, Table, Text, Vector
from holdfast.model.figure import Figure
from holdfast.model.hypothesis import Bound
from holdfast.model.incident import Impact

_WRITERS = {"s": duration, "seconds": duration, "fraction": percent, "Unix seconds": clock}
_IMPACT = {
    "duration_seconds": ("lasting", "duration"),
    "requests": ("requests", "count"),
    "slow_requests": ("slow", "count"),
    "failed_requests": ("failed", "count"),
    "users_affected": ("users affected", "count"),
    "budget_spent_fraction": ("of the error budget spent", "percent"),
    "sli_now": ("good requests now", "percent"),
    "sli_before": ("good requests before", "percent"),
    "latency_p95_seconds_now": ("p95 now", "duration"),
    "latency_p95_seconds_before": ("p95 before", "duration"),
}
"""How each figure of an impact is named, and the format of its value."""


def amount(value: float | None, unit: str) -> str:
    """Return a measured value with its unit, `no data` where there is none."""
    if value is None:
        return NO_DATA
    if unit in _WRITERS:
        return _WRITERS[unit](value)
    if unit.startswith("of "):
        return f"{percent(float(f'{value:.3g}'))} {unit}"
    if unit == "budgets" and value == 1:
        unit = "budget"
    return f"{number(value)} {unit}".rstrip()


def bound(limits: Bound) -> str:
    """Return a predicted range, for example `≥ 1.5 times`, `≤ 300 ms` or `1 s to 2 s`."""
    low = "" if limits.at_least is None else f"≥ {amount(limits.at_least, limits.unit)}"
    high = "" if limits.at_most is None else f"≤ {amount(limits.at_most, limits.unit)}"
    if low and high:
        return f"{low.removeprefix('≥ ')} to {high.removeprefix('≤ ')}"
    return low or high


def hypothesis_name(case: Case, hypothesis_id: str | None) -> str:
    """Return `H1`, `H2` … in the order in which they were proposed; a new one is the next."""
    return _numbered("H", list(case.hypotheses), hypothesis_id)


def action_name(case: Case, action_id: str) -> str:
    """Return `A1`, `A2` …, likewise."""
    return _numbered("A", list(case.actions), action_id)


def _numbered(letter: str, known: list[str], wanted: str | None) -> str:
    place = known.index(wanted) if wanted in known else len(known)
    return f"{letter}{place + 1}"


def expected(effect: ExpectedEffect) -> str:
    """Return what must be seen of an action, and by when."""
    hold, deadline = duration(effect.hold_seconds), duration(effect.deadline_seconds)
    match effect.kind:
        case "query":
            return f"{bound(effect.bound)} for {hold}, within {deadline}"
        case "load_test":
            return f"p95 over the good version's {bound(effect.bound)}, within {deadline}"
        case "canary":
            return f"shown {bound(effect.bound)} of the good version, within {deadline}"
        case "probe":
            return f"{effect.statement}, within {deadline}"


def measured(effect: ExpectedEffect, value: float | None) -> str:
    """Return what was measured of an effect; empty for a probe, which only says yes or no."""
    return "" if effect.kind == "probe" else f"measured {amount(value, effect.bound.unit)}"


def call(plan: RunbookCall) -> str:
    """Return a runbook with its parameters."""
    parameters = ", ".join(f"{k}={v}" for k, v in plan.parameters.items())
    return f"{plan.runbook_id}({parameters})"


def world(state: WorldState) -> str:
    """Return what runs and how it is set, for example `api v1 90 %, v2 10 %; api pool=1`."""
    runs = [
        f"{service} " + ", ".join(f"{v} {number(w)} %" for v, w in weights.items())
        for service, weights in state.versions.items()
    ]
    runs += [
        f"{service} " + ", ".join(f"{key}={value}" for key, value in settings.items())
        for service, settings in state.settings.items()
    ]
    return "; ".join(runs)


def change(one: Change, onset: datetime | None) -> str:
    """Return a change, with its time before the onset where that is known."""
    moved = " → ".join(v for v in (one.from_version, one.to_version) if v)
    if not moved and one.setting:
        moved = f"{one.setting} {one.from_value or 'not set'} → {one.to_value or 'not set'}"
    what = " ".join(part for part in (one.service, one.type.value, moved or one.summary) if part)
    at = clock(one.at.timestamp())
    if onset is None:
        return f"{what} at {at}"
    gap = (onset - one.at).total_seconds()
    return f"{what} at {at}, {duration(abs(gap))} {'before' if gap >= 0 else 'after'} the onset"


def figure(key: str, one: Figure) -> str:
    """Return a figure of the impact in words."""
    name, style = _IMPACT.get(key, (key.replace("_", " "), "number"))
    text = one.text or render(one.value, style, one.unit if key not in _IMPACT else "")
    if key == "budget_spent_fraction":
        return f"{text} {name}"
    return f"{name} {text}"


def impact(measured: Impact) -> tuple[str, ...]:
    """Return the figures of an impact, in a fixed order."""
    known = [key for key in _IMPACT if key in measured.figures]
    other = [key for key in measured.figures if key not in _IMPACT]
    return tuple(figure(key, measured.figures[key]) for key in (*known, *other))


def answer(evidence: Evidence) -> str:
    """Return what kind of answer a question got, and how much of it."""
    if evidence.outcome is Outcome.ERROR:
        return f"error: {evidence.error}"
    if evidence.outcome is Outcome.NO_DATA:
        return NO_DATA
    match evidence.value:
        case Vector(samples=(only,)):
            return number(only.value)
        case Vector(samples=samples):
            return _plural(len(samples), "value")
        case Matrix(series=series):
            points = sum(len(one.points) for one in series)
            return f"{_plural(len(series), 'series', 'series')}, {_plural(points, 'point')}"
        case Table(rows=rows):
            return _plural(len(rows), "row")
        case Text(text=text):
            return _plural(len(text.splitlines()), "line")
        case None:
            return NO_DATA


def one_line(text: str) -> str:
    """Return a text without its line breaks and runs of spaces."""
    return " ".join(text.split())


def _plural(many: int, one: str, several: str = "") -> str:
    return f"{count(many)} {one if many == 1 else several or one + 's'}"
