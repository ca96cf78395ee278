"""Holds one incident to its end in this process, as `holdfast watch` does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from holdfast.catalog.config import load_config
from holdfast.model.case import Case
from holdfast.model.runbook import DeployStep, Runbook
from holdfast.surfaces.app import Holdfast, make_world
from support.small_lab import World
from support.worker import name_of


@contextmanager
def opened(world: World, *, deploy_timeout_seconds: float | None = None) -> Iterator[Holdfast]:
    """Open Holdfast on a world; `deploy_timeout_seconds` replaces that of every runbook."""
    composed = make_world(load_config(world.config_path), world.config_path.parent)
    if deploy_timeout_seconds is not None:
        impatient = {
            name: _impatient(runbook, deploy_timeout_seconds)
            for name, runbook in composed.runbooks.items()
        }
        composed = replace(composed, runbooks=impatient)
    with Holdfast(composed) as holdfast:
        yield holdfast


def until_opened(holdfast: Holdfast, timeout_seconds: float = 15.0) -> str:
    """Watch until an incident opens; return its id."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        if found := holdfast.tick().opened:
            return found[0]
        assert time.monotonic() < deadline, "no incident was opened"
        time.sleep(0.2)


def to_the_end(holdfast: Holdfast, incident_id: str, timeout_seconds: float = 25.0) -> None:
    """Wait until Holdfast is finished with the incident."""
    assert holdfast.wait(incident_id, timeout_seconds), holdfast.case(incident_id).status


def resolved(
    world: World,
    *,
    at: str = "",
    then: Callable[[], None] = lambda: None,
    deploy_timeout_seconds: float | None = None,
) -> Case:
    """Watch, hold the incident to its end, and return it. At the event `at`, do `then`."""
    with opened(world, deploy_timeout_seconds=deploy_timeout_seconds) as holdfast:
        holdfast.ledger.subscribe(lambda event: then() if name_of(event) == at else None)
        to_the_end(holdfast, until_opened(holdfast))
    return world.case()


def _impatient(runbook: Runbook, timeout_seconds: float) -> Runbook:
    return runbook.model_copy(
        update={
            part: tuple(
                step.model_copy(update={"timeout_seconds": timeout_seconds})
                if isinstance(step, DeployStep)
                else step
                for step in getattr(runbook, part)
            )
            for part in ("steps", "undo")
        }
    )
