"""What a careful reviewer would say of a runbook that loads. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from holdfast.actions.parameters import words_of
from holdfast.delivery.parameters import placeholders
from holdfast.model.runbook import (
    CommandStep,
    MergeStep,
    Runbook,
    SettingStep,
    Step,
    TagStep,
    WeightsStep,
    WithdrawStep,
)

LONGEST_SANE_TIMEOUT_SECONDS = 1800.0
SHORTEST_SANE_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True)
class Finding:
    """`error` = Holdfast will refuse to plan it; `warning` = it works, less safely."""

    level: Literal["error", "warning"]
    field: str
    message: str


def lint(runbook: Runbook) -> tuple[Finding, ...]:
    """Return what is missing or doubtful, in the order of the file."""
    return (
        *_parameters(runbook),
        *_contract(runbook),
        *_timeouts(runbook),
        *_unused(runbook),
    )


def _contract(runbook: Runbook) -> Iterator[Finding]:
    if not runbook.preconditions and not _conditional_by_itself(runbook):
        yield Finding(
            "warning",
            "preconditions",
            "none: say what must serve before it, so that it is refused "
            "where the world has changed",
        )
    if not runbook.expected_effect:
        yield Finding("warning", "expected_effect", "none: say what people should see afterwards")
    if not runbook.effect_probe and all(isinstance(s, CommandStep) for s in runbook.steps):
        yield Finding(
            "error",
            "effect_probe",
            "none: after a crash nobody could tell whether it took effect; write "
            "`SERVICE serves VERSION` or `SERVICE has SETTING=VALUE`",
        )
    if not runbook.undo:
        yield Finding("error", "undo", "none: an action that cannot be undone is not planned")


def _timeouts(runbook: Runbook) -> Iterator[Finding]:
    for field, steps in (("steps", runbook.steps), ("undo", runbook.undo)):
        for index, step in enumerate(steps):
            seconds = step.timeout_seconds
            if not SHORTEST_SANE_TIMEOUT_SECONDS <= seconds <= LONGEST_SANE_TIMEOUT_SECONDS:
                yield Finding(
                    "warning",
                    f"{field}[{index}].timeout_seconds",
                    f"{seconds:g} s: sane is {SHORTEST_SANE_TIMEOUT_SECONDS:g} to "
                    f"{LONGEST_SANE_TIMEOUT_SECONDS:g} s",
                )


def _parameters(runbook: Runbook) -> Iterator[Finding]:
    used = _used_in_steps(runbook)
    for index, parameter in enumerate(runbook.parameters):
        field = f"parameters[{index}]"
        if parameter.type == "string" and not parameter.pattern and not parameter.choices:
            yield Finding(
                "warning", f"{field}.pattern", f"{parameter.name} has neither pattern nor choices"
            )
        optional = not parameter.required and parameter.default is None
        if optional and parameter.name in used:
            yield Finding(
                "error", f"{field}.default", f"{parameter.name} is optional, but a step needs it"
            )


def _unused(runbook: Runbook) -> Iterator[Finding]:
    texts = (*runbook.preconditions, runbook.effect_probe, runbook.expected_effect)
    used = _used_in_steps(runbook) | {name for text in texts for name in placeholders(text)}
    for index, parameter in enumerate(runbook.parameters):
        if parameter.name not in used:
            yield Finding("warning", f"parameters[{index}]", f"{parameter.name} is used by no step")


def _conditional_by_itself(runbook: Runbook) -> bool:
    """Whether the steps say what they replace in terms that no condition could say better."""
    kinds = (SettingStep, MergeStep, TagStep, WithdrawStep)
    return all(isinstance(step, kinds) for step in runbook.steps)


def _used_in_steps(runbook: Runbook) -> frozenset[str]:
    words = (word for step in (*runbook.steps, *runbook.undo) for word in _words(step))
    return frozenset(name for word in words for name in placeholders(word))


def _words(step: Step) -> tuple[str, ...]:
    if isinstance(step, CommandStep):
        return step.argv
    weights = (step.weights,) if isinstance(step, WeightsStep) else ()
    return (*words_of(step).values(), *weights)
