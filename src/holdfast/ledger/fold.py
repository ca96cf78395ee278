"""An incident's state is a fold of its events: pure, total, and the same at every replay."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.errors import LedgerError
from holdfast.model import event as ev
from holdfast.model.case import ActionCase, Case
from holdfast.model.event import Event
from holdfast.model.lesson import ActionItem


def fold(events: Sequence[Event]) -> Case:
    """Return the case that the events tell. The first must be `opened`."""
    if not events:
        raise LedgerError("an incident without events cannot be folded")
    first = events[0]
    if not isinstance(first.payload, ev.Opened):
        raise LedgerError(f"{first.incident_id} does not begin with `opened`")
    case = Case(
        incident_id=first.incident_id,
        opened_at=first.at,
        opened=first.payload,
        last_event_at=first.at,
        last_sequence=first.sequence,
    )
    for entry in events[1:]:
        case = apply(case, entry)
    return case


def apply(case: Case, entry: Event) -> Case:
    """Return the case after one more event."""
    try:
        changes = _changes(case, entry)
    except KeyError as missing:
        where = f"entry {entry.sequence} ({entry.step_key}) of {entry.incident_id}"
        raise LedgerError(
            f"{where} speaks of {missing}, which no entry before it holds",
            hint="`holdfast show` tells the others; keep the ledger as it is and report it",
        ) from missing
    changes |= {"last_event_at": entry.at, "last_sequence": entry.sequence}
    return case.model_copy(update=changes)


def _changes(case: Case, entry: Event) -> dict[str, object]:
    payload = entry.payload
    match payload:
        case ev.EvidenceKept(evidence=evidence):
            return {"evidence": {**case.evidence, evidence.id: evidence}}
        case ev.Triaged():
            return {"triage": payload}
        case ev.HypothesisProposed(hypothesis=h) | ev.HypothesisJudged(hypothesis=h):
            return {"hypotheses": {**case.hypotheses, h.id: h}}
        case ev.TestPlanned(test=test):
            return {"tests": {**case.tests, test.id: test}}
        case ev.TestObserved(result=result):
            return {"results": {**case.results, result.test_id: result}}
        case ev.MilestoneReached(milestone=milestone):
            return {"milestones": {**case.milestones, milestone.name: milestone}}
        case ev.StatusChanged(status=status, outcome=outcome):
            concluded = {} if outcome is None else {"outcome": outcome, "concluded_at": entry.at}
            return {"status": status, **concluded}
        case ev.SeverityRaised():
            return {"raised": payload}
        case ev.Escalated():
            return {"escalated": payload}
        case ev.Repaired():
            return {"repaired": payload}
        case ev.Prevented():
            return {"prevented": payload}
        case ev.ActionItemFiled(item=item):
            return {"action_items": (*case.action_items, item)}
        case ev.ActionItemClosed(item_id=item_id):
            return {"action_items": _with_closed(case.action_items, item_id)}
        case ev.PostmortemWritten():
            return {"postmortem": payload}
        case ev.ContractChecked(unmet=unmet):
            return {"contract_unmet": unmet}
        case ev.Noted() | ev.Opened():
            return {}
        case _:
            return _action_changes(case, entry)


def _with_closed(items: Sequence[ActionItem], item_id: str) -> tuple[ActionItem, ...]:
    if item_id not in {item.id for item in items}:
        raise KeyError(item_id)
    return tuple(
        item.model_copy(update={"status": "done"}) if item.id == item_id else item for item in items
    )


def _action_changes(case: Case, entry: Event) -> dict[str, object]:
    payload = entry.payload
    match payload:
        case ev.ActionProposed(action=action):
            known = ActionCase(action=action, proposed_at=entry.at)
        case ev.Guarded(decision=decision) if decision.part == "undo":
            old = case.actions[decision.action_id]
            known = old.model_copy(update={"undo_guard": decision})
        case ev.Guarded(decision=decision):
            old = case.actions[decision.action_id]
            known = old.model_copy(
                update={"guard": decision, "approvals_weighed": len(old.approvals)}
            )
        case ev.Approved(approval=approval):
            old = case.actions[approval.action_id]
            known = old.model_copy(update={"approvals": (*old.approvals, approval)})
        case ev.Claimed():
            old = case.actions[payload.action_id]
            known = old.model_copy(
                update={
                    "claims": (*old.claims, payload),
                    "claimed_at": (*old.claimed_at, entry.at),
                }
            )
        case ev.Performed(performance=performance):
            old = case.actions[performance.action_id]
            known = old.model_copy(
                update={
                    "performances": (*old.performances, performance),
                    "performed_at": (*old.performed_at, entry.at),
                }
            )
        case ev.CanaryLooked():
            old = case.actions[payload.action_id]
            known = old.model_copy(update={"looks": (*old.looks, payload)})
        case ev.Verified(verdict=verdict):
            known = case.actions[verdict.action_id].model_copy(
                update={"verdict": verdict, "verified_at": entry.at}
            )
        case _:
            raise LedgerError(f"no fold for the event {payload.kind}")
    return {"actions": {**case.actions, known.action.id: known}}
