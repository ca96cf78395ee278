"""Faults injected from outside, for experiments: a file that says how slow each service is."""

from __future__ import annotations

import json
import os
import time

from .settings import settings

_CHECK_EVERY_SECONDS = 0.1


class Faults:
    """Reads the file again when it changed, at most ten times a second."""

    def __init__(self, path: str, service: str) -> None:
        self._path, self._service = path, service
        self._checked_at, self._modified_ns, self._delay_seconds = 0.0, -1, 0.0

    def delay_seconds(self) -> float:
        """Return how long each request of this service is held back."""
        now = time.monotonic()
        if self._path and now - self._checked_at >= _CHECK_EVERY_SECONDS:
            self._checked_at = now
            self._refresh()
        return self._delay_seconds

    def _refresh(self) -> None:
        try:
            modified_ns = os.stat(self._path).st_mtime_ns
            if modified_ns != self._modified_ns:
                with open(self._path, encoding="utf-8") as file:
                    found = json.load(file)
                self._delay_seconds = float(found.get(self._service, {}).get("delay_seconds", 0.0))
                self._modified_ns = modified_ns
        except FileNotFoundError:
            self._delay_seconds, self._modified_ns = 0.0, -1


faults = Faults(settings().faults_path, settings().service)
