"""The steps that bring a tested fix to all users, each planned whole as an action. Pure.

See design/007; which of them is next is said by `fix_steps`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.model.action import (
    Action,
    EffectProbe,
    ExpectedEffect,
    Parameter,
    Purpose,
    RunbookCall,
    WorldState,
)
from holdfast.model.base import content_hash
from holdfast.model.case import Case
from holdfast.model.fix import Fix
from holdfast.model.hypothesis import Bound
from holdfast.model.ids import derived_id
from holdfast.model.policy import CanaryStep, Policy
from holdfast.model.runbook import Runbook
from holdfast.model.slo import SLO
from holdfast.slo.rules import ratio_query

_SLACK_INTERVALS = 3.0
_LOAD_TEST_PATIENCE = 4.0
_PROBE_SECONDS = 60.0


@dataclass(frozen=True)
class FixPlan:
    """What every step is planned with. `into` is the branch that the fix is merged into."""

    case: Case
    fix: Fix
    policy: Policy
    runbooks: Mapping[str, Runbook]
    slo: SLO
    into: str
    short_window_seconds: float

    @property
    def service(self) -> str:
        """The service that is fixed."""
        return self.fix.service


def plan_stage(plan: FixPlan) -> Action:
    """Start the fixed version without traffic, and load-test it beside the good one."""
    fix, load = plan.fix, plan.policy.load_test
    return _action(
        plan,
        purpose="stage",
        runbook_id="stage-fix",
        title=f"Start {fix.version} of {fix.service} without traffic and load-test it beside "
        f"{fix.good_version}",
        parameters={
            "service": fix.service,
            "stable_version": fix.good_version,
            "version": fix.version,
            "commit": fix.commit,
        },
        weights={fix.good_version: 100.0},
        blast_radius=f"what {fix.service} runs on: users are not served by {fix.version}",
        probe=EffectProbe(service=fix.service, version=fix.version),
        effect=ExpectedEffect(
            kind="load_test",
            statement=f"under load, {fix.version} is not slower than {fix.good_version} and "
            "does not fail",
            query="",
            bound=Bound(at_most=load.p95_ratio_at_most, unit="times"),
            hold_seconds=0.0,
            deadline_seconds=load.duration_seconds * _LOAD_TEST_PATIENCE,
        ),
    )


def plan_merge(plan: FixPlan, head: str) -> Action:
    """Merge the branch into what is released from; `head` is where that is now."""
    fix = plan.fix
    return _action(
        plan,
        purpose="merge",
        runbook_id="merge-fix",
        title=f"Merge {fix.branch} into {plan.into} of {fix.service}",
        parameters={
            "service": fix.service,
            "branch": fix.branch,
            "into": plan.into,
            "expect_head": head,
        },
        weights={fix.good_version: 100.0},
        blast_radius=f"what is released from {plan.into} of {fix.service} from now on",
        probe=EffectProbe(service=fix.service, branch=plan.into, commit=fix.commit),
        effect=_probed(f"{plan.into} contains the fix"),
    )


def plan_canary(plan: FixPlan, step: CanaryStep, weights: Mapping[str, float]) -> Action:
    """Give the fixed version a share of traffic; `weights` is what serves before."""
    fix, canary = plan.fix, plan.policy.canary
    return _action(
        plan,
        purpose="canary",
        runbook_id="canary-step",
        title=f"Give {step.percent:g} % of {fix.service} to {fix.version}",
        parameters={
            "service": fix.service,
            "stable_version": fix.good_version,
            "version": fix.version,
            "stable_percent": 100.0 - step.percent,
            "percent": step.percent,
        },
        weights=weights,
        blast_radius=f"the requests of {fix.service} that {fix.version} gets",
        probe=EffectProbe(service=fix.service, version=fix.version),
        effect=ExpectedEffect(
            kind="canary",
            statement=f"at its clients' side, {fix.version} is shown not to be worse than "
            f"{fix.good_version}",
            query="",
            bound=Bound(at_most=canary.promote_below, unit="times"),
            hold_seconds=0.0,
            deadline_seconds=step.duration_seconds + _SLACK_INTERVALS * canary.interval_seconds,
        ),
    )


def plan_release(plan: FixPlan, weights: Mapping[str, float]) -> Action:
    """Give the fixed version all traffic, and watch the objective."""
    fix, watch_seconds = plan.fix, plan.policy.canary.watch_seconds
    return _action(
        plan,
        purpose="release",
        runbook_id="release-fix",
        title=f"Give all of {fix.service} to {fix.version}",
        parameters={
            "service": fix.service,
            "stable_version": fix.good_version,
            "version": fix.version,
        },
        weights=weights,
        blast_radius=f"all requests of {fix.service}",
        probe=EffectProbe(service=fix.service, version=fix.version),
        effect=_objective_holds(plan, watch_seconds),
    )


def plan_unstage(plan: FixPlan) -> Action:
    """End the fixed version, which serves nobody: the good one serves as before."""
    fix = plan.fix
    return _action(
        plan,
        purpose="unstage",
        runbook_id="unstage-fix",
        title=f"End {fix.version} of {fix.service}, which has no traffic",
        parameters={
            "service": fix.service,
            "stable_version": fix.good_version,
            "version": fix.version,
        },
        weights={fix.good_version: 100.0},
        blast_radius=f"{fix.version} of {fix.service}, which serves no user",
        probe=EffectProbe(service=fix.service, version=fix.good_version),
        effect=_probed(f"only {fix.good_version} of {fix.service} runs"),
    )


def plan_withdraw(plan: FixPlan, base: str) -> Action:
    """Take the merge back by a new commit; `base` is where the branch was before the merge."""
    fix = plan.fix
    return _action(
        plan,
        purpose="withdraw",
        runbook_id="withdraw-fix",
        title=f"Take {fix.branch} back out of {plan.into} of {fix.service}",
        parameters={
            "service": fix.service,
            "branch": fix.branch,
            "into": plan.into,
            "expect_base": base,
        },
        weights={fix.good_version: 100.0},
        blast_radius=f"what is released from {plan.into} of {fix.service} from now on",
        probe=EffectProbe(service=fix.service, branch=plan.into, commit=fix.commit),
        effect=_probed(f"what {plan.into} holds is without the fix again"),
    )


def _probed(statement: str) -> ExpectedEffect:
    return ExpectedEffect(
        kind="probe",
        statement=statement,
        query="",
        bound=Bound(at_least=1.0, unit="probes"),
        hold_seconds=0.0,
        deadline_seconds=_PROBE_SECONDS,
    )


def _objective_holds(plan: FixPlan, hold_seconds: float) -> ExpectedEffect:
    slo = plan.slo
    return ExpectedEffect(
        statement=f"bad requests of {slo.service} stay within the error budget ({slo.name})",
        query=ratio_query(slo, plan.short_window_seconds),
        bound=Bound(at_most=slo.error_budget_fraction, unit="of requests"),
        hold_seconds=hold_seconds,
        deadline_seconds=hold_seconds + plan.policy.mitigation_deadline_seconds,
    )


def _action(
    plan: FixPlan,
    *,
    purpose: Purpose,
    runbook_id: str,
    title: str,
    parameters: Mapping[str, Parameter],
    weights: Mapping[str, float],
    blast_radius: str,
    probe: EffectProbe,
    effect: ExpectedEffect,
) -> Action:
    call = RunbookCall(runbook_id=runbook_id, parameters=dict(parameters))
    key = f"{plan.case.incident_id}-{purpose}-{content_hash(call)[:12]}"
    return Action(
        id=derived_id("act", plan.case.opened_at, key),
        hypothesis_id=plan.fix.hypothesis_id,
        title=title,
        plan=call,
        target=plan.service,
        risk=plan.runbooks[runbook_id].risk,
        blast_radius=blast_radius,
        preconditions=WorldState(versions={plan.service: dict(weights)}),
        expected_effect=effect,
        effect_probe=probe,
        undo=call,
        idempotency_key=key,
        purpose=purpose,
    )
