"""A person's word on an action: what it is about, and how it is put on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Literal

from holdfast.catalog.config import load_config
from holdfast.catalog.policy import load_policy
from holdfast.errors import InputError
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Ledger
from holdfast.model.action import Action, Approval
from holdfast.model.base import utc_now
from holdfast.model.event import ActionProposed, Approved, Event, Guarded, Repaired, Verified
from holdfast.model.ids import new_id
from holdfast.reasoning.fix_course import steps_of
from holdfast.surfaces.cli import wording
from holdfast.surfaces.cli.render import render_all

Decision = Literal["approve", "reject", "modify", "escalate"]


def waiting_action(events: Sequence[Event]) -> Action:
    """Return the action that waits for a person. Raises InputError where none does."""
    case = fold(events)
    latest = case.latest_action
    if not case.awaits_approval or case.concluded or latest is None or latest.claims:
        raise InputError(
            f"no action of {case.incident_id} waits for a person",
            hint=f"`holdfast show {case.incident_id}` tells where it is",
        )
    return latest.action


def plan_rows(events: Sequence[Event], action: Action) -> list[str]:
    """Return what the person decides on: the plan, and the guard's reasons.

    Before a merge stand the fix that is merged, and how it was proven.
    """
    rows: list[str] = []
    staged = {one.action.id for one in steps_of(fold(events), "stage")}
    for entry, lines in render_all(tuple(events)):
        proves = isinstance(entry.payload, Verified) and entry.payload.verdict.action_id in staged
        if _is_about(entry, action) or (proves and action.purpose == "merge"):
            for line in lines:
                rows += [line.text, *(f"  {detail}" for detail in line.details)]
    return rows


def give_word(
    ledger: Ledger,
    config: Path,
    incident_id: str,
    action: Action,
    decision: Decision,
    approver: str,
    note: str,
) -> str:
    """Append the approval, bound to the plan as it is now; return what was done."""
    if decision == "modify" and not note:
        raise InputError("`modify` needs a note that says what to change", hint="add --note")
    valid_seconds = load_policy(load_config(config).policy).approval_valid_seconds
    now = utc_now()
    approval = Approval(
        id=new_id("apr"),
        action_id=action.id,
        decision=decision,
        approver=approver,
        plan_hash=action.plan_hash(),
        given_at=now,
        expires_at=now + timedelta(seconds=valid_seconds),
        note=note,
    )
    step = f"approval:{approval.id}"
    ledger.append(incident_id, [(step, Approved(approval=approval))], actor=approver)
    until = wording.clock(approval.expires_at.timestamp())
    return f"on record: {approver} says {decision}, once, until {until}"


def _is_about(entry: Event, action: Action) -> bool:
    match entry.payload:
        case ActionProposed(action=proposed):
            return proposed.id == action.id
        case Guarded(decision=decision):
            return decision.action_id == action.id
        case Repaired():
            return action.purpose == "merge"
        case _:
            return False
