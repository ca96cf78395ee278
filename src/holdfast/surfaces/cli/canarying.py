"""Runs a rollout by hand: opens the world, asks the guard, prints and records what happens.

Everything is also written to `<data folder>/canaries/<id>.jsonl`: the plan and its approval first,
then each move, look and piece of evidence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from holdfast.actions.guard import PolicyProblem, decide, decide_follow_up
from holdfast.catalog.config import load_config
from holdfast.catalog.policy import load_policy
from holdfast.delivery.deployer import Deployer, DeploymentState
from holdfast.delivery.registry import deployers_by_service
from holdfast.delivery.rollout.drive import roll_out, take_back
from holdfast.delivery.rollout.objectives import budget_remaining, objectives_of
from holdfast.delivery.rollout.records import News, RolloutOrder, RolloutWorld
from holdfast.delivery.running import RunningMark
from holdfast.errors import GuardDenied, HoldfastError, InputError, NotFound, PreconditionFailed
from holdfast.evidence.toolbox import Toolbox
from holdfast.evidence.tools import ToolContext, read_tools
from holdfast.integrations.sources import open_source
from holdfast.model.action import (
    Action,
    Approval,
    EffectProbe,
    ExpectedEffect,
    GuardDecision,
    Risk,
    RunbookCall,
    WorldState,
)
from holdfast.model.base import Record, utc_now
from holdfast.model.config import Config
from holdfast.model.hypothesis import Bound
from holdfast.model.ids import new_id
from holdfast.model.policy import CanaryPolicy, Policy
from holdfast.model.service import Service
from holdfast.surfaces.cli.canary_lines import header, lines_of
from holdfast.surfaces.cli.interrupts import interruptible
from holdfast.surfaces.lab import lab_deployer

RUNBOOK = "canary"
"""How policies name a rollout by hand."""


@dataclass(frozen=True)
class CanaryRequest:
    """What a person asked for; empty = not given."""

    config: Path
    service: str
    version: str
    stable: str
    approver: str
    take_back: bool


class CanaryPlan(Record):
    """The first line of a rollout's record: what was to be done, and who let it be."""

    action: Action
    guard: GuardDecision
    approvals: tuple[Approval, ...]
    policy: CanaryPolicy


@dataclass(frozen=True)
class _Opened:
    """The world of one service. `stop` says why nothing may be written any more."""

    config: Config
    service: Service
    deployer: Deployer
    toolbox: Toolbox

    def world(self, canary: CanaryPolicy, stop: Callable[[], str]) -> RolloutWorld:
        return RolloutWorld(
            deployer=self.deployer,
            ask=self.toolbox.ask,
            service=self.service,
            canary=canary,
            resolution_seconds=self.config.metrics.resolution_seconds,
            objectives=objectives_of(self.service.name, self.config.services, self.config.slos),
            clock=utc_now,
            sleep=time.sleep,
            stop_reason=stop,
        )


def run_canary(stream: TextIO, wanted: CanaryRequest, *, as_json: bool) -> int:
    """Roll out or take back; return the exit code.

    Raises InputError for what was asked wrongly, GuardDenied where the policy forbids it.
    """
    _check(wanted)
    with interruptible(), _opened(wanted) as opened, _alone(opened):
        policy = load_policy(opened.config.policy)
        state = opened.deployer.current(opened.service.name)
        action = _action(wanted, opened, state, policy)
        plan = _guarded(action, wanted, opened, state, policy)
        with _record(opened.config, action.id) as record:

            def tell(news: News) -> None:
                record(news)
                said = [news.model_dump_json()] if as_json else lines_of(news)
                for line in said:
                    print(line, file=stream, flush=True)

            record(plan)
            world = opened.world(policy.canary, lambda: _stop(action, plan, opened))
            if wanted.take_back:
                take_back(world, wanted.stable, tell)
                return 0
            if not as_json:
                for line in header(action, plan.guard, policy.canary):
                    print(line, file=stream, flush=True)
            order = RolloutOrder(candidate=wanted.version, stable=wanted.stable or None)
            return 0 if roll_out(order, world, tell).outcome == "promoted" else 1


def _check(wanted: CanaryRequest) -> None:
    if wanted.take_back and not wanted.stable:
        raise InputError("--take-back needs --from VERSION", hint="name what is to serve")
    if not wanted.take_back and not wanted.version:
        raise InputError("--version is missing", hint="name what is to be rolled out")


@contextmanager
def _opened(wanted: CanaryRequest) -> Generator[_Opened]:
    config = load_config(wanted.config)
    service = next((s for s in config.services if s.name == wanted.service), None)
    if service is None:
        known = ", ".join(s.name for s in config.services)
        raise NotFound(f"there is no service {wanted.service}", hint=f"known: {known}")
    deployers = deployers_by_service(
        config, working_folder=wanted.config.absolute().parent, lab=lab_deployer
    )
    if service.name not in deployers:
        raise InputError(f"{service.name} has no deployer", hint="name one in holdfast.yaml")
    source = open_source(config.metrics)
    try:
        context = ToolContext(source=source, services={s.name: s for s in config.services})
        toolbox = Toolbox()
        for tool in read_tools(context):
            toolbox.register(tool)
        yield _Opened(config, service, deployers[service.name], toolbox)
    finally:
        source.close()


