"""From mitigated to fixed: a fix is written and tested, then brought to all users step by step.

The steps are actions like any other (design/007): proposed here, and then guarded, claimed,
measured and undone by the same stages that mitigated.
"""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.actions.fix_plans import (
    FixPlan,
    plan_canary,
    plan_merge,
    plan_release,
    plan_stage,
    plan_unstage,
    plan_withdraw,
)
from holdfast.actions.fix_steps import next_move, steps_taken
from holdfast.actions.repair.order import FixOrder
from holdfast.actions.repair.write import write_fix
from holdfast.delivery.codehost import CodeHost
from holdfast.delivery.rollout.step import rollout_steps
from holdfast.diagnosis.conclusion import conclude as findings
from holdfast.engine.guarding import budget_remaining
from holdfast.engine.investigating import keep
from holdfast.engine.objectives import objective_of, short_window_seconds
from holdfast.engine.stage import Entries, Stage
from holdfast.engine.world import World
from holdfast.errors import HoldfastError, LedgerError
from holdfast.model.action import Action
from holdfast.model.case import Case
from holdfast.model.change import ChangeType
from holdfast.model.event import ActionProposed, Repaired
from holdfast.model.evidence import Evidence
from holdfast.model.fix import DeclinedFix, Fix
from holdfast.model.hypothesis import HypothesisStatus
from holdfast.model.incident import Status
from holdfast.reasoning.reasoner import Proposal

Proposed = tuple[Action, tuple[Evidence, ...]]


def next_stage(case: Case) -> Stage | None:
    """Say purely what is left to do once users are well: the fix, its way to users, prevention."""
    if case.status not in (Status.MITIGATED, Status.RESOLVED):
        return None
    if case.repaired is None:
        return Stage.REPAIR
    if next_move(case) is not None:
        return Stage.ROLL_OUT
    return Stage.PREVENT if case.prevented is None else None


def repair(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Write a fix of the mechanism on a branch and test it, or say why there is none.

    Waits while the policy pauses every write: a branch is a small one, but it is one.
    """
    del proposal
    if world.read_policy().paused:
        return
    order = _order(case, world)
    if isinstance(order, str):
        yield [_none(order)]
        return
    try:
        result = write_fix(order, world.code_hosts[order.service.name])
    except HoldfastError as error:
        if error.retryable:
            raise
        yield [_none(f"the fix could not be worked on: {error}")]
    else:
        told = Repaired(fix=result.fix, declined=result.declined)
        yield [*keep(*result.evidence), ("repaired", told)]


def roll_out(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Propose the next step of the fix: forward, or back to how it was."""
    del proposal
    action, seen = _next_step(_plan(case, world), world)
    yield [*keep(*seen), (f"action:{action.id}", ActionProposed(action=action))]


def _order(case: Case, world: World) -> FixOrder | str:
    """Return what is to be fixed, or in words why nothing can be."""
    found = findings(case)
    changes = case.triage.changes if case.triage else ()
    change = next((c for c in changes if found.cause and c.id == found.cause.change_id), None)
    if change is None or change.type is not ChangeType.DEPLOYMENT:
        return "the cause is no release: there is no code to repair"
    if not change.from_version or not change.to_version:
        return f"the version of {change.service} before the release is not recorded"
    shown = [h for h in found.mechanisms if h.status is HypothesisStatus.SUPPORTED]
    if not shown:
        return "no mechanism is shown by measurement: what would have to be fixed is not known"
    if change.service not in world.code_hosts:
        return f"{change.service} has no repository that may be worked in (`code` in holdfast.yaml)"
    if objective_of(case, world) is None:
        return f"no objective of {case.opened.service} would show whether a fix holds"
    return FixOrder(
        incident_id=case.incident_id,
        service=world.services[change.service],
        mechanism=shown[0],
        good_version=change.from_version,
        bad_version=change.to_version,
    )


def _none(reason: str) -> tuple[str, Repaired]:
    return "repaired", Repaired(fix=None, declined=(DeclinedFix(method="any", reason=reason),))


def _plan(case: Case, world: World) -> FixPlan:
    slo = objective_of(case, world)
    fix = _fix(case)
    code = world.services[fix.service].code
    if slo is None or code is None:
        raise LedgerError(f"{case.incident_id}: {fix.service} is not configured any more as it was")
    return FixPlan(
        case=case,
        fix=fix,
        policy=world.read_policy(),
        runbooks=world.runbooks,
        slo=slo,
        into=code.branch,
        short_window_seconds=short_window_seconds(slo),
    )


def _fix(case: Case) -> Fix:
    if case.repaired is None or case.repaired.fix is None:
        raise LedgerError(f"{case.incident_id} has no fix")
    return case.repaired.fix


def _next_step(plan: FixPlan, world: World) -> Proposed:
    match next_move(plan.case):
        case "unstage":
            return plan_unstage(plan), ()
        case "withdraw":
            return plan_withdraw(plan, _merged_onto(plan.case)), ()
        case _:
            return _forward(plan, world)


def _forward(plan: FixPlan, world: World) -> Proposed:
    taken = steps_taken(plan.case)
    purpose = taken[-1].action.purpose if taken else None
    if purpose is None:
        return plan_stage(plan), ()
    if purpose == "stage":
        return plan_merge(plan, _host(plan, world).head(plan.into)), ()
    remaining, seen = budget_remaining(plan.case, world)
    steps = rollout_steps(plan.policy.canary, remaining)
    serving = _given(plan.case)
    ahead = [step for step in steps if step.percent > serving]
    weights = _weights(plan.fix, serving)
    action = plan_canary(plan, ahead[0], weights) if ahead else plan_release(plan, weights)
    return action, seen


def _given(case: Case) -> float:
    """Return the percentage that the fixed version serves after the steps taken."""
    shares = [
        float(item.action.plan.parameters["percent"])
        for item in steps_taken(case)
        if item.action.purpose == "canary"
    ]
    return shares[-1] if shares else 0.0


def _weights(fix: Fix, percent: float) -> dict[str, float]:
    shares = {fix.good_version: 100.0 - percent, fix.version: percent}
    return {version: share for version, share in shares.items() if share > 0}


def _merged_onto(case: Case) -> str:
    merges = [item.action for item in steps_taken(case) if item.action.purpose == "merge"]
    return str(merges[-1].plan.parameters["expect_head"])


def _host(plan: FixPlan, world: World) -> CodeHost:
    return world.code_hosts[plan.service]
