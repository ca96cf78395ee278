"""Runbooks by hand: planned for the world of this moment, let pass by the guard, done once, probed.

Everything is written to `<data folder>/runbooks/<id>.jsonl`: the plan and its approval first, then
what came of it. An incident's own actions are in its ledger and are not done here.
"""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.actions.parameters import check_parameters, filled_steps
from holdfast.actions.plan import plan_action, plan_problems
from holdfast.actions.runbooks import find_runbook
from holdfast.actions.world import read_world
from holdfast.catalog.policy import load_policy
from holdfast.engine.world import World
from holdfast.errors import InputError
from holdfast.model.action import Action, ExpectedEffect, Performance, RunbookCall, WorldState
from holdfast.model.base import utc_now
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome, Table
from holdfast.model.hypothesis import Bound
from holdfast.model.ids import new_id
from holdfast.model.runbook import CommandStep, Runbook
from holdfast.surfaces.by_hand import PROPOSED_BY, Gate, on_record

FOLDER = "runbooks"
COLUMNS = ("runbook", "service", "outcome", "seconds", "detail", "approved_by")

_PROBE_SECONDS = 60.0


@dataclass(frozen=True)
class Runbooks:
    """Runs runbooks of a team's world. `gate` lets them pass, or raises GuardDenied."""

    world: World
    gate: Gate

    def run(self, call: RunbookCall) -> Evidence:
        """Run one, and return what came of it.

        Raises NotFound or InputError for what cannot be planned, GuardDenied for what may not be
        done: then nothing was done.
        """
        runbook = find_runbook(self.world.runbooks, call.runbook_id)
        target = _target(runbook, call)
        state, _ = read_world(self.world.deployers, [target], settings=self.world.settings)
        action = _plan(runbook, call, target, state)
        permit = self.gate.weigh(
            action,
            load_policy(self.world.config.policy),
            state,
            plan_problems(action, self.world.runbooks),
        )
        with on_record(self.world.config.data_folder / FOLDER, action.id) as record:
            record(permit)
            done = self.world.executor(keep=record).perform(action, "act", 1)
            record(done)
        return _evidence(action, done, self.gate.approver)


def _target(runbook: Runbook, call: RunbookCall) -> str:
    values = check_parameters(runbook, call.parameters)
    steps = filled_steps(runbook.steps, values)
    changed = sorted({step.service for step in steps if not isinstance(step, CommandStep)})
    if len(changed) != 1:
        found = ", ".join(changed) or "none that can be told"
        raise InputError(
            f"runbook {runbook.id} changes {found}: by hand one service is changed at a time",
            hint="the policy weighs an action by the service that it changes",
        )
    return changed[0]


def _plan(runbook: Runbook, call: RunbookCall, target: str, state: WorldState) -> Action:
    return plan_action(
        runbook,
        call.parameters,
        action_id=new_id("act"),
        target=target,
        world=state,
        expected_effect=ExpectedEffect(
            kind="probe",
            statement=f"{target} is as the runbook says",
            query="",
            bound=Bound(at_least=1.0, unit="probes"),
            hold_seconds=0.0,
            deadline_seconds=_PROBE_SECONDS,
        ),
        blast_radius=f"every request of {target}",
        proposed_by=PROPOSED_BY,
    )


def _evidence(action: Action, done: Performance, approver: str) -> Evidence:
    row = (
        action.plan.runbook_id,
        action.target,
        done.outcome,
        done.seconds,
        done.detail,
        approver or None,
    )
    given = ", ".join(f"{name}={value!r}" for name, value in sorted(action.plan.parameters.items()))
    return Evidence.seal(
        kind=EvidenceKind.COMMAND,
        query=f"execute_runbook({action.plan.runbook_id!r}, {given})",
        source="holdfast runbook",
        asked_at=utc_now(),
        outcome=Outcome.DATA,
        value=Table(columns=COLUMNS, rows=(row,)),
    )
