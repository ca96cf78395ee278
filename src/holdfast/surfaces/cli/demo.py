"""The demonstration: a laboratory, a bad release, and Holdfast, which acts and proves it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from holdfast.errors import DeployerFailed, HoldfastError, NotFound
from holdfast.lab import control
from holdfast.lab.control import LabHandle
from holdfast.lab.records import LabOptions
from holdfast.lab.repositories import releases
from holdfast.lab.topology import chosen
from holdfast.model.incident import IncidentOutcome, Status
from holdfast.surfaces.app import Holdfast
from holdfast.surfaces.cli.database_line import database_line
from holdfast.surfaces.cli.interrupts import interruptible
from holdfast.surfaces.cli.session import showing
from holdfast.surfaces.cli.verifying import run_verify
from holdfast.surfaces.cli.views import View
from holdfast.surfaces.cli.watching import Held, watch_incidents

_PATIENCE_SECONDS = 480.0
_WARM_UP_SECONDS = 15.0
"""What has just been started is slow at first; that is not the incident to be shown."""


@dataclass(frozen=True)
class Demo:
    """What is shown, and where."""

    folder: Path
    service: str
    version: str
    healthy_seconds: float
    database: Literal["auto", "sqlite", "postgresql"] = "auto"
    keep: bool = False


def run_demo(plan: Demo, *, as_json: bool) -> bool:
    """Show it; return whether the incident was closed as fixed, and its post-mortem verifies."""
    _check(plan)
    with interruptible(), _laboratory(plan) as handle:
        with Holdfast.open(handle.config_path, durable=True) as holdfast:
            with showing(holdfast, as_json) as view:
                _play(plan, handle, holdfast, view)
            chapters = list(view.story.chapters.values())
        paths = [c.case.postmortem.markdown_path for c in chapters if c.case.postmortem]
        verified = [run_verify(Path(path), None, as_json=as_json) == 0 for path in paths]
    if not as_json:
        print(f"look again: holdfast --config {handle.config_path} show")
    closed = [c.case.status is Status.CLOSED for c in chapters]
    fixed = any(c.case.outcome is IncidentOutcome.FIXED for c in chapters)
    return fixed and all(closed) and bool(verified) and all(verified)


def _check(plan: Demo) -> None:
    """Refuse a release that the laboratory does not have, before anything is started."""
    chosen((plan.service,))
    known = [release.tag for release in releases(plan.service)]
    if plan.version not in known:
        raise NotFound(
            f"{plan.service} has no version {plan.version}", hint=f"known: {', '.join(known)}"
        )


@contextmanager
def _laboratory(plan: Demo) -> Generator[LabHandle]:
    handle = control.up(plan.folder, options=LabOptions(fixes=True, database=plan.database))
    try:
        yield handle
    finally:
        if not plan.keep:
            handle.down()


def _play(plan: Demo, handle: LabHandle, holdfast: Holdfast, view: View) -> None:
    """Watch healthy traffic, release, and watch until the incident is over."""
    view.say("laboratory", f"clients ask {handle.entry_url}; Holdfast may act here, and only here")
    view.say("laboratory", f"its database is {database_line(handle.lab.database)}")
    view.expect("the laboratory warms up", _WARM_UP_SECONDS)
    time.sleep(_WARM_UP_SECONDS)
    view.expect("healthy traffic, to compare with", plan.healthy_seconds)
    healthy_until = time.monotonic() + plan.healthy_seconds
    holdfast.watch(until=lambda: time.monotonic() >= healthy_until)
    release = _Release(plan, handle, view)
    release.start()
    view.expect("the error budget", None)
    watch_incidents(Held(holdfast), view, until_finished=True, until=_patience(release))
    release.finish()


def _patience(release: _Release) -> Callable[[], bool]:
    deadline = time.monotonic() + _PATIENCE_SECONDS

    def is_over() -> bool:
        if release.error is not None:
            raise release.error
        if time.monotonic() >= deadline:
            raise DeployerFailed(
                f"nothing was closed within {_PATIENCE_SECONDS:g} s of the release",
                hint="`holdfast show` tells how far it came",
            )
        return False

    return is_over


class _Release:
    """The release train, in a thread of its own: it knows nothing of Holdfast."""

    def __init__(self, plan: Demo, handle: LabHandle, view: View) -> None:
        self._plan, self._handle, self._view = plan, handle, view
        self._thread = threading.Thread(target=self._run, name="release train", daemon=True)
        self.error: HoldfastError | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def finish(self) -> None:
        """Wait until it is over."""
        self._thread.join()

    def _run(self) -> None:
        plan = self._plan
        self._view.say("laboratory", f"the release train begins: {plan.service} {plan.version}")
        try:
            released = self._handle.release(plan.service, plan.version)
        except HoldfastError as error:
            self.error = error
        else:
            self._view.say("laboratory", f"{plan.service} {plan.version}: {released.status}")
