"""What a runbook's call comes to: its steps filled in, and the world that they lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from holdfast.actions.conditions import Condition, parse_condition
from holdfast.actions.parameters import check_parameters, filled_steps, filled_word
from holdfast.actions.runbooks import find_runbook
from holdfast.delivery.parameters import checked_weights
from holdfast.errors import InputError
from holdfast.model.action import Action
from holdfast.model.case import Part
from holdfast.model.runbook import (
    CommandStep,
    DeployStep,
    MergeStep,
    Runbook,
    SettingStep,
    Step,
    TagStep,
    WeightsStep,
    WithdrawStep,
)

Subject = Literal["versions", "settings", "merge", "withdraw", "tag", "nothing"]
"""What an operation changes, and so what its effect is probed by; `nothing` = programs alone."""


@dataclass(frozen=True)
class Operation:
    """One part of an action, ready to be done or shown."""

    runbook: Runbook
    steps: tuple[Step, ...]
    preconditions: tuple[Condition, ...]
    probe: Condition | None
    """What the runbook's author says must serve afterwards; only for `act`."""

    @property
    def conditional(self) -> bool:
        """Whether it may be done a second time after doubt: else none of it is repeated.

        Each step but a program names what it replaces, or says in whole what there is afterwards.
        """
        return not any(isinstance(step, CommandStep) for step in self.steps)

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Return the kinds of change that the steps make; a plan may have one.

        A tag beside another kind is a part of it: the version that it makes is then started.
        """
        kinds: list[Subject] = [_SUBJECTS[step.kind] for step in self.steps]
        changes: list[Subject] = [kind for kind in kinds if kind != "nothing"]
        without_tags: list[Subject] = [kind for kind in changes if kind != "tag"]
        return tuple(dict.fromkeys(without_tags or changes or kinds))

    @property
    def shares_traffic(self) -> bool:
        """Whether the last word on versions is a share of traffic, which starts and ends others."""
        on_versions = [s for s in self.steps if isinstance(s, (DeployStep, WeightsStep))]
        return bool(on_versions) and isinstance(on_versions[-1], WeightsStep)

    def sets(self, service: str) -> dict[str, str]:
        """Return the settings of the service after the steps, of those that they change."""
        return {s.key: s.value for s in self._settings(service)}

    def replaces(self, service: str) -> dict[str, str]:
        """Return the values that the steps take the place of."""
        return {s.key: s.expect_value for s in reversed(self._settings(service))}

    def _settings(self, service: str) -> list[SettingStep]:
        return [s for s in self.steps if isinstance(s, SettingStep) and s.service == service]

    def services(self) -> frozenset[str]:
        """Return the services that the steps change."""
        return frozenset(s.service for s in self.steps if not isinstance(s, CommandStep))

    def leads_to(self, service: str) -> dict[str, float] | None:
        """Return the weights of the service after the steps; None where no step sets them."""
        wanted: dict[str, float] | None = None
        for step in self.steps:
            if isinstance(step, DeployStep) and step.service == service:
                wanted = {step.version: 100.0}
            elif isinstance(step, WeightsStep) and step.service == service:
                wanted = weights_of(step)
        return wanted


def operation(action: Action, part: Part, runbooks: Mapping[str, Runbook]) -> Operation:
    """Return what doing that part of the action means. Raises NotFound or InputError.

    An undo that is the same call as the plan means the `undo` steps of that runbook; any other
    undo is a call of its own, of which the `steps` are done.
    """
    call = action.plan if part == "act" else action.undo
    runbook = find_runbook(runbooks, call.runbook_id)
    values = check_parameters(runbook, call.parameters)
    own_undo = part == "undo" and action.undo == action.plan
    if own_undo and not runbook.undo:
        raise InputError(f"runbook {runbook.id} has no undo", hint="a person must undo it")
    conditions = () if own_undo else runbook.preconditions
    probe = "" if own_undo else runbook.effect_probe
    return Operation(
        runbook=runbook,
        steps=filled_steps(runbook.undo if own_undo else runbook.steps, values),
        preconditions=tuple(_condition(text, values, runbook) for text in conditions),
        probe=_condition(probe, values, runbook) if probe else None,
    )


def weights_of(step: WeightsStep) -> dict[str, float]:
    """Return the step's weights, version → percent. Raises InputError for what cannot be."""
    pairs = [pair.partition("=") for pair in step.weights.split(",")]
    try:
        weights = {version: float(percent) for version, _, percent in pairs}
    except ValueError as error:
        raise InputError(f"step {step.name}: {step.weights!r} is not like `v1=90,v2=10`") from error
    if len(weights) < len(pairs):
        raise InputError(f"step {step.name}: {step.weights!r} names a version twice")
    return checked_weights(weights)


def step_in_words(step: Step) -> str:
    """Return what a step does, on one line."""
    match step:
        case CommandStep():
            return f"run {' '.join(step.argv)}"
        case DeployStep():
            return f"deploy {step.version} of {step.service} if {step.expect_version} serves"
        case WeightsStep():
            return f"run {step.weights} (percent of the traffic) of {step.service}, and no other"
        case SettingStep():
            return f"set {step.key} of {step.service} to {step.value} if it is {step.expect_value}"
        case MergeStep():
            return (
                f"merge {step.branch} into {step.into} of {step.service} "
                f"if that is at {step.expect_head[:12]}"
            )
        case TagStep():
            return f"name {step.commit[:12]} of {step.service} {step.version}"
        case WithdrawStep():
            return (
                f"undo by a new commit what was merged into {step.into} of {step.service} "
                f"since {step.expect_base[:12]}"
            )


def _condition(text: str, values: Mapping[str, str], runbook: Runbook) -> Condition:
    found = parse_condition(text, f"runbook {runbook.id}")
    return found.filled(lambda word: filled_word(word, values))


_SUBJECTS: dict[str, Subject] = {
    "command": "nothing",
    "deploy": "versions",
    "weights": "versions",
    "setting": "settings",
    "merge": "merge",
    "tag": "tag",
    "withdraw": "withdraw",
}
