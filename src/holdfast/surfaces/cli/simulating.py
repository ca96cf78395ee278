"""Simulates outages and searches for parameters on a history, and prints what came of it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from holdfast.errors import ConfigError, InputError
from holdfast.model.replay import Search, Simulation
from holdfast.model.slo import SLO
from holdfast.slo.replay.backtest import IncidentsGiven, Replay
from holdfast.slo.replay.incident_file import read_incidents
from holdfast.slo.replay.reading import read_past
from holdfast.slo.replay.rule_groups import seconds_of
from holdfast.slo.replay.search import SearchPlan, search
from holdfast.slo.replay.simulate import DEPTHS, Plan, simulate
from holdfast.surfaces.cli.backtesting import (
    check_grace,
    check_page,
    incidents_for,
    significant_fraction,
)
from holdfast.surfaces.cli.replay_progress import Working
from holdfast.surfaces.cli.replay_tables import replay_console
from holdfast.surfaces.cli.replay_world import PastRequest, ReplayWorld, open_world
from holdfast.surfaces.cli.simulation_tables import print_search, print_simulation


@dataclass(frozen=True)
class SimulationRequest:
    """What a person asked for. Depths in percent; empty for the defaults."""

    past: PastRequest
    depths_percent: tuple[float, ...] = ()
    lengths: tuple[str, ...] = ()
    outages: int = 100
    seed: int = 0
    grace_seconds: float | None = None
    html: Path | None = None


@dataclass(frozen=True)
class TuneRequest:
    """What a person asked for."""

    past: PastRequest
    sets: int = 500
    outages: int = 240
    seed: int = 0
    incidents_file: Path | None = None
    significant_percent: float | None = None
    grace_seconds: float | None = None
    html: Path | None = None


def run_simulate(stream: TextIO, wanted: SimulationRequest, *, as_json: bool) -> None:
    """Simulate for each objective, print, and write the page where one is asked for."""
    check_page(wanted.html)
    check_grace(wanted.grace_seconds)
    plan = _plan(wanted)
    found: list[Simulation] = []
    world = open_world(wanted.past, slos_needed=True)
    with closing(world.source), Working() as working:
        for slo in world.slos:
            replay = _replay(world, slo, working)
            found += simulate(replay, plan, working.work(f"simulating {slo.name}"))
    console = replay_console(stream)
    for one in found:
        if as_json:
            print(one.model_dump_json(), file=stream)
        else:
            print_simulation(console, one)
    if wanted.html is not None:
        from holdfast.surfaces.replay_page.page import write_simulation_page

        write_simulation_page(wanted.html, found)
        _told(stream, wanted.html, as_json=as_json)


def run_tune(stream: TextIO, wanted: TuneRequest, *, as_json: bool) -> None:
    """Search for each objective, print, and write the page where one is asked for."""
    check_page(wanted.html)
    check_grace(wanted.grace_seconds)
    for option, value in (("--sets", wanted.sets), ("--outages", wanted.outages)):
        if value < 1:
            raise InputError(f"{option} {value}: at least one is needed")
    found: list[Search] = []
    world = open_world(wanted.past, slos_needed=True)
    with closing(world.source), Working() as working:
        for slo in world.slos:
            replay = _replay(world, slo, working)
            plan = SearchPlan(wanted.sets, wanted.outages, wanted.seed, wanted.grace_seconds)
            given = _given(wanted, slo, replay)
            found.append(search(replay, given, plan, working.work(f"searching {slo.name}")))
    console = replay_console(stream)
    for one in found:
        if as_json:
            print(one.model_dump_json(), file=stream)
        else:
            print_search(console, one)
    if wanted.html is not None:
        from holdfast.surfaces.replay_page.page import write_search_page

        write_search_page(wanted.html, found)
        _told(stream, wanted.html, as_json=as_json)


def _plan(wanted: SimulationRequest) -> Plan:
    try:
        lengths = tuple(seconds_of(text, "--length") for text in wanted.lengths)
    except ConfigError as error:
        raise InputError(error.message, hint=error.hint) from None
    return Plan(
        depths=tuple(percent / 100 for percent in wanted.depths_percent) or DEPTHS,
        lengths_seconds=lengths,
        outages_per_cell=wanted.outages,
        seed=wanted.seed,
        grace_seconds=wanted.grace_seconds,
    )


def _replay(world: ReplayWorld, slo: SLO, working: Working) -> Replay:
    past = read_past(world.source, slo, world.span(slo), working.steps(slo.name))
    return Replay(slo, past.history, world.start, world.source.name)


def _given(wanted: TuneRequest, slo: SLO, replay: Replay) -> IncidentsGiven:
    of_file = wanted.incidents_file is not None
    fraction = significant_fraction(wanted.significant_percent, of_file=of_file)
    if wanted.incidents_file is None:
        return replay.find_incidents(fraction)
    given = read_incidents(wanted.incidents_file)
    return incidents_for(slo, given, wanted.incidents_file, fraction)


def _told(stream: TextIO, page: Path, *, as_json: bool) -> None:
    if not as_json:
        print(f"page: {page}", file=stream)
