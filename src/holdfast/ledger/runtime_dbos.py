"""DBOS as the job engine: durable timers and a journal of who advanced what, on SQLite.

One worker per data folder, held by a lock on a file; so every workflow that another executor has
left behind is dead, and is cancelled before its incident is taken up again from the ledger
(design/002-durable-core.md).
"""

from __future__ import annotations

import logging
import sqlite3
import time
from pathlib import Path

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, WorkflowHandle

from holdfast.ledger.runtime import Advance
from holdfast.ledger.worker_lock import take_lock
from holdfast.model.ids import new_id

WORKFLOW_SCHEMA = "1"
"""Raised when the workflow below changes shape. DBOS would otherwise use a hash of the source."""

_TURNS_PER_WORKFLOW = 1000
_DONE = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


class DbosRuntime:
    """Runs `advance` as a DBOS workflow: step, durable sleep, step …"""

    def __init__(self, advance: Advance, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = take_lock(folder)
        self._executor = new_id("executor")
        self._handles: dict[str, WorkflowHandle[None]] = {}
        database = folder / "jobs.db"
        _use_wal(database)
        logging.getLogger("dbos").setLevel(logging.CRITICAL)  # `wait` raises what failed
        config: DBOSConfig = {
            "name": "holdfast",
            "system_database_url": f"sqlite:///{database}",
            "application_version": WORKFLOW_SCHEMA,
            "executor_id": self._executor,
            "log_level": "CRITICAL",
            "serializer": DBOSPortableJSONSerializer(),
        }
        DBOS(config=config)
        self._register(advance)
        DBOS.launch()
        self._cancel_left_behind()

    def _register(self, advance: Advance) -> None:
        @DBOS.step(name="advance")
        def step(incident_id: str) -> list[float]:
            progress = advance(incident_id)
            return [float(progress.finished), progress.wait_seconds]

        @DBOS.workflow(name="hold", max_recovery_attempts=5)
        def hold(incident_id: str) -> None:
            for _ in range(_TURNS_PER_WORKFLOW):
                finished, wait_seconds = step(incident_id)
                if finished:
                    return
                DBOS.sleep(wait_seconds)
            self._start(incident_id)  # goes on in a fresh journal: this one has grown long

        self._workflow = hold

    def _cancel_left_behind(self) -> None:
        for left in DBOS.list_workflows(status=["PENDING", "ENQUEUED"]):
            if left.executor_id != self._executor:
                DBOS.cancel_workflow(left.workflow_id)

    def hold(self, incident_id: str) -> None:
        """See `Runtime.hold`."""
        if incident_id not in self._handles:
            self._start(incident_id)

    def _start(self, incident_id: str) -> None:
        with SetWorkflowID(f"{incident_id}/{new_id('run')}"):
            self._handles[incident_id] = DBOS.start_workflow(self._workflow, incident_id)

    def wait(self, incident_id: str, timeout_seconds: float) -> bool:
        """See `Runtime.wait`."""
        until = time.monotonic() + timeout_seconds
        while True:
            handle = self._handles[incident_id]
            if handle.get_status().status in _DONE:
                handle.get_result()  # raises what `advance` raised
                if handle is self._handles[incident_id]:
                    return True
            if time.monotonic() >= until:
                return False
            time.sleep(min(0.2, max(0.0, until - time.monotonic())))

    def close(self) -> None:
        """See `Runtime.close`."""
        DBOS.destroy(destroy_registry=True)
        self._lock.close()


def _use_wal(database: Path) -> None:
    """Set once on the file; DBOS does not. It persists."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
