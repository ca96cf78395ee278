"""A retry and an undo are weighed by the policy of their moment: what is unknown is denied."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast.actions.guard import PolicyProblem, decide_follow_up
from holdfast.model.action import Approval, Autonomy, GuardDecision
from holdfast.model.policy import Policy, PolicyRule
from support.action_world import NOW, approval, rollback

ACTION = rollback()
LATER = NOW + timedelta(seconds=1)


def policy(autonomy: Autonomy, **rule: object) -> Policy:
    """Return a policy of one rule that matches everything."""
    return Policy(
        name="p", rules=(PolicyRule(name="all", autonomy=autonomy).model_copy(update=rule),)
    )


def weighed(given: Policy | PolicyProblem, *approvals: Approval) -> GuardDecision:
    """Return the decision on an undo."""
    return decide_follow_up(
        ACTION,
        "undo",
        given,
        environment="production",
        budget_remaining=None,
        approvals=approvals,
        now=LATER,
    )


def test_where_the_policy_lets_holdfast_act_it_undoes() -> None:
    found = weighed(policy(Autonomy.ACT))
    assert (found.decision, found.part) == ("allow", "undo")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (PolicyProblem("no such file"), "cannot be evaluated: no such file"),
        (policy(Autonomy.ACT).model_copy(update={"paused": True}), "is paused"),
        (policy(Autonomy.OBSERVE), "observe only"),
        (Policy(name="empty"), "observe only"),
        (policy(Autonomy.APPROVE), "nobody approved this plan"),
        (policy(Autonomy.ACT, budget_remaining_at_least=0.1), "there is no data for it"),
    ],
)
def test_what_is_not_allowed_at_that_moment_is_denied(
    given: Policy | PolicyProblem, reason: str
) -> None:
    found = weighed(given)
    assert (found.decision, found.part) == ("deny", "undo")
    assert any(reason in known for known in found.reasons), found.reasons


def test_the_approval_of_a_plan_covers_its_undo_though_it_was_used_and_expired() -> None:
    used = approval(ACTION, valid_seconds=1)
    assert weighed(policy(Autonomy.APPROVE), used).decision == "allow"


def test_an_approval_of_another_plan_covers_nothing() -> None:
    other = approval(rollback(target="checkout"))
    assert weighed(policy(Autonomy.APPROVE), other).decision == "deny"


@pytest.mark.parametrize("autonomy", [Autonomy.ACT, Autonomy.APPROVE])
def test_a_persons_no_that_came_later_stops_the_undo(autonomy: Autonomy) -> None:
    yes = approval(ACTION)
    no = approval(ACTION, "reject", approval_id="apr-2", given=NOW)
    found = weighed(policy(autonomy), yes, no)
    assert found.decision == "deny"
    assert any("refused it" in reason for reason in found.reasons)
