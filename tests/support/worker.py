"""A worker of its own, to be killed: `python -m support.worker CONFIG [--freeze-at STEP]`.

Waits for a line on its standard input, then opens Holdfast durably, takes up every incident that
is not finished with (or watches until one opens), and holds it to its end. Prints a JSON line for
each event that it appends. At the event named by `--freeze-at`, once that is durable, it stands
still and does nothing more: there it is killed.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from holdfast.ledger.runtime_dbos import DbosRuntime
from holdfast.model.event import Claimed, Event, Performed
from holdfast.surfaces.app import Holdfast

TESTS = Path(__file__).parents[1]


class Line(TypedDict):
    """What a worker prints: an event of the ledger, or `ready` / `finished`."""

    said: str
    sequence: int


def name_of(event: Event) -> str:
    """Return the event's kind, with the part where it has one: `claimed:undo`."""
    match event.payload:
        case Claimed(part=part):
            return f"claimed:{part}"
        case Performed(performance=performance):
            return f"performed:{performance.part}"
        case payload:
            return payload.kind


def main() -> None:
    """Be a worker."""
    parser = argparse.ArgumentParser("worker", description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--freeze-at", default="")
    parser.add_argument("--watch-seconds", type=float, default=60.0)
    given = parser.parse_args()
    assert DbosRuntime  # imported beforehand: it takes over a second
    _say("ready")
    sys.stdin.readline()
    with Holdfast.open(given.config, durable=True) as holdfast:
        holdfast.ledger.subscribe(lambda event: _told(event, given.freeze_at))
        held = holdfast.resume() or _watch(holdfast, given.watch_seconds)
        while not all(holdfast.wait(incident, 0.5) for incident in held):
            pass
    _say("finished")


def _watch(holdfast: Holdfast, watch_seconds: float) -> tuple[str, ...]:
    opened: list[str] = []
    ends_at = time.monotonic() + watch_seconds
    holdfast.watch(
        on_round=lambda found: opened.extend(found.opened),
        until=lambda: bool(opened) or time.monotonic() > ends_at,
    )
    return tuple(opened)


def _told(event: Event, freeze_at: str) -> None:
    _say(name_of(event), event.sequence)
    if name_of(event) == freeze_at:
        threading.Event().wait()


def _say(said: str, sequence: int = 0) -> None:
    line: Line = {"said": said, "sequence": sequence}
    print(json.dumps(line), flush=True)


def _import_path() -> str:
    return os.pathsep.join(part for part in (str(TESTS), os.environ.get("PYTHONPATH", "")) if part)


class Worker:
    """A worker's process, seen from a test."""

    def __init__(self, config_path: Path, freeze_at: str) -> None:
        argv = [sys.executable, "-m", "support.worker", str(config_path)]
        argv += ["--freeze-at", freeze_at]
        self._process = subprocess.Popen(
            argv,
            env={**os.environ, "PYTHONPATH": _import_path()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[Line | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.said: list[str] = []

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def until(self, wanted: str, timeout_seconds: float = 20.0) -> None:
        """Wait until it has said that."""
        deadline = time.monotonic() + timeout_seconds
        while not self.said or self.said[-1] != wanted:
            line = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            assert line is not None, f"the worker ended before {wanted}: {self.said[-5:]}"
            self.said.append(line["said"])

    def kill(self) -> None:
        """End it at once: SIGKILL."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it where it still runs, and let go of its pipes."""
        self.kill()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


@contextmanager
def standing_by(config_path: Path, *freeze_at: str) -> Iterator[list[Worker]]:
    """Start a worker for each `freeze_at` ('' = none). They begin at `go`, one at a time."""
    workers = [Worker(config_path, step) for step in freeze_at]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.close()


if __name__ == "__main__":
    main()
