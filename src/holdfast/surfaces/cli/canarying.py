"""Runs a rollout by hand at the command line, and prints what happens."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from holdfast.catalog.config import load_config
from holdfast.delivery.registry import deployers_by_service
from holdfast.delivery.rollout.records import News, RolloutOrder
from holdfast.errors import InputError, NotFound
from holdfast.evidence.toolbox import Toolbox
from holdfast.evidence.tools import ToolContext, read_tools
from holdfast.integrations.sources import open_source
from holdfast.surfaces.by_hand import Gate
from holdfast.surfaces.canaries import Canaries, CanaryPlan
from holdfast.surfaces.cli.canary_lines import header, lines_of
from holdfast.surfaces.cli.interrupts import interruptible
from holdfast.surfaces.lab import lab_deployer


@dataclass(frozen=True)
class CanaryRequest:
    """What a person asked for; empty = not given."""

    config: Path
    service: str
    version: str
    stable: str
    approver: str
    take_back: bool


def run_canary(stream: TextIO, wanted: CanaryRequest, *, as_json: bool) -> int:
    """Roll out or take back; return the exit code.

    Raises InputError for what was asked wrongly, GuardDenied where the policy forbids it.
    """
    _check(wanted)

    def say(*lines: str) -> None:
        for line in lines:
            print(line, file=stream, flush=True)

    def tell(news: News) -> None:
        say(*([news.model_dump_json()] if as_json else lines_of(news)))

    def begin(plan: CanaryPlan) -> None:
        if not as_json:
            say(*header(plan.action, plan.guard, plan.policy))

    with interruptible(), _opened(wanted) as canaries:
        if wanted.take_back:
            canaries.take_back(wanted.stable, tell)
            return 0
        order = RolloutOrder(candidate=wanted.version, stable=wanted.stable or None)
        result = canaries.roll_out(order, canaries.policy(), tell, began=begin)
        return 0 if result.outcome == "promoted" else 1


def _check(wanted: CanaryRequest) -> None:
    if wanted.take_back and not wanted.stable:
        raise InputError("--take-back needs --from VERSION", hint="name what is to serve")
    if not wanted.take_back and not wanted.version:
        raise InputError("--version is missing", hint="name what is to be rolled out")


@contextmanager
def _opened(wanted: CanaryRequest) -> Generator[Canaries]:
    config = load_config(wanted.config)
    service = next((s for s in config.services if s.name == wanted.service), None)
    if service is None:
        known = ", ".join(s.name for s in config.services)
        raise NotFound(f"there is no service {wanted.service}", hint=f"known: {known}")
    deployers = deployers_by_service(
        config, working_folder=wanted.config.absolute().parent, lab=lab_deployer
    )
    if service.name not in deployers:
        raise InputError(f"{service.name} has no deployer", hint="name one in holdfast.yaml")
    source = open_source(config.metrics)
    try:
        context = ToolContext(source=source, services={s.name: s for s in config.services})
        toolbox = Toolbox()
        for tool in read_tools(context):
            toolbox.register(tool)
        gate = Gate(config, toolbox.ask, wanted.approver)
        yield Canaries(gate, service, deployers[service.name])
    finally:
        source.close()
