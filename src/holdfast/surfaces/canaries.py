"""Rollouts by hand: the world of one service opened, the guard asked, everything put on record.

Everything is written to `<data folder>/canaries/<id>.jsonl`: the plan and its approval first, then
each move, look and piece of evidence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from holdfast.catalog.policy import load_policy
from holdfast.delivery.deployer import Deployer, DeploymentState
from holdfast.delivery.rollout.drive import roll_out, take_back
from holdfast.delivery.rollout.objectives import objectives_of
from holdfast.delivery.rollout.records import (
    News,
    RolloutOrder,
    RolloutResult,
    RolloutWorld,
    Tell,
)
from holdfast.delivery.running import RunningMark
from holdfast.errors import PreconditionFailed
from holdfast.model.action import (
    Action,
    EffectProbe,
    ExpectedEffect,
    Risk,
    RunbookCall,
    WorldState,
)
from holdfast.model.base import utc_now
from holdfast.model.hypothesis import Bound
from holdfast.model.ids import new_id
from holdfast.model.policy import CanaryPolicy
from holdfast.model.service import Service
from holdfast.surfaces.by_hand import PROPOSED_BY, Gate, Permit, on_record

RUNBOOK = "canary"
"""How policies name a rollout by hand."""

FOLDER = "canaries"


class CanaryPlan(Permit):
    """The first line of a rollout's record."""

    policy: CanaryPolicy


@dataclass(frozen=True)
class Canaries:
    """Rollouts of one service. `gate` lets them pass, or raises GuardDenied."""

    gate: Gate
    service: Service
    deployer: Deployer

    def policy(self) -> CanaryPolicy:
        """Return the canary's steps, margins and watch, as the policy says now."""
        return load_policy(self.gate.config.policy).canary

    def roll_out(
        self,
        order: RolloutOrder,
        canary: CanaryPolicy,
        tell: Tell,
        began: Callable[[CanaryPlan], None] | None = None,
    ) -> RolloutResult:
        """Roll a version out. `began` is handed the plan once it is let pass."""
        with self._begun(order.candidate, order.stable or "", canary, tell) as (plan, world, told):
            if began is not None:
                began(plan)
            return roll_out(order, world, told)

    def take_back(self, stable: str, tell: Tell) -> None:
        """Give all traffic to a version, and end the others."""
        with self._begun("", stable, self.policy(), tell) as (_, world, told):
            take_back(world, stable, told)

    @contextmanager
    def _begun(
        self, candidate: str, stable: str, canary: CanaryPolicy, tell: Tell
    ) -> Generator[tuple[CanaryPlan, RolloutWorld, Tell]]:
        with self._alone():
            state = self.deployer.current(self.service.name)
            action = _action(self.service.name, candidate, stable, canary, state)
            permit = self.gate.weigh(
                action,
                load_policy(self.gate.config.policy),
                WorldState(versions={self.service.name: state.weights}),
            )
            plan = CanaryPlan(**dict(permit), policy=canary)
            with on_record(self.gate.config.data_folder / FOLDER, action.id) as record:

                def told(news: News) -> None:
                    record(news)
                    tell(news)

                record(plan)
                yield plan, self._world(plan), told

    def _world(self, plan: CanaryPlan) -> RolloutWorld:
        config = self.gate.config
        return RolloutWorld(
            deployer=self.deployer,
            ask=self.gate.ask,
            service=self.service,
            canary=plan.policy,
            resolution_seconds=config.metrics.resolution_seconds,
            objectives=objectives_of(self.service.name, config.services, config.slos),
            clock=utc_now,
            sleep=time.sleep,
            stop_reason=lambda: self.gate.stop_reason(plan),
        )

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Hold the service for this rollout. The kernel lets it go where we are killed."""
        name = self.service.name.replace("/", "_")
        mark = RunningMark(self.gate.config.data_folder / FOLDER / f"{name}.lock")
        if mark.is_held():
            raise PreconditionFailed(
                f"another `holdfast canary` is rolling {self.service.name} out",
                hint="wait for it, or interrupt it: it then takes its version back",
            )
        with mark.held():
            yield


def _action(
    service: str, candidate: str, given: str, canary: CanaryPolicy, state: DeploymentState
) -> Action:
    """Return the whole rollout, or the taking back, as one action that the guard can weigh."""
    serving = {version: share for version, share in state.weights.items() if share > 0}
    stable = given or next(iter(serving), "")
    goal = candidate or stable
    steps = ",".join(f"{step.percent:g}" for step in canary.steps)
    call = RunbookCall(
        runbook_id=RUNBOOK,
        parameters={"service": service, "version": goal, "stable": stable, "steps": steps},
    )
    return Action(
        id=new_id("act"),
        hypothesis_id=None,
        title=(
            f"Roll {candidate} of {service} out by canary"
            if candidate
            else f"Give all of {service} back to {stable}"
        ),
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
        proposed_by=PROPOSED_BY,
    )
