"""One worker per data folder: a lock on a file, held for as long as the process lives.

Whoever finds it taken hands an incident over through the ledger instead: the worker takes up
what others opened.
"""

from __future__ import annotations

import fcntl
import time
from pathlib import Path
from typing import IO

from holdfast.errors import AnotherWorker

_FILE = "worker.lock"
_PATIENCE_SECONDS = 0.3
"""For those who only look whether it is held: they hold it themselves for a moment."""


def take_lock(folder: Path) -> IO[str]:
    """Become the folder's worker until the file is closed. Raises AnotherWorker."""
    lock = (folder / _FILE).open("w", encoding="utf-8")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _locked(lock):
        if time.monotonic() >= deadline:
            lock.close()
            raise AnotherWorker(
                f"another holdfast works on the incidents in {folder}",
                hint="one worker per data folder: `respond` and `approve` hand over to it; to "
                "watch from here, stop it first",
            )
        time.sleep(0.02)
    return lock


def is_worked_on(folder: Path) -> bool:
    """Whether a living process works on the folder's incidents."""
    path = folder / _FILE
    if not path.exists():
        return False
    with path.open(encoding="utf-8") as lock:
        return not _locked(lock)


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
