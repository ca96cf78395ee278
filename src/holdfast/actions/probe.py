"""The effect probe: what the world says now, read against what an action would lead to. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from holdfast.actions.conditions import same_weights
from holdfast.actions.settle import ProbeAnswer
from holdfast.actions.steps import Operation
from holdfast.delivery.deployer import DeploymentState
from holdfast.model.action import Action
from holdfast.model.case import Part


@dataclass(frozen=True)
class Seen:
    """What serves the action's target now, and which versions run; None = that was not asked."""

    state: DeploymentState
    running: Collection[str] | None = None


def read_probe(
    action: Action, part: Part, *, act: Operation, undo: Operation | None, seen: Seen
) -> ProbeAnswer:
    """Return whether that part took effect, by what serves the action's target now.

    `took_effect` = the traffic is divided as the part leads to; `not_taken` = it is as it was
    before the part. Anything else is `unknown`: half a move is no effect and no absence of one.
    Where a part moves no traffic but starts or ends a version without any, what runs decides.
    """
    if seen.state.in_progress:
        return "in_progress"
    wanted = wanted_after(action, part, act=act, undo=undo)
    before = _before(action, part, act=act)
    if wanted is None:
        return "unknown"
    if before is not None and same_weights(wanted, before):
        return _by_what_runs(wanted, seen)
    if same_weights(wanted, seen.state.weights):
        return "took_effect"
    if before is not None and same_weights(before, seen.state.weights):
        return "not_taken"
    return "unknown"


def _by_what_runs(wanted: Mapping[str, float], seen: Seen) -> ProbeAnswer:
    if seen.running is None or not same_weights(wanted, seen.state.weights):
        return "unknown"
    return "took_effect" if set(seen.running) == set(wanted) else "not_taken"


def asks_what_runs(action: Action, part: Part, *, act: Operation, undo: Operation | None) -> bool:
    """Whether traffic alone cannot tell before from after, and what runs can."""
    own = undo if part == "undo" else act
    if own is None or not own.shares_traffic:
        return False
    wanted = wanted_after(action, part, act=act, undo=undo)
    before = _before(action, part, act=act)
    return wanted is not None and before is not None and same_weights(wanted, before)


def wanted_after(
    action: Action, part: Part, *, act: Operation, undo: Operation | None
) -> Mapping[str, float] | None:
    """Return the division of traffic that the part leads to; None where that cannot be said.

    A plan that only runs commands leads to what its effect probe names, alone.
    """
    if part == "undo":
        return undo.leads_to(action.target) if undo else None
    return act.leads_to(action.target) or {action.effect_probe.version: 100.0}


def _before(action: Action, part: Part, *, act: Operation) -> Mapping[str, float] | None:
    if part == "act":
        return action.preconditions.versions.get(action.target)
    return wanted_after(action, "act", act=act, undo=None)


# ---- settings --------------------------------------------------------------------------------


def read_settings(
    action: Action,
    part: Part,
    *,
    act: Operation,
    undo: Operation | None,
    now: Mapping[str, str],
) -> ProbeAnswer:
    """Return whether that part took effect, by the settings of the target that are in force.

    The same reading as for versions, over the keys that the part changes.
    """
    own = act if part == "act" else undo
    wanted = own.sets(action.target) if own else {}
    probe = action.effect_probe
    if part == "act" and not wanted and probe.setting:
        wanted = {probe.setting: probe.value}  # a plan of programs: as its probe says
    planned = action.preconditions.settings.get(action.target, {})
    before = {**planned, **(act.sets(action.target) if part == "undo" else {})}
    if not wanted or any(key not in before for key in wanted):
        return "unknown"
    before = {key: before[key] for key in wanted}
    if wanted == before:
        return "unknown"  # the two cannot be told apart
    if all(now.get(key) == value for key, value in wanted.items()):
        return "took_effect"
    if all(now.get(key) == value for key, value in before.items()):
        return "not_taken"
    return "unknown"
