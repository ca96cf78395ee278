"""What a service is told by its environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Settings:
    """Read once at start."""

    service: str
    version: str
    database_path: str
    """The SQLite file, for a service that keeps data."""
    database_url: str
    """A database server, by SQLAlchemy's URL; "" = there is none, and the file is used."""
    faults_path: str
    """A JSON file, service → {"delay_seconds": …}; an absent file injects nothing."""
    flags_path: str
    """A JSON file, service → {"flag": "on"}; in an absent file every flag is off."""
    round_trip_seconds: float
    """The network between the service and its database, for each statement."""
    statement_metrics: bool
    statement_logs: bool
    statement_log_fraction: float
    """The share of traces whose statements are logged; a trace is logged whole or not at all."""
    cpu: int | None
    """The CPU that the process keeps to; None = wherever the kernel puts it."""
    threads: int
    pool_size: int

    @classmethod
    def from_environment(cls) -> Settings:
        """Read `SERVICE_*`, `LAB_*` and `DATABASE_*`."""
        return cls(
            service=os.environ.get("SERVICE_NAME", "unnamed"),
            version=os.environ.get("SERVICE_VERSION", "unversioned"),
            database_path=os.environ.get("DATABASE_PATH", ":memory:"),
            database_url=os.environ.get("DATABASE_URL", ""),
            faults_path=os.environ.get("LAB_FAULTS", ""),
            flags_path=os.environ.get("LAB_FLAGS", ""),
            round_trip_seconds=float(os.environ.get("LAB_ROUND_TRIP_SECONDS", "0")),
            statement_metrics=os.environ.get("LAB_STATEMENT_METRICS", "1") == "1",
            statement_logs=os.environ.get("LAB_STATEMENT_LOGS", "1") == "1",
            statement_log_fraction=float(os.environ.get("LAB_STATEMENT_LOG_FRACTION", "1")),
            cpu=int(cpu) if (cpu := os.environ.get("SERVICE_CPU")) else None,
            threads=int(os.environ.get("SERVICE_THREADS", "40")),
            pool_size=int(os.environ.get("DATABASE_POOL_SIZE", "40")),
        )


@cache
def settings() -> Settings:
    """Return this process's settings."""
    return Settings.from_environment()
