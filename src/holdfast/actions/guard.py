"""Whether an action may be done: by itself, after a person's word, or not. Pure.

Each check that denies adds its reason; without any, the first policy rule that matches says what
Holdfast may do. What cannot be evaluated denies: an unknown is never a pass.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Literal

from holdfast.actions.approval import Accepted, NotApproved, match
from holdfast.actions.conditions import drift
from holdfast.model.action import Action, Approval, Autonomy, GuardDecision, WorldState
from holdfast.model.case import Part
from holdfast.model.policy import Policy, PolicyRule


@dataclass(frozen=True)
class PolicyProblem:
    """The policy could not be loaded; `reason` is the error's text."""

    reason: str


@dataclass(frozen=True)
class Standing:
    """Everything that the guard looks at besides the action and the policy.

    `budget_remaining` is a fraction of the error budget (negative = overspent, None = no data),
    `world` what runs now (None = unknown), `actions_so_far` how many actions of this incident
    were claimed before this one, `plan_problems` what does not fit in the plan itself.
    """

    environment: str
    budget_remaining: float | None
    world: WorldState | None
    approvals: Sequence[Approval]
    actions_so_far: int
    now: datetime
    used_approval_ids: Collection[str] = ()
    plan_problems: Sequence[str] = ()


@dataclass(frozen=True)
class _Permission:
    """What the policy grants, by which rule; `problem` where that cannot be said."""

    autonomy: Autonomy
    source: str
    problem: str = ""


def decide(
    action: Action,
    policy: Policy | PolicyProblem,
    *,
    environment: str,
    budget_remaining: float | None,
    world: WorldState | None,
    approvals: Sequence[Approval],
    actions_so_far: int,
    now: datetime,
    used_approval_ids: Collection[str] = (),
    plan_problems: Sequence[str] = (),
) -> GuardDecision:
    """Return allow, ask or deny, with every reason."""
    standing = Standing(
        environment,
        budget_remaining,
        world,
        approvals,
        actions_so_far,
        now,
        used_approval_ids,
        plan_problems,
    )
    if isinstance(policy, PolicyProblem):
        reason = f"the policy cannot be evaluated: {policy.reason}"
        return _decision(action, "deny", Autonomy.OBSERVE, (reason, _would_have_done(action)))
    permission = _permission(action, policy, standing)
    denials = _denials(action, policy, permission, standing)
    if denials:
        reasons = (*denials, _would_have_done(action))
        denied = _decision(action, "deny", permission.autonomy, reasons)
        return denied.model_copy(update={"drifted": _only_drifted(denials, action, standing.world)})
    return _by_autonomy(action, permission, standing)


def decide_follow_up(
    action: Action,
    part: Part,
    policy: Policy | PolicyProblem,
    *,
    environment: str,
    budget_remaining: float | None,
    approvals: Sequence[Approval],
    now: datetime,
) -> GuardDecision:
    """Return allow or deny for a write that follows from a claimed one: its retry, or its undo.

    The world has moved by our own hand since the plan was weighed, so the policy of this moment
    and people's words are weighed again, and nothing else. Nobody is asked: what is not allowed
    now goes to a person. An approval of the plan covers its retry and its undo, which it names.
    """
    standing = Standing(environment, budget_remaining, None, approvals, 0, now)
    if isinstance(policy, PolicyProblem):
        reasons = [f"the policy cannot be evaluated: {policy.reason}"]
        return _decision(action, "deny", Autonomy.OBSERVE, tuple(reasons), part)
    permission = _permission(action, policy, standing)
    approved = any(
        said.decision == "approve" and said.plan_hash == action.plan_hash() for said in approvals
    )
    reasons = [
        *_policy_denials(policy, permission),
        *([refusal] if (refusal := _refused(action, standing)) else []),
    ]
    if permission.autonomy is Autonomy.APPROVE and not approved:
        reasons.append(f"{permission.source} asks for approval, and nobody approved this plan")
    if reasons:
        return _decision(action, "deny", permission.autonomy, tuple(reasons), part)
    allowed = (f"{permission.source} still lets Holdfast go on",)
    return _decision(action, "allow", permission.autonomy, allowed, part)


def _denials(
    action: Action, policy: Policy, permission: _Permission, standing: Standing
) -> tuple[str, ...]:
    reasons = _plan_denials(action, standing)
    reasons += _world_denials(action, standing.world)
    if standing.actions_so_far >= policy.max_actions_per_incident:
        reasons.append(
            f"{standing.actions_so_far} actions were taken in this incident; the policy allows "
            f"{policy.max_actions_per_incident}"
        )
    refusal = _refused(action, standing)
    return (*_policy_denials(policy, permission), *reasons, *([refusal] if refusal else []))