@contextmanager
def _alone(opened: _Opened) -> Generator[None]:
    """Hold the service for this rollout. The kernel lets it go where we are killed."""
    name = opened.service.name.replace("/", "_")
    mark = RunningMark(opened.config.data_folder / "canaries" / f"{name}.lock")
    if mark.is_held():
        raise PreconditionFailed(
            f"another `holdfast canary` is rolling {opened.service.name} out",
            hint="wait for it, or interrupt it: it then takes its version back",
        )
    with mark.held():
        yield


@contextmanager
def _record(config: Config, rollout_id: str) -> Generator[Callable[[Record], None]]:
    folder = config.data_folder / "canaries"
    with (folder / f"{rollout_id}.jsonl").open("a", encoding="utf-8") as file:

        def add(record: Record) -> None:
            file.write(record.model_dump_json() + "\n")
            file.flush()

        yield add


# ---- whether it may be done --------------------------------------------------------------------


def _guarded(
    action: Action, wanted: CanaryRequest, opened: _Opened, state: DeploymentState, policy: Policy
) -> CanaryPlan:
    """Return the plan with the guard's word. Raises GuardDenied where it is no `allow`."""
    now = utc_now()
    world = opened.world(policy.canary, lambda: "")
    approvals = tuple(_approvals(action, wanted.approver, policy))
    decision = decide(
        action,
        policy,
        environment=opened.config.environment,
        budget_remaining=budget_remaining(world.ask, world.objectives, now.timestamp()),
        world=WorldState(versions={opened.service.name: state.weights}),
        approvals=approvals,
        actions_so_far=0,
        now=utc_now(),
    )
    if decision.decision != "allow":
        asks = decision.decision == "ask"
        raise GuardDenied(
            f"not begun: {'; '.join(decision.reasons)}",
            hint="approve it with --approve YOUR-NAME" if asks else "nothing was done",
        )
    return CanaryPlan(action=action, guard=decision, approvals=approvals, policy=policy.canary)


def _approvals(action: Action, approver: str, policy: Policy) -> Iterable[Approval]:
    if not approver.strip():
        return
    now = utc_now()
    yield Approval(
        id=new_id("apr"),
        action_id=action.id,
        decision="approve",
        approver=approver.strip(),
        plan_hash=action.plan_hash(),
        given_at=now,
        expires_at=now.fromtimestamp(now.timestamp() + policy.approval_valid_seconds, now.tzinfo),
        note="typed at the command line",
    )


def _stop(action: Action, plan: CanaryPlan, opened: _Opened) -> str:
    """Return why nothing more may be written, by the policy of this moment; empty = go on."""
    try:
        policy: Policy | PolicyProblem = load_policy(opened.config.policy)
    except HoldfastError as error:
        policy = PolicyProblem(str(error))
    now = utc_now()
    world = opened.world(plan.policy, lambda: "")
    decision = decide_follow_up(
        action,
        "act",
        policy,
        environment=opened.config.environment,
        budget_remaining=budget_remaining(world.ask, world.objectives, now.timestamp()),
        approvals=plan.approvals,
        now=now,
    )
    return "" if decision.decision == "allow" else "; ".join(decision.reasons)


def _action(
    wanted: CanaryRequest, opened: _Opened, state: DeploymentState, policy: Policy
) -> Action:
    """Return the whole rollout, or the taking back, as one action that the guard can weigh."""
    service, canary = opened.service.name, policy.canary
    serving = {version: share for version, share in state.weights.items() if share > 0}
    stable = wanted.stable or next(iter(serving), "")
    goal = stable if wanted.take_back else wanted.version
    steps = ",".join(f"{step.percent:g}" for step in canary.steps)
    call = RunbookCall(
        runbook_id=RUNBOOK,
        parameters={"service": service, "version": goal, "stable": stable, "steps": steps},
    )
    title = (
        f"Give all of {service} back to {stable}"
        if wanted.take_back
        else f"Roll {goal} of {service} out by canary"
    )
    return Action(
        id=new_id("act"),
        hypothesis_id=None,
        title=title,
        plan=call,
        target=service,
        risk=Risk.MEDIUM,
        blast_radius=f"the requests of {service} that {goal} gets",
        preconditions=WorldState(versions={service: serving}),
        expected_effect=ExpectedEffect(
            kind="canary",
            statement=f"{goal} is shown not to be worse than {stable}",
            query="",
            bound=Bound(at_most=canary.promote_below, unit="times"),
            hold_seconds=canary.watch_seconds,
            deadline_seconds=sum(s.duration_seconds for s in canary.steps) + canary.watch_seconds,
        ),
        effect_probe=EffectProbe(service=service, version=goal),
        undo=call.model_copy(update={"parameters": {"service": service, "version": stable}}),
        idempotency_key=new_id("canary"),
        proposed_by="a person at the command line",
    )
