"""Actions for tests: a rollback of `shop`, its runbook, its world, and a person's approvals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from holdfast.actions.plan import plan_action
from holdfast.actions.runbooks import load_runbooks
from holdfast.model.action import Action, Approval, ExpectedEffect, WorldState
from holdfast.model.hypothesis import Bound

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BEFORE = WorldState(versions={"shop": {"v2.0.1": 100.0}})
AFTER = WorldState(versions={"shop": {"v2.0.0": 100.0}})
EFFECT = ExpectedEffect(
    statement="slow requests are within the objective",
    query="slow_ratio",
    bound=Bound(at_most=0.05),
    hold_seconds=10,
    deadline_seconds=60,
)
RUNBOOKS = load_runbooks()


def rollback(**changes: object) -> Action:
    """Return the planned rollback of shop from v2.0.1 to v2.0.0, with fields replaced."""
    action = plan_action(
        RUNBOOKS["rollback-release"],
        {"service": "shop", "from_version": "v2.0.1", "to_version": "v2.0.0"},
        action_id="act-1",
        target="shop",
        world=BEFORE,
        expected_effect=EFFECT,
        blast_radius="all requests to shop",
        proposed_by="embedded",
    )
    return action.model_copy(update=changes)


def approval(
    action: Action,
    decision: Literal["approve", "modify", "reject", "escalate"] = "approve",
    *,
    approval_id: str = "apr-1",
    approver: str = "kim",
    given: datetime = NOW - timedelta(seconds=30),
    valid_seconds: float = 900,
    note: str = "",
) -> Approval:
    """Return a person's word on exactly this action."""
    return Approval(
        id=approval_id,
        action_id=action.id,
        decision=decision,
        approver=approver,
        plan_hash=action.plan_hash(),
        given_at=given,
        expires_at=given + timedelta(seconds=valid_seconds),
        note=note,
    )
