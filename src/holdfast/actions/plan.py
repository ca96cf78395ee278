"""Makes an action of a runbook, and checks that an action is what its runbook says."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.actions.conditions import Has, same_weights
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
from holdfast.model.runbook import MergeStep, Runbook, TagStep, WithdrawStep

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
        preconditions=WorldState(),
        expected_effect=expected_effect,
        effect_probe=EffectProbe(service=target, version=""),
        undo=call,
        idempotency_key=action_id,
        proposed_by=proposed_by,
    )
    act = operation(action, "act", {runbook.id: runbook})
    action = action.model_copy(
        update={
            "effect_probe": _probe(act, target),
            "preconditions": planned_for(act, target, world),
        }
    )
    unmet = [f"{each} does not hold" for each in act.preconditions if not each.holds(world)]
    problems = (*plan_problems(action, {runbook.id: runbook}), *unmet)
    if problems:
        raise InputError(f"runbook {runbook.id} cannot be planned: {'; '.join(problems)}")
    return action


def planned_for(act: Operation, target: str, world: WorldState) -> WorldState:
    """Return the part of a world that an operation depends on: what an action is conditional on.

    That is what serves the target, and of its settings those that are changed or asked about.
    """
    asked = {c.key for c in act.preconditions if isinstance(c, Has) and c.service == target}
    keys = asked | act.sets(target).keys()
    in_force = world.settings.get(target, {})
    known = {key: in_force[key] for key in sorted(keys) if key in in_force}
    versions = {target: world.versions[target]} if target in world.versions else {}
    return WorldState(versions=versions, settings={target: known} if known else {})


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
        *_mixed(act, "the plan"),
        *_mixed(undo, "its undo"),
        *_effect_problems(action, act),
        *_setting_problems(action, act, undo),
        *_code_problems(action, act, undo),
    )


def _title(runbook: Runbook, values: Mapping[str, str]) -> str:
    given = ", ".join(f"{name} {value}" for name, value in values.items())
    return f"{runbook.title} ({given})" if given else runbook.title


def _probe(act: Operation, target: str) -> EffectProbe:
    """Return what must serve afterwards: as the runbook says, else as its steps lead to."""
    if isinstance(act.probe, Has):
        return EffectProbe(service=act.probe.service, setting=act.probe.key, value=act.probe.value)
    if act.probe is not None:
        return EffectProbe(service=act.probe.service, version=act.probe.version)
    if wanted := act.leads_to(target):
        return EffectProbe(service=target, version=max(wanted, key=lambda version: wanted[version]))
    for key, value in act.sets(target).items():
        return EffectProbe(service=target, setting=key, value=value)
    match act.steps[-1]:
        case TagStep() as tag:
            return EffectProbe(service=target, version=tag.version, commit=tag.commit)
        case WithdrawStep() as back:
            return EffectProbe(service=target, branch=back.into, commit=back.expect_base)
        case _:
            raise InputError(f"runbook {act.runbook.id} does not say how to tell what it led to")


def _risk_problems(action: Action, act: Operation, undo: Operation) -> tuple[str, ...]:
    highest = max(act.runbook.risk, undo.runbook.risk, key=_RISKS.index)
    if _RISKS.index(action.risk) >= _RISKS.index(highest):
        return ()
    return (f"its risk is given as {action.risk}, but its runbook says {highest}",)


def _target_problems(action: Action, part: Operation, what: str) -> tuple[str, ...]:
    others = sorted(part.services() - {action.target})
    return tuple(f"{what} changes {other}, not only {action.target}" for other in others)


def _mixed(part: Operation, what: str) -> tuple[str, ...]:
    if len(part.subjects) == 1:
        return ()
    kinds = " and ".join(part.subjects)
    return (f"{what} changes {kinds}: an action makes one kind of change, so that it can be told",)


def _effect_problems(action: Action, act: Operation) -> tuple[str, ...]:
    wanted = act.leads_to(action.target)
    if wanted is None:
        return ()
    before = action.preconditions.versions.get(action.target, {})
    if same_weights(wanted, before) and not act.shares_traffic:
        return ("the world is as wanted already",)  # a share may start or end what has no traffic
    if action.effect_probe.version not in wanted:
        return (
            f"its effect probe asks for {action.effect_probe.version}, which it does not start",
        )
    return ()


def _setting_problems(action: Action, act: Operation, undo: Operation) -> tuple[str, ...]:
    """A change of settings names what it replaces, and its undo brings exactly that back."""
    wanted, probe = act.sets(action.target), action.effect_probe
    if not wanted:
        return ()
    problems: list[str] = []
    planned = action.preconditions.settings.get(action.target, {})
    for key, value in act.replaces(action.target).items():
        if wanted[key] == value:
            problems.append(f"{key} is {value} already")
        if planned.get(key, value) != value:
            problems.append(f"it replaces {key}={value}, but was planned for {planned[key]}")
        if undo.sets(action.target).get(key) != value:
            problems.append(f"its undo does not set {key} back to {value}")
    if wanted.get(probe.setting) != probe.value:
        problems.append(f"its effect probe asks for {probe.setting}={probe.value}, not set by it")
    return tuple(problems)


def _code_problems(action: Action, act: Operation, undo: Operation) -> tuple[str, ...]:
    """A merge can be told by the commit that its probe names, and taken back to where it was."""
    merges = [step for step in act.steps if isinstance(step, MergeStep)]
    if not merges:
        return ()
    backs = {(s.into, s.expect_base) for s in undo.steps if isinstance(s, WithdrawStep)}
    problems = [
        f"its undo does not take back what it merges into {step.into}"
        for step in merges
        if (step.into, step.expect_head) not in backs
    ]
    probe = action.effect_probe
    if not probe.commit or probe.branch not in {step.into for step in merges}:
        problems.append("its effect probe does not ask whether what it merges is there")
    return tuple(problems)
