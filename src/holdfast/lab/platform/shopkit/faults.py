"""Faults injected from outside, for experiments: a file that says how slow each service is."""

from __future__ import annotations

from .live import LiveFile
from .settings import settings


class Faults:
    """What the file injects into one service."""

    def __init__(self, path: str, service: str) -> None:
        self._file = LiveFile(path, service)

    def delay_seconds(self) -> float:
        """Return how long each request of this service is held back."""
        return float(self._file.read().get("delay_seconds", 0.0))


faults = Faults(settings().faults_path, settings().service)
