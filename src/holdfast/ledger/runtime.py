"""The seam to a job engine: it runs `advance` until an incident is finished, and nothing else.

The ledger is the only durable state. Whoever runs `advance` may die at any point; the next one
folds the same events and goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Progress:
    """What one call of `advance` came to: finished, or to be called again after a wait."""

    finished: bool
    wait_seconds: float = 0.0


Advance = Callable[[str], Progress]
"""Takes an incident id, does what can be done now, and returns."""


class Runtime(Protocol):
    """Runs `advance` for incidents."""

    def hold(self, incident_id: str) -> None:
        """Keep advancing the incident until it is finished. Held already: does nothing."""
        ...

    def wait(self, incident_id: str, timeout_seconds: float) -> bool:
        """Wait for a held incident; return whether it finished. Raises what `advance` raised."""
        ...

    def close(self) -> None:
        """Stop advancing. Nothing is lost: the ledger holds what was done."""
        ...


class ThreadRuntime:
    """Runs each incident in a thread of this process. For tests and for single commands."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._stopping = threading.Event()
        self._held: dict[str, _Holder] = {}

    def hold(self, incident_id: str) -> None:
        """See `Runtime.hold`."""
        if incident_id not in self._held:
            holder = _Holder(self._advance, incident_id, self._stopping)
            self._held[incident_id] = holder
            holder.start()

    def wait(self, incident_id: str, timeout_seconds: float) -> bool:
        """See `Runtime.wait`."""
        holder = self._held[incident_id]
        holder.join(timeout_seconds)
        if holder.error is not None:
            raise holder.error
        return holder.finished

    def close(self) -> None:
        """See `Runtime.close`."""
        self._stopping.set()
        for holder in self._held.values():
            holder.join()


class _Holder(threading.Thread):
    def __init__(self, advance: Advance, incident_id: str, stopping: threading.Event) -> None:
        super().__init__(name=f"hold {incident_id}", daemon=True)
        self._advance = advance
        self._incident_id = incident_id
        self._stopping = stopping
        self.finished = False
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                progress = self._advance(self._incident_id)
                if progress.finished:
                    self.finished = True
                    return
                self._stopping.wait(progress.wait_seconds)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            self.error = error
