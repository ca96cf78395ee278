"""An approval covers one plan, in one state of the world, once, for a while, by somebody else."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from holdfast.actions.approval import Accepted, NotApproved, match, used_approvals
from holdfast.model.action import Action, Approval, Risk, RunbookCall, WorldState
from holdfast.model.case import ActionCase
from holdfast.model.event import Claimed
from support.action_world import AFTER, BEFORE, EFFECT, NOW, approval, rollback


def _reason(
    action: Action,
    *approvals: Approval,
    now: datetime = NOW,
    world: WorldState | None = BEFORE,
    used: frozenset[str] = frozenset(),
) -> str:
    answer = match(action, approvals, now=now, world=world, used_approval_ids=used)
    assert isinstance(answer, NotApproved)
    return answer.reason


def test_an_approval_of_this_plan_is_accepted() -> None:
    action = rollback()
    mine = approval(action)
    assert match(action, [mine], now=NOW, world=BEFORE) == Accepted(mine)


def test_an_approval_for_another_action_does_not_count() -> None:
    other = approval(rollback(id="act-2"))
    assert _reason(rollback(), other) == "nobody has approved it yet"


@pytest.mark.parametrize(
    "changes",
    [
        {"plan": RunbookCall(runbook_id="rollback-release", parameters={"service": "shop"})},
        {"undo": RunbookCall(runbook_id="other")},
        {"target": "mail"},
        {"preconditions": AFTER},
        {"expected_effect": EFFECT.model_copy(update={"deadline_seconds": 3600})},
    ],
)
def test_a_plan_that_was_changed_after_the_approval_is_not_covered(
    changes: dict[str, object],
) -> None:
    given = approval(rollback())
    assert "another plan" in _reason(rollback(**changes), given)


def test_a_world_that_changed_after_the_approval_is_not_covered() -> None:
    given = approval(rollback())
    assert "the world has changed" in _reason(rollback(), given, world=AFTER)
    assert "unknown" in _reason(rollback(), given, world=None)
    assert "unknown" in _reason(rollback(), given, world=WorldState())


def test_an_approval_counts_once() -> None:
    given = approval(rollback())
    assert "used already" in _reason(rollback(), given, used=frozenset({given.id}))


def test_an_approval_expires_at_its_time() -> None:
    given = approval(rollback(), given=NOW, valid_seconds=60)
    late, in_time = NOW + timedelta(seconds=60), NOW + timedelta(seconds=59)
    assert "expired" in _reason(rollback(), given, now=late)
    assert match(rollback(), [given], now=in_time, world=BEFORE) == Accepted(given)


def test_an_approval_from_the_future_does_not_count() -> None:
    assert "future" in _reason(rollback(), approval(rollback(), given=NOW + timedelta(seconds=1)))


@pytest.mark.parametrize("approver", ["embedded", " Embedded ", "EMBEDDED"])
def test_a_high_risk_needs_somebody_other_than_the_proposer(approver: str) -> None:
    high = rollback(risk=Risk.HIGH)
    assert "somebody else" in _reason(high, approval(high, approver=approver))
    medium = rollback()
    own = approval(medium, approver=approver)
    assert match(medium, [own], now=NOW, world=BEFORE) == Accepted(own)


def test_an_approval_without_a_name_does_not_count() -> None:
    assert "no approver" in _reason(rollback(), approval(rollback(), approver=" "))


def test_the_latest_word_replaces_the_earlier_ones() -> None:
    action = rollback()
    yes = approval(action, given=NOW - timedelta(seconds=60))
    no = approval(action, "reject", approval_id="apr-2", given=NOW - timedelta(seconds=30))
    assert "refused" in _reason(action, yes, no)
    assert "refused" in _reason(action, no, yes)
    again = approval(action, approval_id="apr-3", given=NOW - timedelta(seconds=10))
    assert match(action, [yes, no, again], now=NOW, world=BEFORE) == Accepted(again)


def test_a_word_given_before_the_first_claim_is_used_up_by_it() -> None:
    action = rollback()
    first = approval(action, given=NOW - timedelta(seconds=60))
    later = approval(action, approval_id="apr-2", given=NOW + timedelta(seconds=60))
    claim = Claimed(action_id=action.id, part="act", attempt=1, world=BEFORE)
    waiting = ActionCase(action=action, proposed_at=NOW, approvals=(first,))
    claimed = waiting.model_copy(
        update={"claims": (claim,), "claimed_at": (NOW,), "approvals": (first, later)}
    )
    assert used_approvals([waiting]) == frozenset()
    assert used_approvals([claimed]) == {first.id}