def _policy_denials(policy: Policy, permission: _Permission) -> list[str]:
    reasons: list[str] = []
    if policy.paused:
        reasons.append(f"the policy {policy.name} is paused: nothing is written anywhere")
    if permission.problem:
        reasons.append(permission.problem)
    elif permission.autonomy is Autonomy.OBSERVE:
        reasons.append(f"{permission.source} lets Holdfast observe only")
    return reasons


def _plan_denials(action: Action, standing: Standing) -> list[str]:
    reasons = list(standing.plan_problems)
    if action.effect_probe.service != action.target:
        reasons.append(
            f"the plan changes {action.target}, but its effect probe asks about "
            f"{action.effect_probe.service}"
        )
    setting = action.effect_probe.setting
    if setting and setting not in action.preconditions.settings.get(action.target, {}):
        reasons.append(f"the plan does not say which {setting} of {action.target} it replaces")
    if not setting and action.target not in action.preconditions.versions:
        reasons.append(f"the plan does not say in which state of {action.target} it holds")
    return reasons


def _world_denials(action: Action, world: WorldState | None) -> tuple[str, ...]:
    if world is None:
        return ("what runs now is unknown",)
    return tuple(f"the world has changed: {each}" for each in drift(action.preconditions, world))


def _only_drifted(denials: Sequence[str], action: Action, world: WorldState | None) -> bool:
    """Whether nothing but a world that is known, and has moved, speaks against the action."""
    planned = action.preconditions
    known = (
        world is not None
        and planned.versions.keys() <= world.versions.keys()
        and planned.settings.keys() <= world.settings.keys()
    )
    return known and set(denials) == set(_world_denials(action, world))


def _refused(action: Action, standing: Standing) -> str:
    """Return who has said no to this plan. A person's no counts at every autonomy."""
    answer = _match(action, standing)
    return answer.reason if isinstance(answer, NotApproved) and answer.refused else ""


def _by_autonomy(action: Action, permission: _Permission, standing: Standing) -> GuardDecision:
    if permission.autonomy is Autonomy.ACT:
        reasons = (f"{permission.source} lets Holdfast act", "the world is as it was planned for")
        return _decision(action, "allow", permission.autonomy, reasons)
    answer = _match(action, standing)
    if isinstance(answer, Accepted):
        reasons = (
            f"{permission.source} asks for approval",
            f"{answer.approval.approver} approved this plan in this state",
        )
        return _decision(action, "allow", permission.autonomy, reasons)
    reasons = (f"{permission.source} asks for approval", answer.reason)
    return _decision(action, "ask", permission.autonomy, reasons)


def _match(action: Action, standing: Standing) -> Accepted | NotApproved:
    return match(
        action,
        standing.approvals,
        now=standing.now,
        world=standing.world,
        used_approval_ids=standing.used_approval_ids,
    )


def _permission(action: Action, policy: Policy, standing: Standing) -> _Permission:
    """Return what the first rule that matches grants; none = the policy's default."""
    for rule in policy.rules:
        if not _names(rule, action, standing.environment):
            continue
        within = _within_budget(rule, standing.budget_remaining)
        if within is None:
            return _Permission(
                Autonomy.OBSERVE,
                f"rule {rule.name}",
                f"rule {rule.name} needs the remaining error budget, and there is no data for it",
            )
        if within:
            return _Permission(rule.autonomy, f"rule {rule.name}")
    return _Permission(policy.default, f"the default of policy {policy.name}")


def _names(rule: PolicyRule, action: Action, environment: str) -> bool:
    return (
        _any(rule.services, action.target)
        and _any(rule.environments, environment)
        and _any(rule.runbooks, action.plan.runbook_id)
        and (not rule.risks or action.risk in rule.risks)
    )


def _within_budget(rule: PolicyRule, remaining: float | None) -> bool | None:
    """Return whether the budget is in the rule's range; None = needed, and no data."""
    low, high = rule.budget_remaining_at_least, rule.budget_remaining_at_most
    if low is None and high is None:
        return True
    if remaining is None or math.isnan(remaining):
        return None
    return (low is None or remaining >= low) and (high is None or remaining <= high)


def _any(globs: Collection[str], value: str) -> bool:
    return any(fnmatchcase(value, glob) for glob in globs)


def _would_have_done(action: Action) -> str:
    return f"would have done: {action.title}"


def _decision(
    action: Action,
    decision: Literal["allow", "ask", "deny"],
    autonomy: Autonomy,
    reasons: tuple[str, ...],
    part: Part = "act",
) -> GuardDecision:
    return GuardDecision(
        action_id=action.id, part=part, decision=decision, autonomy=autonomy, reasons=reasons
    )
