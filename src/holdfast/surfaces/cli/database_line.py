"""What the laboratory's database is, why, and what it counts of the services' requests."""

from __future__ import annotations

import time
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.lab.records import LabDatabase

_WINDOW_SECONDS = 15.0


class DatabaseKind(StrEnum):
    """What a laboratory may be started with."""

    AUTO = "auto"
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


def database_line(database: LabDatabase, config: Path | None = None) -> str:
    """Return it in a line; with the laboratory's configuration, with what is counted just now."""
    if database.kind == "sqlite":
        return f"SQLite ({database.reason})"
    counted = _counted(config) if config else ()
    return ", ".join((database.reason, *counted))


def _counted(config_path: Path) -> tuple[str, ...]:
    """Return each service's statements per request, by the server's count."""
    from holdfast.catalog.config import load_config
    from holdfast.catalog.template import fill
    from holdfast.integrations.sources import open_source
    from holdfast.model.service import Signal

    config = load_config(config_path)
    with closing(open_source(config.metrics)) as source:
        return tuple(
            f"which counts {sample.value:.3g} statements for a request of {service.name}"
            for service in config.services
            if (template := service.signals.get(Signal.DATABASE_STATEMENTS_PER_REQUEST))
            for sample in source.query(fill(template, _WINDOW_SECONDS), time.time()).samples
        )
