"""May this be done, here, now, by us: everything the guard looks at, put together and weighed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.actions.approval import used_approvals
from holdfast.actions.guard import PolicyProblem, decide, decide_follow_up
from holdfast.actions.plan import plan_problems
from holdfast.actions.world import read_world
from holdfast.engine.investigating import keep
from holdfast.engine.planning import unmet
from holdfast.engine.stage import Entries
from holdfast.engine.world import World
from holdfast.errors import HoldfastError
from holdfast.evidence.derive import compute
from holdfast.ledger.store import Entry
from holdfast.model.action import Action, GuardDecision, WorldState
from holdfast.model.case import ActionCase, Case, Part
from holdfast.model.event import Guarded
from holdfast.model.evidence import Evidence
from holdfast.model.figure import Derivation
from holdfast.model.hypothesis import ToolCall
from holdfast.model.policy import Policy
from holdfast.reasoning.reasoner import Proposal
from holdfast.slo.budget import budget_spent_query

_UNREAD_SECONDS = 15.0


@dataclass(frozen=True)
class Weighed:
    """The decision, and the world and the evidence that it was made on."""

    decision: GuardDecision
    world: WorldState
    evidence: tuple[Evidence, ...]


def guard(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Decide on the action proposed last: allow, ask a person, or deny."""
    del proposal
    latest = case.latest_action
    assert latest is not None  # `acting.next_stage` has said so
    weighed = weigh(case, latest, world)
    if not cannot_tell_yet(latest, weighed, world):
        yield told(latest, weighed, str(len(latest.approvals)))


def cannot_tell_yet(latest: ActionCase, weighed: Weighed, world: World) -> bool:
    """Whether the deployer gives no answer for the moment: it is asked again for a while.

    An unknown world is never a pass; one missed answer of a deployer is no reason to give up.
    """
    target, seen = latest.action.target, weighed.world
    unread = (target in world.deployers and target not in seen.versions) or (
        target in world.settings and target not in seen.settings
    )
    age_seconds = world.now() - latest.proposed_at.timestamp()
    return unread and not latest.approvals and age_seconds < _UNREAD_SECONDS


def told(latest: ActionCase, weighed: Weighed, occasion: str) -> list[Entry]:
    """Return the entries that put a decision on record."""
    decided = Guarded(decision=weighed.decision)
    return [*keep(*weighed.evidence), (f"guard:{latest.action.id}:{occasion}", decided)]


def weigh(case: Case, latest: ActionCase, world: World) -> Weighed:
    """Read what runs, how much budget is left and what the policy says, and let the guard decide.

    What cannot be read is handed on as unknown, and the guard denies.
    """
    action = latest.action
    state, seen = _read_world(action, world)
    remaining, budget = budget_remaining(case, world)
    decision = decide(
        action,
        _policy(world),
        environment=world.config.environment,
        budget_remaining=remaining,
        world=state,
        approvals=latest.approvals,
        actions_so_far=_mitigations_so_far(case) if action.purpose == "mitigate" else 0,
        now=world.clock(),
        used_approval_ids=used_approvals(case.actions.values()),
        plan_problems=(*plan_problems(action, world.runbooks), *unmet(action, state, world)),
    )
    return Weighed(decision, state, (seen, *budget))


def weigh_follow_up(case: Case, latest: ActionCase, part: Part, world: World) -> Weighed:
    """Weigh a retry or an undo by the policy of this moment: a pause holds for them too."""
    action = latest.action
    state, seen = _read_world(action, world)
    remaining, budget = budget_remaining(case, world)
    decision = decide_follow_up(
        action,
        part,
        _policy(world),
        environment=world.config.environment,
        budget_remaining=remaining,
        approvals=latest.approvals,
        now=world.clock(),
    )
    return Weighed(decision, state, (seen, *budget))


def expire(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """A step of a fix that nobody decided on in time is not taken: the branch is the result."""
    del proposal
    latest = case.latest_action
    policy = _policy(world)
    if latest is None or latest.guard is None or isinstance(policy, PolicyProblem):
        return
    waited_seconds = world.now() - latest.proposed_at.timestamp()
    if waited_seconds >= policy.approval_wait_seconds:
        reason = f"nobody decided within {policy.approval_wait_seconds:g} s"
        denied = latest.guard.model_copy(
            update={"decision": "deny", "reasons": (reason,), "expired": True}
        )
        yield [(f"guard:{latest.action.id}:expired", Guarded(decision=denied))]


def _mitigations_so_far(case: Case) -> int:
    """Count what was done before the latest action; the steps of a fix are each made once."""
    latest = case.latest_action
    return sum(
        bool(known.claims) and known.action.purpose == "mitigate"
        for known in case.actions.values()
        if known is not latest
    )


def _read_world(action: Action, world: World) -> tuple[WorldState, Evidence]:
    """Read what runs and what is set, of every service that the plan depends on."""
    named = {*action.preconditions.versions, *action.preconditions.settings}
    return read_world(world.deployers, {action.target, *named}, settings=world.settings)


def _policy(world: World) -> Policy | PolicyProblem:
    try:
        return world.read_policy()
    except HoldfastError as error:
        return PolicyProblem(str(error))


def budget_remaining(case: Case, world: World) -> tuple[float | None, tuple[Evidence, ...]]:
    """Ask what fraction of the period's budget is left, for the SLO that the incident is about."""
    slo = world.slo(case.opened.slo)
    if slo is None:
        return None, ()
    query = budget_spent_query(slo, slo.period_seconds)
    call = ToolCall(tool="prometheus_query", arguments={"query": query, "time_range": world.now()})
    asked = (world.toolbox.ask(call),)
    spent = compute(Derivation(function="total", evidence_ids=("$0",)), asked)
    return None if spent is None else 1 - spent, asked
