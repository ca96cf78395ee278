"""Feature flags: switched while the service runs, without a release."""

from __future__ import annotations

from .live import LiveFile
from .settings import settings

_file = LiveFile(settings().flags_path, settings().service)


def flag(name: str) -> bool:
    """Return whether a flag of this service is on; one that nobody has set is off."""
    return _file.read().get(name) == "on"
