"""The impact of a whole incident, from the evidence that its report rests on. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from holdfast.evidence.logs import ALL_VERSIONS
from holdfast.learning.formats import count, duration, percent
from holdfast.learning.ledger_evidence import gathered
from holdfast.model.case import Case
from holdfast.model.event import Event
from holdfast.model.evidence import Evidence, Table, Vector
from holdfast.surfaces.cli import wording

_REQUESTS, _BAD, _SPENT, _LOG = "requests:", "bad:", "budget spent:", "log impact:"


def whole_impact(case: Case, events: Sequence[Event]) -> tuple[str, ...]:
    """Return the impact as measured at the end; until then as triage found it, and called so."""
    answers = gathered(events).answers
    objectives = [name.removeprefix(_SPENT) for name in answers if name.startswith(_SPENT)]
    if not objectives:
        found = wording.impact(case.triage.impact) if case.triage else ()
        return (f"at triage: {', '.join(found)}",) if found else ()
    return (
        ", ".join(part for part in (_lasting(case), *_totals(answers)) if part),
        *(_objective(name, answers) for name in objectives),
    )


def _lasting(case: Case) -> str:
    began, ended = (case.milestones.get(name) for name in ("impact_started", "mitigated"))
    return f"lasting {duration((ended.at - began.at).total_seconds())}" if began and ended else ""


def _totals(answers: Mapping[str, Evidence]) -> list[str]:
    requests = next((e for name, e in answers.items() if name.startswith(_REQUESTS)), None)
    users = [
        cell
        for name, evidence in answers.items()
        if name.startswith(_LOG)
        for cell in _of_all_versions(evidence, "users_affected")
    ]
    said = [f"requests {_count(_value(requests))}"] if requests else []
    return [*said, f"users affected {_count(users[0])}"] if users else said


def _objective(name: str, answers: Mapping[str, Evidence]) -> str:
    spent = _value(answers.get(_SPENT + name))
    budget = wording.NO_DATA if spent is None else percent(spent)
    bad = _count(_value(answers.get(_BAD + name)))
    return f"{name}: {bad} bad requests, {budget} of the error budget spent"


def _count(value: float | None) -> str:
    return wording.NO_DATA if value is None else count(value)


def _value(evidence: Evidence | None) -> float | None:
    match evidence.value if evidence else None:
        case Vector(samples=(only,)):
            return only.value
        case _:
            return None


def _of_all_versions(evidence: Evidence, name: str) -> list[float]:
    """Return the cell of a log count that stands for all versions together."""
    table = evidence.value
    if not isinstance(table, Table) or not {"version", name} <= set(table.columns):
        return []
    version, place = table.columns.index("version"), table.columns.index(name)
    cells = (row[place] for row in table.rows if row[version] == ALL_VERSIONS)
    return [float(cell) for cell in cells if isinstance(cell, int | float)]
