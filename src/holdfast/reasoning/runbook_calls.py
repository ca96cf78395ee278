"""From a cause to the runbook that mitigates it, with every parameter known, and to its undo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.actions.parameters import check_parameters, filled_steps
from holdfast.diagnosis.judge import Judged
from holdfast.diagnosis.scene import Scene
from holdfast.diagnosis.signals import Gap
from holdfast.errors import InputError
from holdfast.model.action import EffectProbe, Parameter, Risk, RunbookCall, WorldState
from holdfast.model.change import Change
from holdfast.model.runbook import DeployStep, Runbook, SettingStep, Step, WeightsStep

_RISKS = (Risk.LOW, Risk.MEDIUM, Risk.HIGH)
_TURNED = {"from_version": "to_version", "to_version": "from_version"}


@dataclass(frozen=True)
class Mitigation:
    """A runbook's call that mitigates a cause, and what undoes it.

    `steps` are the call's, filled in; `change` is what it takes back, if it takes one back.
    """

    runbook: Runbook
    act: RunbookCall
    undo: RunbookCall
    steps: tuple[Step, ...]
    change: Change | None
    target: str
    """The one service that it changes."""

    @property
    def world(self) -> WorldState:
        """What the steps replace, and so what must be in force when they begin."""
        settings: dict[str, dict[str, str]] = {}
        versions: dict[str, dict[str, float]] = {}
        for step in reversed(self.steps):  # the first of several steps on one key counts
            if isinstance(step, SettingStep):
                settings.setdefault(step.service, {})[step.key] = step.expect_value
            elif isinstance(step, DeployStep):
                versions[step.service] = {step.expect_version: 100.0}
        return WorldState(versions=versions, settings=settings)

    @property
    def probe(self) -> EffectProbe:
        """How to ask whether it took effect: by what the last step leads to."""
        last = self.steps[-1]
        if isinstance(last, SettingStep):
            return EffectProbe(service=last.service, setting=last.key, value=last.value)
        version = last.version if isinstance(last, DeployStep) else ""
        return EffectProbe(service=self.target, version=version)


def mitigation_of(cause: Judged, scene: Scene, runbooks: Mapping[str, Runbook]) -> Mitigation | Gap:
    """Return the call that mitigates a cause, or why there is none.

    A change is taken back. For anything else a runbook must say that it mitigates this kind of
    cause, of this service or of any, and all its parameters must be known beforehand: nobody
    guesses one in an incident.
    """
    hypothesis = cause.hypothesis
    runbook = _runbook(cause, runbooks)
    if runbook is None:
        return Gap(f"no runbook mitigates {hypothesis.mechanism} of {hypothesis.service}")
    change = scene.changes.get(hypothesis.change_id or "")
    if change is not None and runbook.id == cause.pattern.runbook_id:
        if gap := _cannot_be_taken_back(change):
            return gap
        return _made(runbook, _back(change), change.service, change)
    return _made(runbook, {"service": hypothesis.service}, hypothesis.service, None)


def _runbook(cause: Judged, runbooks: Mapping[str, Runbook]) -> Runbook | None:
    """Return the runbook of the pattern, or the team's for this cause: the most particular first,
    then the one with the least risk."""
    of_pattern = runbooks.get(cause.pattern.runbook_id or "")
    if of_pattern is not None:
        return of_pattern
    kind, service = cause.hypothesis.mechanism, cause.hypothesis.service
    fitting = [
        (not entry.service, _RISKS.index(runbook.risk), runbook.id)
        for runbook in runbooks.values()
        for entry in runbook.mitigates
        if entry.mechanism == kind and entry.service in ("", service)
    ]
    return runbooks[min(fitting)[-1]] if fitting else None


def _cannot_be_taken_back(change: Change) -> Gap | None:
    if change.setting:
        if change.from_value is None or change.to_value is None:
            return Gap(f"what {change.setting} of {change.service} was before is not recorded")
        return None
    if not change.from_version or not change.to_version:
        return Gap(f"the version of {change.service} to go back to is not recorded")
    return None


def _back(change: Change) -> dict[str, Parameter | None]:
    """Return what a runbook that takes the change back may ask for, by the names it goes by."""
    return {
        "service": change.service,
        "from_version": change.to_version,
        "to_version": change.from_version,
        "key": change.setting or None,
        "bad_value": change.to_value,
        "previous_value": change.from_value,
    }


def _made(
    runbook: Runbook, known: Mapping[str, Parameter | None], service: str, change: Change | None
) -> Mitigation | Gap:
    """Return the runbook's call with what is known; a default of the runbook comes first."""
    parameters = {
        p.name: value
        for p in runbook.parameters
        if p.default is None and (value := known.get(p.name)) is not None
    }
    act = RunbookCall(runbook_id=runbook.id, parameters=parameters)
    try:
        steps = filled_steps(runbook.steps, check_parameters(runbook, parameters))
    except InputError as error:
        return Gap(f"runbook {runbook.id} would mitigate it, and cannot be planned: {error}")
    changed = {s.service for s in steps if isinstance(s, (DeployStep, SettingStep))}
    if len(changed) > 1 or any(isinstance(step, WeightsStep) for step in steps):
        return Gap(f"runbook {runbook.id} would mitigate it, and is for a person to run")
    undo = _turned(act)
    if undo is None and not runbook.undo:
        return Gap(f"runbook {runbook.id} would mitigate it, and has no undo")
    return Mitigation(runbook, act, undo or act, steps, change, next(iter(changed), service))


def _turned(call: RunbookCall) -> RunbookCall | None:
    """Return the call that goes the way back, where the parameters say from what to what."""
    if not _TURNED.keys() & call.parameters.keys():
        return None
    turned = {name: call.parameters[_TURNED.get(name, name)] for name in call.parameters}
    return call.model_copy(update={"parameters": turned})
