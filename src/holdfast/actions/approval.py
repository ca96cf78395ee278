"""Whether a person's word covers an action now. Pure: reads approvals, records none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.actions.conditions import drift
from holdfast.model.action import Action, Approval, Risk, WorldState
from holdfast.model.case import ActionCase


@dataclass(frozen=True)
class Accepted:
    """This approval covers the action, now and once."""

    approval: Approval


@dataclass(frozen=True)
class NotApproved:
    """No approval covers it. `refused` = a person said no; else one may still be asked."""

    reason: str
    refused: bool = False


def match(
    action: Action,
    approvals: Sequence[Approval],
    *,
    now: datetime,
    world: WorldState | None,
    used_approval_ids: Collection[str] = (),
) -> Accepted | NotApproved:
    """Return whether the latest word on exactly this plan lets it be done now.

    An approval covers an action where it names it, was given for the same plan hash (plan,
    target, expected effect, undo and the state of the world it was planned for), that state
    still holds, it is neither used nor expired, and for high risk the approver is not the
    proposer. A later word replaces an earlier one; a refusal stays until the plan changes.
    """
    mine = [a for a in approvals if a.action_id == action.id]
    about_this_plan = [a for a in mine if a.plan_hash == action.plan_hash()]
    if not about_this_plan:
        changed = "the approval was given for another plan or another state" if mine else ""
        return NotApproved(changed or "nobody has approved it yet")
    latest = max(enumerate(about_this_plan), key=lambda pair: (pair[1].given_at, pair[0]))[1]
    if latest.decision != "approve":
        return NotApproved(_refusal(latest), refused=True)
    problem = _problem(latest, action, now, world, used_approval_ids)
    return NotApproved(problem) if problem else Accepted(latest)


def used_approvals(actions: Iterable[ActionCase]) -> frozenset[str]:
    """Return the approvals that are used up: those given before the first claim of their action.

    A conditional retry of the same claim runs under the approval that the first attempt had.
    """
    return frozenset(
        approval.id
        for known in actions
        for approval in known.approvals
        if known.claimed_at and approval.given_at <= known.claimed_at[0]
    )


def _refusal(approval: Approval) -> str:
    said = {
        "reject": "refused it",
        "modify": "asked for it to be changed",
        "escalate": "handed it on to somebody else",
    }[approval.decision]
    return f"{approval.approver} {said}" + (f": {approval.note}" if approval.note else "")


def _problem(
    approval: Approval,
    action: Action,
    now: datetime,
    world: WorldState | None,
    used_approval_ids: Collection[str],
) -> str:
    """Return why an approval does not count, or nothing."""
    if not approval.approver.strip():
        return "the approval names no approver"
    if approval.id in used_approval_ids:
        return "the approval was used already: it counts once"
    if approval.given_at > now:
        return "the approval is dated in the future"
    if now >= approval.expires_at:
        return f"the approval expired at {approval.expires_at:%H:%M:%S} UTC"
    if action.risk is Risk.HIGH and _same_person(approval.approver, action.proposed_by):
        return f"{approval.approver} proposed it: a high risk needs somebody else's approval"
    if world is None:
        return "what runs now is unknown: the approval was given for a known state"
    changes = drift(action.preconditions, world)
    return f"the world has changed since it was approved: {'; '.join(changes)}" if changes else ""


def _same_person(first: str, second: str) -> bool:
    return first.strip().casefold() == second.strip().casefold()
