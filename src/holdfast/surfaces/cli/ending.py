"""A person's notes, and the end of an incident that Holdfast has handed over."""

from __future__ import annotations

import getpass

from holdfast.errors import InputError
from holdfast.flow import is_finished
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Ledger
from holdfast.model.event import Noted, StatusChanged
from holdfast.model.ids import new_id
from holdfast.model.incident import Status


def write_note(ledger: Ledger, incident_id: str, text: str, by: str) -> str:
    """Append a note and say so. Raises InputError for an empty one."""
    person = _person(by)
    said = _said(text, "the note")
    ledger.append(incident_id, [(f"note:{new_id('note')}", Noted(text=said))], actor=person)
    return f"on record: a note of {person} in {incident_id}"


def close_incident(ledger: Ledger, incident_id: str, reason: str, by: str) -> tuple[str, ...]:
    """Append the end; return what to tell: who closed it, and what was still missing.

    Raises InputError where it is closed already, or Holdfast has not handed it over yet.
    """
    case = fold(ledger.events(incident_id))
    if case.status is Status.CLOSED:
        raise InputError(f"{incident_id} is closed already")
    if not is_finished(case):
        raise InputError(
            f"{incident_id} is {case.status.value}: Holdfast has not handed it over",
            hint="`holdfast watch` works on it; `holdfast show` tells where it is",
        )
    person = _person(by)
    closed = StatusChanged(
        status=Status.CLOSED,
        outcome=case.outcome,
        reason=f"{person} closed it: {_said(reason, '--reason')}",
    )
    ledger.append(incident_id, [("status:closed by a person", closed)], actor=person)
    missing = (f"was missing: {sentence}" for sentence in case.contract_unmet or ())
    outcome = case.outcome.value.replace("_", " ") if case.outcome else "no outcome"
    return f"on record: {person} closed {incident_id} ({outcome})", *missing


def _person(by: str) -> str:
    return by.strip() or getpass.getuser()


def _said(text: str, what: str) -> str:
    if not text.strip():
        raise InputError(f"{what} says nothing", hint="write a sentence")
    return text.strip()
