"""Replays alerts over the past and prints what they are worth."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from holdfast.errors import InputError
from holdfast.model.replay import Backtest, PastIncident, ReplaySpan
from holdfast.model.slo import SLO
from holdfast.slo.replay.backtest import (
    SIGNIFICANT_FOUND,
    Fired,
    IncidentsGiven,
    Replay,
    score_set,
    significance,
)
from holdfast.slo.replay.incident_file import read_incidents
from holdfast.slo.replay.reading import read_past
from holdfast.slo.replay.rule_groups import RuleFile, read_rule_file
from holdfast.slo.replay.rule_replay import of_slo, replay_file
from holdfast.slo.replay.score import Matching
from holdfast.surfaces.cli.replay_progress import Working
from holdfast.surfaces.cli.replay_tables import print_backtest, replay_console
from holdfast.surfaces.cli.replay_world import PastRequest, ReplayWorld, open_world


@dataclass(frozen=True)
class BacktestRequest:
    """What a person asked for. `significant_percent`: None for the default of either origin."""

    past: PastRequest
    rule_files: tuple[Path, ...] = ()
    incidents_file: Path | None = None
    significant_percent: float | None = None
    grace_seconds: float | None = None
    html: Path | None = None


@dataclass(frozen=True)
class Replayed:
    """A backtest, and the past that it was made on where an objective has one."""

    backtest: Backtest
    replay: Replay | None = None


def run_backtest(stream: TextIO, wanted: BacktestRequest, *, as_json: bool) -> None:
    """Replay, print, and write the page where one is asked for."""
    check_page(wanted.html)
    files = tuple(read_rule_file(path) for path in wanted.rule_files)
    given = read_incidents(wanted.incidents_file) if wanted.incidents_file else None
    check_grace(wanted.grace_seconds)
    significant_fraction(wanted.significant_percent, of_file=False)
    slos_needed = given is None or not files or bool(wanted.past.slo_names)
    world = open_world(wanted.past, slos_needed=slos_needed)
    with closing(world.source), Working() as working:
        found = _replay_all(world, wanted, files, given, working)
    if as_json:
        for one in found:
            print(one.backtest.model_dump_json(), file=stream)
    else:
        console = replay_console(stream)
        for one in found:
            print_backtest(console, one.backtest)
    if wanted.html is not None:
        from holdfast.surfaces.replay_page.page import write_backtest_page

        write_backtest_page(wanted.html, [(one.backtest, one.replay) for one in found])
        if not as_json:
            print(f"page: {wanted.html}", file=stream)


def check_page(path: Path | None) -> None:
    """Refuse a page that could not be written, before the long work."""
    if path is not None and not path.absolute().parent.is_dir():
        raise InputError(f"--html {path}: there is no folder {path.absolute().parent}")


def significant_fraction(percent: float | None, *, of_file: bool) -> float:
    """Return from what part of the budget an incident counts."""
    if percent is None:
        return 0.0 if of_file else SIGNIFICANT_FOUND
    if not 0 <= percent <= 1000:
        raise InputError(f"--significant {percent:g}: it is a percentage of the budget")
    return percent / 100


def incidents_for(
    slo: SLO, given: Sequence[PastIncident], file: Path, fraction: float
) -> IncidentsGiven:
    """Return those of a file that name this objective and its service, or none."""
    mine = tuple(
        one for one in given if one.slo in ("", slo.name) and one.service in ("", slo.service)
    )
    return IncidentsGiven(mine, f"from the file {file}", fraction)


def check_grace(seconds: float | None) -> None:
    """Refuse a grace that makes no sense."""
    if seconds is not None and not 0 <= seconds < float("inf"):
        raise InputError(f"--grace {seconds:g}: it must not be negative")


def _replay_all(
    world: ReplayWorld,
    wanted: BacktestRequest,
    files: Sequence[RuleFile],
    given: tuple[PastIncident, ...] | None,
    working: Working,
) -> list[Replayed]:
    span = world.span(world.slos[0] if world.slos else None)
    replayed = [replay_file(world.source, file, span, working.rules(file.name)) for file in files]
    if not world.slos:
        assert given is not None  # else objectives are needed
        return [_without_slo(world, wanted, replayed, given)]
    return [_one(world, slo, wanted, replayed, given, working) for slo in world.slos]


def _one(
    world: ReplayWorld,
    slo: SLO,
    wanted: BacktestRequest,
    replayed: Sequence[Fired],
    given: tuple[PastIncident, ...] | None,
    working: Working,
) -> Replayed:
    past = read_past(world.source, slo, world.span(slo), working.steps(slo.name))
    replay = Replay(slo, past.history, world.start, world.source.name)
    fraction = significant_fraction(wanted.significant_percent, of_file=given is not None)
    if given is None or wanted.incidents_file is None:
        incidents = replay.find_incidents(fraction)
    else:
        incidents = incidents_for(slo, given, wanted.incidents_file, fraction)
    sets = [replay.tiers()] if slo.tiers else []
    sets += (of_slo(fired, slo) for fired in replayed)
    if not sets:
        raise InputError(f"{slo.name} has no tiers", hint="write tiers, or give --rules FILE")
    matching = Matching.of(slo, wanted.grace_seconds)
    result = replay.backtest(incidents, sets, matching)
    notes = (past.note,) if past.note else ()
    return Replayed(result.model_copy(update={"notes": notes}), replay)


def _without_slo(
    world: ReplayWorld,
    wanted: BacktestRequest,
    replayed: Sequence[Fired],
    given: tuple[PastIncident, ...],
) -> Replayed:
    """Rules against incidents alone: nothing can be said of budgets."""
    span = ReplaySpan(
        start=datetime.fromtimestamp(world.start, UTC),
        end=datetime.fromtimestamp(world.end, UTC),
        step_seconds=world.span(None).step_seconds,
    )
    inside = tuple(one for one in given if one.end > span.start and one.start < span.end)
    grace = Matching.grace_seconds if wanted.grace_seconds is None else wanted.grace_seconds
    matching = Matching(grace_seconds=grace)
    return Replayed(
        Backtest(
            slo="",
            source=world.source.name,
            span=span,
            incidents_from=f"from the file {wanted.incidents_file}",
            significant_is=significance(0),
            incidents=inside,
            rule_sets=tuple(score_set(one, inside, span, matching) for one in replayed),
        )
    )
