"""Runbooks: operations written down so that they can be checked, tried dry, run and undone."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from holdfast.model.action import Parameter, Risk
from holdfast.model.base import Record, UtcTime


class RunbookParameter(Record):
    """A typed parameter. A value is refused unless it matches `pattern` (strings) or `choices`."""

    name: str
    type: Literal["string", "integer", "number", "boolean"] = "string"
    description: str = ""
    pattern: str | None = None
    choices: tuple[Parameter, ...] = ()
    required: bool = True
    default: Parameter | None = None


class CommandStep(Record):
    """Runs a program: argv only, never a shell string; `{name}` fills in one whole parameter."""

    kind: Literal["command"] = "command"
    name: str
    argv: tuple[str, ...]
    timeout_seconds: float = 60.0


class DeployStep(Record):
    """Calls the service's deployer: deploy `version` if `expect_version` runs."""

    kind: Literal["deploy"] = "deploy"
    name: str
    service: str
    version: str
    expect_version: str
    timeout_seconds: float = 60.0


class WeightsStep(Record):
    """Calls the service's deployer: share traffic between versions, in percent."""

    kind: Literal["weights"] = "weights"
    name: str
    service: str
    weights: str
    """`v1=90,v2=10`."""
    timeout_seconds: float = 60.0


class SettingStep(Record):
    """Changes a setting or a flag of a service, if `expect_value` is in force."""

    kind: Literal["setting"] = "setting"
    name: str
    service: str
    key: str
    value: str
    expect_value: str
    timeout_seconds: float = 60.0


class MergeStep(Record):
    """Merges `branch` into `into` in the repository of `service`, if `into` is at `expect_head`."""

    kind: Literal["merge"] = "merge"
    name: str
    service: str
    branch: str
    into: str
    expect_head: str
    timeout_seconds: float = 60.0


class TagStep(Record):
    """Names a commit of the repository of `service` as the version that can be deployed."""

    kind: Literal["tag"] = "tag"
    name: str
    service: str
    version: str
    commit: str
    timeout_seconds: float = 60.0


class WithdrawStep(Record):
    """Undoes on `into` what was merged since `expect_base`, by a new commit on top."""

    kind: Literal["withdraw"] = "withdraw"
    name: str
    service: str
    into: str
    expect_base: str
    timeout_seconds: float = 60.0


Step = Annotated[
    CommandStep | DeployStep | WeightsStep | SettingStep | MergeStep | TagStep | WithdrawStep,
    Field(discriminator="kind"),
]


class Mitigates(Record):
    """A cause that a runbook mitigates. Empty `service` = of any service."""

    mechanism: str
    """The kind of cause, as hypotheses name it, for example `slow_dependency`."""
    service: str = ""


class Runbook(Record):
    """A runbook as read from YAML; `{parameter}` is filled in by code that checks types."""

    id: str
    title: str
    description: str = ""
    risk: Risk = Risk.MEDIUM
    parameters: tuple[RunbookParameter, ...] = ()
    preconditions: tuple[str, ...] = ()
    """Each `service serves only version`, with parameters filled in."""
    steps: tuple[Step, ...] = Field(min_length=1)
    mitigates: tuple[Mitigates, ...] = ()
    """What it is for; a reasoner proposes it where all its parameters are known."""
    expected_effect: str = ""
    effect_probe: str = ""
    """`service serves version`."""
    undo: tuple[Step, ...] = ()
    last_exercised_at: UtcTime | None = None
    last_exercised_by_run: str | None = None
