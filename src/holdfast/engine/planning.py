"""A proposed action is planned for the world as its deployer tells it at that moment."""

from __future__ import annotations

from holdfast.actions.plan import planned_for
from holdfast.actions.steps import operation
from holdfast.actions.world import read_world
from holdfast.engine.world import World
from holdfast.errors import DeliveryError, InputError
from holdfast.model.action import Action, WorldState
from holdfast.model.case import Case
from holdfast.model.evidence import Evidence


def for_this_world(
    case: Case, action: Action | None, world: World
) -> tuple[Action | None, tuple[Evidence, ...]]:
    """Return the action as it is to be put on record, and what was read; None while it waits.

    Its preconditions are what the deployer says runs now: measured shares of traffic lag behind.
    Where the plan does not fit that, it stays as it was measured, and the guard says so.
    """
    if action is None or action.id in case.actions or not _can_be_read(action.target, world):
        return action, ()
    if _waits(case, action, world):
        return None, ()
    state, seen = read_world(world.deployers, {action.target}, settings=world.settings)
    if _was_read(action.target, state, world) and not unmet(action, state, world):
        action = action.model_copy(update={"preconditions": _needed(action, state, world)})
    return action, (seen,)


def _needed(action: Action, state: WorldState, world: World) -> WorldState:
    """Return the part of the world that the plan depends on; all of it where it has mistakes."""
    try:
        return planned_for(operation(action, "act", world.runbooks), action.target, state)
    except InputError:
        return state  # the guard names what is wrong with the plan


def unmet(action: Action, state: WorldState, world: World) -> tuple[str, ...]:
    """Return what the action's runbook asks of the world and does not hold, in words."""
    try:
        conditions = operation(action, "act", world.runbooks).preconditions
    except InputError:
        return ()  # that is no fault of the world: the guard names what is wrong with the plan
    return tuple(f"it does not hold that {c}" for c in conditions if c.holds(state) is False)


def _can_be_read(service: str, world: World) -> bool:
    return service in world.deployers or service in world.settings


def _was_read(service: str, state: WorldState, world: World) -> bool:
    return (service not in world.deployers or service in state.versions) and (
        service not in world.settings or service in state.settings
    )


def _waits(case: Case, action: Action, world: World) -> bool:
    """Whether its deployer refused it lately, and a deployment is still under way."""
    latest = case.latest_action
    if latest is None or not latest.performances or not latest.performances[-1].drifted:
        return False
    waited = world.now() - latest.performed_at[-1].timestamp()
    return waited < action.expected_effect.deadline_seconds and _is_moving(action.target, world)


def _is_moving(service: str, world: World) -> bool:
    if service not in world.deployers:
        return False
    try:
        return world.deployers[service].current(service).in_progress
    except DeliveryError:
        return True  # what cannot be read is not known to stand still
