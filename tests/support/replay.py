"""The world of an incident that is over, played again: recorded metrics, a clock, a deployer.

What the recorder kept is asked at the time that the clock shows; the deployer is kept in memory;
the report is left out, which is proven elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from holdfast import flow
from holdfast.catalog.config import load_config
from holdfast.delivery.deployer import DeploymentState
from holdfast.engine.stage import Entries
from holdfast.engine.world import World
from holdfast.errors import DeployerFailed, PreconditionFailed
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Ledger
from holdfast.model.case import Case
from holdfast.model.event import ContractChecked, Event, PostmortemWritten
from holdfast.reasoning.reasoner import Proposal
from holdfast.surfaces.app import make_world

_MOST_TURNS = 400


@dataclass
class MemoryDeployer:
    """Implements Deployer for one service, in memory: conditional, once a key."""

    serving: str
    deployed: list[str] = field(default_factory=list[str])
    _keys: set[str] = field(default_factory=set[str])
    name: str = "memory"

    def current(self, service: str) -> DeploymentState:
        """Return what serves."""
        return DeploymentState(service=service, weights={self.serving: 100.0})

    def deploy(
        self,
        service: str,
        version: str,
        *,
        expect_version: str,
        idempotency_key: str,
        timeout_seconds: float,
    ) -> None:
        """Serve `version` if `expect_version` serves."""
        if idempotency_key in self._keys:
            return
        if self.serving != expect_version:
            raise PreconditionFailed(f"{self.serving} serves, not {expect_version}")
        self._keys.add(idempotency_key)
        self.serving = version
        self.deployed.append(version)

    def set_weights(
        self, service: str, weights: Mapping[str, float], *, timeout_seconds: float
    ) -> None:
        """Refuse: nothing here shares traffic."""
        raise PreconditionFailed("one version serves at a time")

    def endpoints(self, service: str) -> Mapping[str, str]:
        """Say that nothing can be asked here."""
        raise DeployerFailed("nothing here can be asked")


class Clock:
    """Shows a time that moves when it is told to."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)


@dataclass
class Replay:
    """One incident taken up after some of its events."""

    world: World
    clock: Clock
    incident_id: str

    def to_the_end(self) -> Case:
        """Advance until it is finished with; fail where it never is."""
        for _ in range(_MOST_TURNS):
            progress = flow.advance(self.incident_id, self.world)
            if progress.finished:
                return fold(self.world.ledger.events(self.incident_id))
            self.clock.move(progress.wait_seconds)
        raise AssertionError(f"not finished after {_MOST_TURNS} turns")


def take_up(
    config_path: Path, events: Sequence[Event], folder: Path, deployer: MemoryDeployer
) -> Replay:
    """Return the incident as a worker finds it that knows these events, at the last one's time."""
    config = load_config(config_path)
    made = make_world(config.model_copy(update={"data_folder": folder}), config_path.parent)
    made.ledger.close()
    ledger = Ledger.at(folder)
    for at, step in groupby(events, key=lambda event: event.at):
        known = list(step)
        entries = [(event.step_key, event.payload) for event in known]
        ledger.append(known[0].incident_id, entries, actor=known[0].actor, at=at)
    clock = Clock(events[-1].at)
    deployers = dict.fromkeys(made.deployers, deployer)
    world = replace(made, ledger=ledger, clock=clock, deployers=deployers, poll_seconds=0.5)
    return Replay(world, clock, events[0].incident_id)


def learn_briefly(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Stand in for the stage that writes the report."""
    report = PostmortemWritten(markdown_path="", json_path="", content_hash="")
    yield [("postmortem", report)]


def close_briefly(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Stand in for the stage that checks the report."""
    yield [("contract", ContractChecked(met=(), unmet=("not checked in a replay",)))]
