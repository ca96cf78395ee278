"""Shows what an action would do, and whether it could do it now, without doing it."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.actions.conditions import Condition, drift
from holdfast.actions.hands import Hands
from holdfast.actions.plan import plan_problems
from holdfast.actions.steps import Operation, operation, step_in_words, weights_of
from holdfast.actions.world import read_world
from holdfast.delivery.codehost import CodeHost
from holdfast.delivery.command import CommandDeployer
from holdfast.delivery.deployer import Deployer
from holdfast.delivery.settings import CommandSettings, Settings
from holdfast.errors import HoldfastError, InputError, NotFound
from holdfast.evidence.redact import Redactor
from holdfast.model.action import Action, EffectProbe, WorldState
from holdfast.model.base import Record
from holdfast.model.evidence import Evidence
from holdfast.model.runbook import CommandStep, DeployStep, Runbook, SettingStep, Step, WeightsStep


class DryStep(Record):
    """One step: `argv` where a program would be run, None where a deployer is called otherwise."""

    name: str
    does: str
    argv: tuple[str, ...] | None
    timeout_seconds: float
    problem: str = ""
    """Why it could not be done, where that is known beforehand."""


class DryCondition(Record):
    """A condition and whether it holds now; None = unknown, which is not a pass."""

    condition: str
    holds: bool | None


class DryRun(Record):
    """What an action would do. `world` is the evidence of what serves now."""

    action_id: str
    title: str
    problems: tuple[str, ...]
    preconditions: tuple[DryCondition, ...]
    steps: tuple[DryStep, ...]
    effect_probe: str
    expected_effect: str
    undo: tuple[DryStep, ...]
    world: Evidence

    @property
    def possible(self) -> bool:
        """Whether it could be done now, as far as can be known beforehand."""
        steps_work = not any(step.problem for step in (*self.steps, *self.undo))
        return not self.problems and steps_work and all(c.holds for c in self.preconditions)


def dry_run(
    action: Action,
    runbooks: Mapping[str, Runbook],
    deployers: Mapping[str, Deployer],
    *,
    settings: Mapping[str, Settings] | None = None,
    code_hosts: Mapping[str, CodeHost] | None = None,
) -> DryRun:
    """Return what performing the action would do. Reads what is there now; writes nothing.

    The mappings are by service. Raises NotFound or InputError where there is nothing to show.
    """
    hands = Hands(deployers, settings or {}, code_hosts or {})
    act = operation(action, "act", runbooks)
    undo = _undo(action, runbooks)
    conditions = act.preconditions
    services = {action.target, *(each.service for each in conditions)}
    world, evidence = read_world(deployers, services, settings=settings)
    expected = action.expected_effect
    return DryRun(
        action_id=action.id,
        title=action.title,
        problems=plan_problems(action, runbooks),
        preconditions=(*(_held(each, world) for each in conditions), _as_planned(action, world)),
        steps=_shown(act, f"{action.idempotency_key}.act", hands),
        effect_probe=str(act.probe or _probe_in_words(action.effect_probe)),
        expected_effect=f"{expected.query} {expected.bound} for {expected.hold_seconds:g} s "
        f"within {expected.deadline_seconds:g} s",
        undo=_shown(undo, f"{action.idempotency_key}.undo", hands) if undo else (),
        world=evidence,
    )


def render(shown: DryRun) -> str:
    """Return the dry run as plain lines."""
    lines = [f"Would do: {shown.title}"]
    lines += [f"  problem: {problem}" for problem in shown.problems]
    lines += [f"  {_mark(each.holds)} {each.condition}" for each in shown.preconditions]
    lines += _step_lines("step", shown.steps)
    lines += [
        f"  then expected: {shown.expected_effect}",
        f"  asked after doubt: {shown.effect_probe}",
    ]
    lines += _step_lines("undo", shown.undo)
    return "\n".join(lines)


def _undo(action: Action, runbooks: Mapping[str, Runbook]) -> Operation | None:
    try:
        return operation(action, "undo", runbooks)
    except (InputError, NotFound):
        return None  # plan_problems says so


def _held(condition: Condition, world: WorldState) -> DryCondition:
    return DryCondition(condition=str(condition), holds=condition.holds(world))


def _as_planned(action: Action, world: WorldState) -> DryCondition:
    changes = drift(action.preconditions, world)
    planned = action.preconditions.settings.keys()
    known = action.target in world.versions and planned <= world.settings.keys()
    return DryCondition(
        condition="the world is as planned" if not changes else "; ".join(changes),
        holds=None if changes and not known else not changes,
    )


def _probe_in_words(probe: EffectProbe) -> str:
    if probe.setting:
        return f"{probe.service} has {probe.setting}={probe.value}"
    if probe.branch:
        return f"what {probe.branch} of {probe.service} holds, beside {probe.commit[:12]}"
    if probe.commit:
        return f"{probe.version} of {probe.service} names {probe.commit[:12]}"
    return f"{probe.service} runs {probe.version}"


def _shown(part: Operation, key: str, hands: Hands) -> tuple[DryStep, ...]:
    return tuple(
        _dry_step(step, f"{key}.{index}", hands) for index, step in enumerate(part.steps, start=1)
    )


def _dry_step(step: Step, key: str, hands: Hands) -> DryStep:
    argv, problem = None, ""
    try:
        argv = _argv(step, key, hands)
    except HoldfastError as error:
        problem = str(error)
    return DryStep(
        name=step.name,
        does=step_in_words(step),
        argv=tuple(Redactor().text(word) for word in argv) if argv is not None else None,
        timeout_seconds=step.timeout_seconds,
        problem=problem,
    )


def _argv(step: Step, key: str, hands: Hands) -> tuple[str, ...] | None:
    """Return the program that a step would run. Raises HoldfastError where it cannot be done."""
    if isinstance(step, CommandStep):
        return step.argv
    if isinstance(step, SettingStep):
        return _setting_argv(step, key, hands)
    if not isinstance(step, (DeployStep, WeightsStep)):
        hands.code_host(step.service)
        return None
    deployer = hands.deployer(step.service)
    if not isinstance(deployer, CommandDeployer):
        return None
    if isinstance(step, DeployStep):
        return deployer.deploy_argv(
            step.service, step.version, expect_version=step.expect_version, idempotency_key=key
        )
    return deployer.weights_argv(step.service, weights_of(step))


def _setting_argv(step: SettingStep, key: str, hands: Hands) -> tuple[str, ...] | None:
    settings = hands.settings_of(step.service)
    if not isinstance(settings, CommandSettings):
        return None
    return settings.set_argv(
        step.service, step.key, step.value, expect_value=step.expect_value, idempotency_key=key
    )


def _step_lines(what: str, steps: tuple[DryStep, ...]) -> list[str]:
    lines: list[str] = []
    for number, step in enumerate(steps, start=1):
        lines.append(f"  {what} {number}: {step.name}: {step.does} (≤ {step.timeout_seconds:g} s)")
        if step.argv is not None:
            lines.append(f"    argv: {list(step.argv)}")
        if step.problem:
            lines.append(f"    cannot be done: {step.problem}")
    return lines


def _mark(holds: bool | None) -> str:
    return {True: "holds:", False: "does not hold:", None: "unknown:"}[holds]
