"""An incident that another process works on: shown live, by reading the ledger."""

from __future__ import annotations

import time

from holdfast import flow
from holdfast.errors import AnotherWorker, LedgerError
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Ledger
from holdfast.ledger.worker_lock import is_worked_on
from holdfast.surfaces.app import Holdfast
from holdfast.surfaces.cli.views import View

_LOOK_SECONDS = 0.25


class Follower:
    """Reads what is new of one incident, whoever appended it. `after`: what was shown before."""

    def __init__(self, ledger: Ledger, incident_id: str, view: View, *, after: int = 0) -> None:
        self._ledger = ledger
        self._incident_id = incident_id
        self._view = view
        self._after = after
        self._finished = False

    def look(self) -> bool:
        """Show what is new; return whether Holdfast is finished with the incident."""
        news = self._ledger.events(self._incident_id, after=self._after)
        for entry in news:
            self._view.on_event(entry)
            self._after = entry.sequence
        if news:
            self._finished = flow.is_finished(fold(self._ledger.events(self._incident_id)))
        return self._finished


def work_or_follow(holdfast: Holdfast, view: View, incident_id: str) -> None:
    """Hold an incident to its end here, or follow it where another process is the worker.

    Should that one leave before the incident is finished with, it is held here.
    """
    follower = Follower(holdfast.ledger, incident_id, view)
    handed_over = False
    while not _held(holdfast, incident_id):
        if not handed_over:
            view.say("worker", "handed over to the holdfast that works here; shown as it goes")
            handed_over = True
        if follower.look():
            return
        time.sleep(_LOOK_SECONDS)
    if handed_over:
        view.say("worker", "that one has left: held here from now on")
    while not holdfast.wait(incident_id, 2 * _LOOK_SECONDS):
        holdfast.take_up()  # what others hand over meanwhile


def follow_worker(holdfast: Holdfast, view: View, incident_id: str, *, after: int) -> None:
    """Follow an incident until it is finished with. Raises LedgerError where the worker leaves."""
    follower = Follower(holdfast.ledger, incident_id, view, after=after)
    folder = holdfast.world.config.data_folder
    while not follower.look():
        if not is_worked_on(folder) and not follower.look():
            raise LedgerError(
                f"the holdfast that worked on {incident_id} has left",
                hint="`holdfast watch` goes on from here",
            )
        time.sleep(_LOOK_SECONDS)


def _held(holdfast: Holdfast, incident_id: str) -> bool:
    try:
        holdfast.hold(incident_id)
    except AnotherWorker:
        return False
    return True
