"""Designs services and prints what came of it: a table of SLOs, and a summary."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import TextIO

from rich.console import Console

from holdfast.catalog.config import load_config
from holdfast.catalog.search import Search, service_names
from holdfast.errors import EvidenceError, HoldfastError, InputError
from holdfast.evidence.recorded import RecorderSource
from holdfast.evidence.source import MetricsSource
from holdfast.integrations.sources import open_source
from holdfast.model.base import utc_now
from holdfast.model.config import Config, MetricsSettings
from holdfast.model.requirements import Requirements
from holdfast.slo.design.counting import CountingSource
from holdfast.slo.design.design import (
    DAY_SECONDS,
    Progress,
    design_service,
    make_wish,
    usual_terms,
)
from holdfast.slo.design.files import FILES, RULE_TESTS_FILE, design_files
from holdfast.slo.design.folder import check_output, write_folder
from holdfast.slo.design.objective import Wish
from holdfast.slo.design.records import Architecture
from holdfast.slo.design.requirements_file import load_requirements
from holdfast.slo.design.rule_test_file import LEFT_OUT
from holdfast.slo.files.promtool import PromtoolResult
from holdfast.surfaces.cli.design_rows import json_lines, print_design, print_many
from holdfast.surfaces.cli.progress import progress_on

_SERVICES_WORTH_PROCESSES = 8
"""With fewer, the files are written sooner than processes have started."""
_PIPE_WIDTH = 160
_TIMEOUT_SECONDS = 60.0
"""A month of history takes a server longer than an alert's window."""


@dataclass(frozen=True)
class DesignRequest:
    """What the command line asks for."""

    services: tuple[str, ...]
    config: Path
    every: bool = False
    prometheus: str = ""
    recording: Path | None = None
    requirements: Path | None = None
    days: float = 30.0
    period_days: float | None = None
    at: str = ""
    output: Path | None = None
    force: bool = False


@dataclass(frozen=True)
class Written:
    """A design, and where it stands."""

    design: Architecture
    folder: Path
    checked: tuple[PromtoolResult, ...]
    untested: tuple[str, ...]
    """Why alerts of an objective have no tests, a sentence each."""


@dataclass(frozen=True)
class Failed:
    """A service for which nothing was written, and why."""

    service: str
    error: HoldfastError


def run_design(stream: TextIO, wanted: DesignRequest, *, as_json: bool) -> int:
    """Design and write; return 1 where one of several services could not be designed.

    Raises what a design raises where there is one service.
    """
    _check(wanted)
    config = None if wanted.prometheus or wanted.recording else load_config(wanted.config)
    metrics = config.metrics if config else _metrics(wanted)
    with closing(open_source(metrics)) as source, progress_on(sys.stderr) as progress:
        done = list(_designed(source, wanted, config, progress))
    if as_json:
        for one in done:
            for line in json_lines(one.design, one.folder) if isinstance(one, Written) else ():
                print(line, file=stream)
    else:
        _print(stream, done)
    failed = [one for one in done if isinstance(one, Failed)]
    for one in failed:
        print(f"holdfast: {one.service}: {one.error}", file=sys.stderr)
    return 1 if failed else 0


def _print(stream: TextIO, done: Sequence[Written | Failed]) -> None:
    console = Console(file=stream, highlight=False, width=None if stream.isatty() else _PIPE_WIDTH)
    written = [one for one in done if isinstance(one, Written)]
    if len(done) == 1:
        for one in written:
            print_design(console, one.design, one.folder, one.checked, one.untested)
    else:
        print_many(console, [(one.design, one.folder) for one in written], len(done))


# ---- what is asked for -----------------------------------------------------------------------


def _check(wanted: DesignRequest) -> None:
    """Refuse what cannot be used before anything is asked."""
    if bool(wanted.services) == wanted.every:
        raise InputError("which service is designed: SERVICE or --all", hint="give one of the two")
    if wanted.prometheus and wanted.recording:
        raise InputError("--prometheus and --recording are both given", hint="give one")
    if wanted.requirements and (wanted.every or len(wanted.services) > 1):
        raise InputError(
            "--requirements are of one service", hint="design services with requirements singly"
        )
    if wanted.output and not _several(wanted):
        check_output(wanted.output, FILES, force=wanted.force)


