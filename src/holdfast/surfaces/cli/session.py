"""Runs Holdfast in a terminal: opens it, shows what happens, and sums up."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from holdfast.engine.watching import Round
from holdfast.model.action import Autonomy
from holdfast.model.policy import Policy
from holdfast.surfaces.app import Holdfast
from holdfast.surfaces.cli.sli import SliReader, sli_reader
from holdfast.surfaces.cli.views import View, conclude, open_view

_POINTS = 60
_LEVELS = (Autonomy.OBSERVE, Autonomy.APPROVE, Autonomy.ACT)
_INTERRUPTED = 130


def run_watch(config: Path, *, as_json: bool, until_finished: bool) -> None:
    """Watch until interrupted, or until every incident is finished with."""
    with Holdfast.open(config, durable=True) as holdfast, showing(holdfast, as_json) as view:
        watch_incidents(holdfast, view, until_finished=until_finished)


def run_respond(config: Path, sentence: str, service: str, *, as_json: bool) -> None:
    """Open an incident, and stay until Holdfast is finished with it."""
    with Holdfast.open(config, durable=True) as holdfast, showing(holdfast, as_json):
        incident_id = holdfast.respond(sentence, service)
        while not holdfast.wait(incident_id, timeout_seconds=0.5):
            pass


def watch_incidents(
    holdfast: Holdfast,
    view: View,
    *,
    until_finished: bool,
    until: Callable[[], bool] = lambda: False,
) -> None:
    """Take up what is unfinished, and watch."""
    held = set(holdfast.resume())
    silent = SilenceNotes(view)

    def on_round(found: Round) -> None:
        held.update(found.opened)
        silent.note(found)

    def is_over() -> bool:
        finished = [holdfast.wait(incident, 0) for incident in held]  # raises what went wrong
        return until() or (until_finished and bool(finished) and all(finished))

    holdfast.watch(on_round=on_round, until=is_over)


class SilenceNotes:
    """Says when an objective cannot be read, and when it can again: silence is not health."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._silent: dict[str, str] = {}

    def note(self, found: Round) -> None:
        """Say what has changed since the last round."""
        silent = {
            f"{reading.slo} {reading.tier}": reading.detail or reading.state.replace("_", " ")
            for reading in found.readings
            if reading.state in ("no_data", "error")
        }
        for name in silent.keys() - self._silent.keys():
            self._view.say("no data", f"{name}: {silent[name]}")
        for name in self._silent.keys() - silent.keys():
            self._view.say("data", f"{name} can be read again")
        self._silent = silent


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
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with view:
            yield view
    except KeyboardInterrupt:
        print("stopped; nothing is lost: `holdfast watch` goes on from here", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    if not as_json:
        for chapter in view.story.chapters.values():
            conclude(sys.stdout, chapter.case, chapter.events)


def level_of(policy: Policy) -> str:
    """Return the most that a policy lets Holdfast do anywhere."""
    if policy.paused:
        return "paused"
    levels = (policy.default, *(rule.autonomy for rule in policy.rules))
    return max(levels, key=_LEVELS.index).value


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


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
