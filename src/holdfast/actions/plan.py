"""Makes an action of a runbook, and checks that an action is what its runbook says."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.actions.conditions import same_weights
from holdfast.actions.parameters import check_parameters
from holdfast.actions.steps import Operation, operation
from holdfast.errors import InputError, NotFound
from holdfast.model.action import (
    Action,
    EffectProbe,
    ExpectedEffect,
    Parameter,
    Risk,
    RunbookCall,
    WorldState,
)
from holdfast.model.runbook import Runbook

_RISKS = (Risk.LOW, Risk.MEDIUM, Risk.HIGH)


def plan_action(
    runbook: Runbook,
    parameters: Mapping[str, Parameter],
    *,
    action_id: str,
    target: str,
    world: WorldState,
    expected_effect: ExpectedEffect,
    blast_radius: str,
    hypothesis_id: str | None = None,
    proposed_by: str = "holdfast",
) -> Action:
    """Return the action: preconditions from `world`, probe and undo from the runbook.

    `target` is the service that is changed. Raises InputError where the parameters are wrong,
    the runbook has no undo or no way to tell what it led to, a precondition does not hold, or the
    world is as wanted already.
    """
    values = check_parameters(runbook, parameters)
    call = RunbookCall(runbook_id=runbook.id, parameters=dict(parameters))
    if target not in world.versions:
        raise InputError(f"what serves {target} is unknown: nothing can be planned for it")
    action = Action(
        id=action_id,
        hypothesis_id=hypothesis_id,
        title=_title(runbook, values),
        plan=call,
        target=target,
        risk=runbook.risk,
        blast_radius=blast_radius,
        preconditions=WorldState(versions={target: world.versions[target]}),
        expected_effect=expected_effect,
        effect_probe=EffectProbe(service=target, version=""),
        undo=call,
        idempotency_key=action_id,
        proposed_by=proposed_by,
    )
    act = operation(action, "act", {runbook.id: runbook})
    action = action.model_copy(update={"effect_probe": _probe(act, target)})
    unmet = [f"{each} does not hold" for each in act.preconditions if not each.holds(world)]
    problems = (*plan_problems(action, {runbook.id: runbook}), *unmet)
    if problems:
        raise InputError(f"runbook {runbook.id} cannot be planned: {'; '.join(problems)}")
    return action


def plan_problems(action: Action, runbooks: Mapping[str, Runbook]) -> tuple[str, ...]:
    """Return what in an action is not as its runbooks say; the guard denies for any of it."""
    try:
        act = operation(action, "act", runbooks)
        undo = operation(action, "undo", runbooks)
    except (InputError, NotFound) as error:
        return (str(error),)
    return (
        *_risk_problems(action, act, undo),
        *_target_problems(action, act, "the plan"),
        *_target_problems(action, undo, "its undo"),
        *_effect_problems(action, act),
    )


def _title(runbook: Runbook, values: Mapping[str, str]) -> str:
    given = ", ".join(f"{name} {value}" for name, value in values.items())
    return f"{runbook.title} ({given})" if given else runbook.title


def _probe(act: Operation, target: str) -> EffectProbe:
    """Return what must serve afterwards: as the runbook says, else as its steps lead to."""
    if act.probe is not None:
        return EffectProbe(service=act.probe.service, version=act.probe.version)
    wanted = act.leads_to(target)
    if not wanted:
        raise InputError(f"runbook {act.runbook.id} does not say how to tell what it led to")
    return EffectProbe(service=target, version=max(wanted, key=lambda version: wanted[version]))


def _risk_problems(action: Action, act: Operation, undo: Operation) -> tuple[str, ...]:
    highest = max(act.runbook.risk, undo.runbook.risk, key=_RISKS.index)
    if _RISKS.index(action.risk) >= _RISKS.index(highest):
        return ()
    return (f"its risk is given as {action.risk}, but its runbook says {highest}",)


def _target_problems(action: Action, part: Operation, what: str) -> tuple[str, ...]:
    others = sorted(part.services() - {action.target})
    return tuple(f"{what} changes {other}, not only {action.target}" for other in others)


def _effect_problems(action: Action, act: Operation) -> tuple[str, ...]:
    wanted = act.leads_to(action.target)
    if wanted is None:
        return ()
    before = action.preconditions.versions.get(action.target, {})
    if same_weights(wanted, before):
        return ("the world is as wanted already",)
    if not wanted.get(action.effect_probe.version, 0.0) > 0:
        return (
            f"its effect probe asks for {action.effect_probe.version}, which it does not start",
        )
    return ()