def _several(wanted: DesignRequest) -> bool:
    return wanted.every or len(wanted.services) > 1


def _metrics(wanted: DesignRequest) -> MetricsSettings:
    if wanted.recording is not None:
        return MetricsSettings(kind="recorder", path=wanted.recording)
    return MetricsSettings(url=wanted.prometheus, timeout_seconds=_TIMEOUT_SECONDS)


def _at(wanted: DesignRequest, source: MetricsSource) -> float:
    """The time as of which is designed: a recording that has ended is as of its end."""
    if wanted.at:
        try:
            found = datetime.fromisoformat(wanted.at)
        except ValueError:
            raise InputError(
                f"--at: {wanted.at!r} is no time", hint="write 2026-01-31T12:00:00Z"
            ) from None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    now = time.time()
    newest = source.newest_scrape(now) if isinstance(source, RecorderSource) else None
    return now if newest is None else newest


def _wish_for(wanted: DesignRequest, service: str, config: Config | None) -> Wish:
    given = (
        load_requirements(wanted.requirements, service) if wanted.requirements else Requirements()
    )
    if config is not None and given.owner == "unassigned":
        owners = {known.name: known.owner for known in config.services}
        given = given.model_copy(update={"owner": owners.get(service, given.owner)})
    if wanted.period_days is not None:
        return make_wish(given, wanted.days, wanted.period_days * DAY_SECONDS)
    usual = usual_terms(config.slos if config else (), service)
    return make_wish(given, wanted.days, usual.period_seconds, usual.period_note, usual.tiers)


# ---- the work --------------------------------------------------------------------------------


def _designed(
    source: MetricsSource, wanted: DesignRequest, config: Config | None, progress: Progress
) -> Iterator[Written | Failed]:
    """Design one service after the other; files are written and checked meanwhile."""
    asked = CountingSource(source)
    search = Search(asked, _at(wanted, source))
    names = service_names(search) if wanted.every else wanted.services
    if not names:
        raise InputError(f"{source.name} has no request metric of a known name")
    designs = _designs(asked, search, names, wanted, config, progress)
    if len(names) < _SERVICES_WORTH_PROCESSES:
        yield from (_finished(one, wanted) for one in designs)
        return
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as writers:
        writes = [writers.submit(_finished, one, wanted) for one in designs]
        for place, write in enumerate(writes, start=1):
            progress(f"{place}/{len(writes)}: the files are written and checked")
            yield write.result()


def _finished(one: Architecture | Failed, wanted: DesignRequest) -> Written | Failed:
    return one if isinstance(one, Failed) else _written(one, wanted)


def _designs(
    asked: CountingSource,
    search: Search,
    names: Sequence[str],
    wanted: DesignRequest,
    config: Config | None,
    progress: Progress,
) -> Iterator[Architecture | Failed]:
    for place, service in enumerate(names, start=1):
        told = f"{place}/{len(names)} {service}: " if len(names) > 1 else f"{service}: "

        def tell(what: str, told: str = told) -> None:
            progress(told + what)

        try:
            check_output(_folder(wanted, service), FILES, force=wanted.force)
            yield design_service(asked, search, service, _wish_for(wanted, service, config), tell)
        except (InputError, EvidenceError) as error:
            if len(names) == 1:
                raise
            yield Failed(service, error)


def _written(design: Architecture, wanted: DesignRequest) -> Written | Failed:
    folder = _folder(wanted, design.service)
    several = _several(wanted)
    try:
        files = design_files(design, utc_now().date())
        checked = write_folder(files, folder, force=wanted.force, run_tests=not several)
    except (InputError, EvidenceError) as error:
        if not several:
            raise
        return Failed(design.service, error)
    tests = files[RULE_TESTS_FILE].splitlines()
    untested = (line.removeprefix(LEFT_OUT) for line in tests if line.startswith(LEFT_OUT))
    return Written(design, folder, checked, tuple(untested))


def _folder(wanted: DesignRequest, service: str) -> Path:
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in service).lstrip(".")
    if wanted.output is None:
        return Path(f"slo-{safe}")
    if not _several(wanted):
        return wanted.output
    wanted.output.mkdir(parents=True, exist_ok=True)
    return wanted.output / safe
