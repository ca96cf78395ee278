"""The effect probe: what a deployer says now, read against what an action would lead to. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.actions.conditions import same_weights, shares
from holdfast.actions.settle import ProbeAnswer
from holdfast.actions.steps import Operation
from holdfast.delivery.deployer import DeploymentState
from holdfast.model.action import Action
from holdfast.model.case import Part


def read_probe(
    action: Action,
    part: Part,
    *,
    act: Operation,
    undo: Operation | None,
    state: DeploymentState,
) -> ProbeAnswer:
    """Return whether that part took effect, by what serves the action's target now.

    `took_effect` = the traffic is divided as the part leads to; `not_taken` = it is as it was
    before the part. Anything else is `unknown`: half a move is no effect and no absence of one.
    """
    if state.in_progress:
        return "in_progress"
    wanted = wanted_after(action, part, act=act, undo=undo)
    before = _before(action, part, act=act)
    if wanted is not None and before is not None and same_weights(wanted, before):
        return "unknown"  # the two cannot be told apart
    if wanted is not None and same_weights(wanted, state.weights):
        return "took_effect"
    if before is not None and same_weights(before, state.weights):
        return "not_taken"
    return "unknown"


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


def state_in_words(state: DeploymentState) -> str:
    """Return `shop serves v1 90 %, v2 10 %`, and whether a deployment is under way."""
    moving = ", a deployment is under way" if state.in_progress else ""
    return f"{state.service} serves {shares(state.weights)}{moving}"
