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


Step = Annotated[CommandStep | DeployStep | WeightsStep, Field(discriminator="kind")]


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
    expected_effect: str = ""
    effect_probe: str = ""
    """`service serves version`."""
    undo: tuple[Step, ...] = ()
    last_exercised_at: UtcTime | None = None
    last_exercised_by_run: str | None = None
