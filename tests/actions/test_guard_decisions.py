"""The guard: what it cannot evaluate it denies, and every reason is on record."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from holdfast.actions.guard import PolicyProblem, decide
from holdfast.model.action import (
    Action,
    Approval,
    Autonomy,
    EffectProbe,
    GuardDecision,
    Risk,
    WorldState,
)
from holdfast.model.policy import Policy, PolicyRule
from support.action_world import AFTER, BEFORE, NOW, approval, rollback

ACT = Policy(name="act", rules=(PolicyRule(name="all", autonomy=Autonomy.ACT),))
APPROVE = Policy(name="approve", rules=(PolicyRule(name="all", autonomy=Autonomy.APPROVE),))


@dataclass
class Situation:
    """What the guard is asked; tests change one thing at a time."""

    action: Action = field(default_factory=rollback)
    policy: Policy | PolicyProblem = ACT
    environment: str = "production"
    budget_remaining: float | None = 0.4
    world: WorldState | None = BEFORE
    approvals: tuple[Approval, ...] = ()
    actions_so_far: int = 0
    used_approval_ids: frozenset[str] = frozenset()
    plan_problems: tuple[str, ...] = ()

    def decide(self) -> GuardDecision:
        return decide(
            self.action,
            self.policy,
            environment=self.environment,
            budget_remaining=self.budget_remaining,
            world=self.world,
            approvals=self.approvals,
            actions_so_far=self.actions_so_far,
            now=NOW,
            used_approval_ids=self.used_approval_ids,
            plan_problems=self.plan_problems,
        )


def _rule(name: str = "rule", autonomy: Autonomy = Autonomy.ACT, **fields: object) -> PolicyRule:
    return PolicyRule.model_validate({"name": name, "autonomy": autonomy, **fields})


def _by_rules(*rules: PolicyRule, budget_remaining: float | None = 0.4) -> GuardDecision:
    policy = Policy(name="p", rules=rules)
    return Situation(policy=policy, budget_remaining=budget_remaining).decide()


def test_a_policy_that_lets_it_act_allows() -> None:
    decision = Situation().decide()
    assert decision.decision == "allow"
    assert decision.autonomy is Autonomy.ACT
    assert "rule all lets Holdfast act" in decision.reasons


def test_first_contact_only_observes_and_says_what_it_would_have_done() -> None:
    decision = Situation(policy=Policy(name="first-contact")).decide()
    assert (decision.decision, decision.autonomy) == ("deny", Autonomy.OBSERVE)
    assert "the default of policy first-contact lets Holdfast observe only" in decision.reasons
    assert decision.reasons[-1].startswith("would have done: Roll a service back")


DENIALS: list[tuple[Situation, str]] = [
    (Situation(policy=PolicyProblem("no such file")), "policy cannot be evaluated: no such file"),
    (Situation(policy=ACT.model_copy(update={"paused": True})), "is paused"),
    (Situation(world=None), "what runs now is unknown"),
    (Situation(world=WorldState()), "what serves shop is unknown"),
    (Situation(world=AFTER), "the world has changed: shop serves v2.0.0 100 %"),
    (
        Situation(world=WorldState(versions={"shop": {"v2.0.1": 90, "v2.0.0": 10}})),
        "the world has changed",
    ),
    (Situation(actions_so_far=3), "3 actions were taken"),
    (Situation(policy=ACT.model_copy(update={"max_actions_per_incident": 0})), "allows 0"),
    (
        Situation(action=rollback(effect_probe=EffectProbe(service="mail", version="v1"))),
        "its effect probe asks about mail",
    ),
    (Situation(action=rollback(preconditions=WorldState())), "in which state of shop"),
    (Situation(plan_problems=("its risk is understated",)), "its risk is understated"),
    (Situation(approvals=(approval(rollback(), "reject", note="freeze"),)), "refused it: freeze"),
    (Situation(approvals=(approval(rollback(), "modify"),)), "asked for it to be changed"),
    (Situation(approvals=(approval(rollback(), "escalate"),)), "handed it on"),
]


@pytest.mark.parametrize(("situation", "reason"), DENIALS, ids=[r for _, r in DENIALS])
def test_it_denies_and_says_why(situation: Situation, reason: str) -> None:
    decision = situation.decide()
    assert decision.decision == "deny"
    assert any(reason in each for each in decision.reasons), decision.reasons
    assert decision.reasons[-1].startswith("would have done")


@pytest.mark.parametrize(
    ("situation", "drifted"),
    [
        (Situation(world=AFTER), True),
        (Situation(policy=APPROVE, world=AFTER), True),
        (Situation(), False),
        (Situation(world=None), False),
        (Situation(world=WorldState()), False),
        (Situation(policy=Policy(name="observe"), world=AFTER), False),
        (Situation(policy=ACT.model_copy(update={"paused": True}), world=AFTER), False),
        (Situation(world=AFTER, actions_so_far=3), False),
        (Situation(world=AFTER, plan_problems=("it does not fit",)), False),
        (Situation(world=AFTER, approvals=(approval(rollback(), "reject"),)), False),
    ],
)
def test_only_a_world_that_has_moved_lets_it_be_planned_anew(
    situation: Situation, drifted: bool
) -> None:
    assert situation.decide().drifted is drifted


def test_every_reason_is_given_not_only_the_first() -> None:
    paused = ACT.model_copy(update={"paused": True})
    reasons = Situation(policy=paused, world=None, actions_so_far=9).decide().reasons
    assert len(reasons) == 4


# ---- rules -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "granted"),
    [
        (_rule(services=("shop",)), True),
        (_rule(services=("sh*", "mail")), True),
        (_rule(services=("mail",)), False),
        (_rule(services=("Shop",)), False),
        (_rule(environments=("prod*",)), True),
        (_rule(environments=("staging",)), False),
        (_rule(runbooks=("rollback-*",)), True),
        (_rule(runbooks=("restart-*",)), False),
        (_rule(risks=(Risk.LOW, Risk.MEDIUM)), True),
        (_rule(risks=(Risk.LOW,)), False),
        (_rule(budget_remaining_at_most=0.5), True),
        (_rule(budget_remaining_at_most=0.4), True),
        (_rule(budget_remaining_at_most=0.3), False),
        (_rule(budget_remaining_at_least=0.3), True),
        (_rule(budget_remaining_at_least=0.5), False),
        (_rule(budget_remaining_at_least=0.3, budget_remaining_at_most=0.5), True),
    ],
)
def test_a_rule_holds_only_for_what_matches_all_of_it(rule: PolicyRule, granted: bool) -> None:
    assert _by_rules(rule).decision == ("allow" if granted else "deny")


def test_the_first_rule_that_matches_decides() -> None:
    careful, free = _rule("careful", Autonomy.APPROVE), _rule("free", Autonomy.ACT)
    assert _by_rules(careful, free).decision == "ask"
    assert _by_rules(free, careful).decision == "allow"


@pytest.mark.parametrize("unknown", [None, math.nan])
def test_a_rule_that_needs_a_budget_nobody_knows_denies(unknown: float | None) -> None:
    needs = _rule("needs-budget", budget_remaining_at_least=0.1)
    decision = _by_rules(needs, _rule("free"), budget_remaining=unknown)
    assert decision.decision == "deny"
    assert any("needs-budget needs the remaining error budget" in r for r in decision.reasons)


def test_a_rule_for_another_service_needs_no_budget_here() -> None:
    other = _rule("other", services=("mail",), budget_remaining_at_least=0.1)
    assert _by_rules(other, _rule("free"), budget_remaining=None).decision == "allow"


def test_an_overspent_budget_is_a_number_like_any_other() -> None:
    rule = _rule(budget_remaining_at_most=0.0)
    assert _by_rules(rule, budget_remaining=-2.5).decision == "allow"


# ---- approval --------------------------------------------------------------------------------


def test_without_a_word_from_anybody_it_asks() -> None:
    decision = Situation(policy=APPROVE).decide()
    assert decision.decision == "ask"
    assert "nobody has approved it yet" in decision.reasons


def test_an_approval_of_this_plan_in_this_world_allows_it() -> None:
    decision = Situation(policy=APPROVE, approvals=(approval(rollback()),)).decide()
    assert decision.decision == "allow"
    assert "kim approved this plan in this state" in decision.reasons


def test_an_approval_cannot_lift_what_a_policy_forbids() -> None:
    observe = Policy(name="observe")
    approved = (approval(rollback()),)
    assert Situation(policy=observe, approvals=approved).decide().decision == "deny"
    assert Situation(policy=APPROVE, approvals=approved, world=AFTER).decide().decision == "deny"


def test_a_used_or_expired_approval_asks_again() -> None:
    mine = approval(rollback())
    used = Situation(policy=APPROVE, approvals=(mine,), used_approval_ids=frozenset({mine.id}))
    expired = approval(rollback(), given=NOW - timedelta(hours=1))
    assert used.decide().decision == "ask"
    assert Situation(policy=APPROVE, approvals=(expired,)).decide().decision == "ask"


def test_no_situation_allows_while_anything_needed_is_unknown() -> None:
    """Random situations: allowed only if nothing is paused, unknown, drifted, refused or spent."""
    seeded = random.Random(11)
    action = rollback()
    allowed = 0
    for _ in range(8000):
        policy = Policy(
            name="random",
            paused=seeded.random() < 0.2,
            max_actions_per_incident=seeded.randint(0, 3),
            default=seeded.choice(list(Autonomy)),
            rules=tuple(
                _rule(
                    f"r{n}",
                    seeded.choice(list(Autonomy)),
                    services=(seeded.choice(("*", "shop", "mail")),),
                    budget_remaining_at_least=seeded.choice((None, 0.5)),
                )
                for n in range(seeded.randint(0, 3))
            ),
        )
        situation = Situation(
            action=action,
            policy=policy,
            budget_remaining=seeded.choice((None, math.nan, 0.2, 0.9)),
            world=seeded.choice((None, WorldState(), BEFORE, AFTER)),
            actions_so_far=seeded.randint(0, 4),
            approvals=seeded.choice(((), (approval(action),), (approval(action, "reject"),))),
        )
        decision = situation.decide()
        if decision.decision != "allow":
            continue
        allowed += 1
        assert situation.world == BEFORE
        assert not policy.paused
        assert situation.actions_so_far < policy.max_actions_per_incident
        assert decision.autonomy is not Autonomy.OBSERVE
        assert not any(a.decision == "reject" for a in situation.approvals)
        if decision.autonomy is Autonomy.APPROVE:
            assert situation.approvals
    assert allowed > 100
