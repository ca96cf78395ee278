"""Faults injected from outside, for experiments: a file that says how slow each service is."""

from __future__ import annotations

from .live import LiveFile
from .settings import settings


class Faults:
    """What the file injects into one service, and into one version of it."""

    def __init__(self, path: str, service: str, version: str) -> None:
        self._files = (LiveFile(path, service), LiveFile(path, f"{service}@{version}"))

    def delay_seconds(self) -> float:
        """Return how long each request of this service is held back."""
        return sum(float(file.read().get("delay_seconds", 0.0)) for file in self._files)


faults = Faults(settings().faults_path, settings().service, settings().version)
