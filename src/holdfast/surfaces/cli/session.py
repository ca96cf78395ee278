"""Runs Holdfast in a terminal: opens it, shows what happens, and sums up."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from holdfast.catalog.config import load_config
from holdfast.ledger.worker_lock import is_worked_on
from holdfast.surfaces.app import Holdfast
from holdfast.surfaces.cli.following import follow_worker, work_or_follow
from holdfast.surfaces.cli.interrupts import Interrupted, interruptible
from holdfast.surfaces.cli.sli import SliReader, sli_reader
from holdfast.surfaces.cli.views import View, conclude, open_view
from holdfast.surfaces.cli.watching import Held, level_of, watch_incidents

_POINTS = 60


def run_watch(config: Path, *, as_json: bool, until_finished: bool) -> int:
    """Watch until every incident is finished with, or until interrupted; return the exit code.

    To be interrupted is how a watch ends, unless it was to stay `until_finished`.
    """
    with interruptible(), Holdfast.open(config, durable=True) as holdfast:
        holdfast.begin()
        held = Held(holdfast)
        try:
            with showing(holdfast, as_json) as view:
                watch_incidents(held, view, until_finished=until_finished)
        except Interrupted:
            if until_finished:
                raise
    return 1 if held.failed else 0


def run_respond(config: Path, sentence: str, service: str, *, as_json: bool) -> None:
    """Open an incident, and stay until Holdfast is finished with it, here or elsewhere."""
    with (
        interruptible(),
        Holdfast.open(config, durable=True) as holdfast,
        showing(holdfast, as_json) as view,
    ):
        work_or_follow(holdfast, view, holdfast.report(sentence, service))


def run_approved(config: Path, incident_id: str, *, after: int) -> None:
    """Show what the worker makes of a person's word, until the incident is finished with."""
    if not is_worked_on(load_config(config).data_folder):
        print("nobody works on it now: `holdfast watch` goes on with it", file=sys.stderr)
        return
    with (
        interruptible(),
        Holdfast.open(config) as holdfast,
        showing(holdfast, as_json=False) as view,
    ):
        follow_worker(holdfast, view, incident_id, after=after)


@contextmanager
def showing(holdfast: Holdfast, as_json: bool) -> Generator[View]:
    """Show what the ledger is told while the block runs; sum up what was heard of at its end."""
    world = holdfast.world
    view = open_view(
        sys.stdout,
        as_json=as_json,
        autonomy=level_of(world.read_policy()),
        read_sli=_sli_reader(holdfast),
        history=holdfast.ledger.events,
    )
    holdfast.ledger.subscribe(view.on_event)
    try:
        with view:
            yield view
    except Interrupted:
        print("stopped; nothing is lost: `holdfast watch` goes on from here", file=sys.stderr)
        raise
    if not as_json:
        for chapter in view.story.chapters.values():
            conclude(sys.stdout, chapter.case, chapter.events)


def _sli_reader(holdfast: Holdfast) -> SliReader | None:
    config = holdfast.world.config
    if not config.slos:
        return None
    step = config.metrics.resolution_seconds
    windows = [tier.short_window_seconds for slo in config.slos for tier in slo.tiers]
    return sli_reader(
        holdfast.world.source,
        config.slos,
        now=holdfast.world.now,
        points=_POINTS,
        step_seconds=step,
        window_seconds=min(windows, default=5 * step),
    )
