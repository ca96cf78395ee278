"""A JSON file that is looked at while a service runs: faults and flags are told by one each."""

from __future__ import annotations

import json
import os
import time
from typing import Any

CHECK_EVERY_SECONDS = 0.1


class LiveFile:
    """Reads the file again when it changed, at most ten times a second; an absent one is empty."""

    def __init__(self, path: str, service: str) -> None:
        self._path, self._service = path, service
        self._checked_at, self._modified_ns = 0.0, -1
        self._found: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        """Return what the file says of this service."""
        now = time.monotonic()
        if self._path and now - self._checked_at >= CHECK_EVERY_SECONDS:
            self._checked_at = now
            self._refresh()
        return self._found

    def _refresh(self) -> None:
        try:
            modified_ns = os.stat(self._path).st_mtime_ns
            if modified_ns != self._modified_ns:
                with open(self._path, encoding="utf-8") as file:
                    self._found = json.load(file).get(self._service, {})
                self._modified_ns = modified_ns
        except FileNotFoundError:
            self._found, self._modified_ns = {}, -1
