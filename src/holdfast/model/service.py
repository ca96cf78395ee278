"""A service, by OpenTelemetry's names."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from holdfast.model.base import Record

UNASSIGNED = "unassigned"
"""The owner of what nobody was named for. Holdfast invents no owner."""


class Signal(StrEnum):
    """What can be asked of a service's metrics. The value names the unit where there is one.

    A catalog maps each to a PromQL template with `$window` (a duration) and `$by` (labels to
    keep, for example `service_version`, or nothing).
    """

    REQUEST_RATE = "request_rate_per_second"
    SLOW_RATIO = "slow_ratio"
    ERROR_RATIO = "error_ratio"
    LATENCY_P50 = "latency_p50_seconds"
    LATENCY_P95 = "latency_p95_seconds"
    LATENCY_MEAN = "latency_mean_seconds"
    STATEMENTS_PER_REQUEST = "statements_per_request"
    DATABASE_STATEMENTS_PER_REQUEST = "database_statements_per_request"
    """As the database server counts them: it knows no versions, so `$by` is left empty."""
    SECONDS_PER_STATEMENT = "seconds_per_statement"
    CPU_SECONDS_PER_REQUEST = "cpu_seconds_per_request"
    POOL_UTILIZATION = "pool_utilization_fraction"
    MEMORY_BYTES = "memory_bytes"
    INFLIGHT_REQUESTS = "inflight_requests"


class LogSettings(Record):
    """Where a service's JSON-lines logs are, and which fields carry what."""

    paths: tuple[str, ...]
    """Globs, relative to the configuration file."""
    time_field: str = "time"
    trace_field: str = "trace_id"
    message_field: str = "message"
    level_field: str = "level"
    statement_field: str = "db.query.text"
    user_field: str = "user.id"
    duration_seconds_field: str = "duration_seconds"
    status_field: str = "http.response.status_code"
    version_field: str = "service.version"


class CodeSettings(Record):
    """How a service's repository is worked in. `tests` is argv, run at the repository's root.

    The tests run confined: no network beyond loopback, and of the environment only `variables`.
    """

    branch: str = "main"
    """What fixes are merged into."""
    tests: tuple[str, ...] = ()
    variables: dict[str, str] = Field(default_factory=dict[str, str])
    timeout_seconds: float = Field(default=300.0, gt=0)
    review_checklist: str = "REVIEW_CHECKLIST.md"
    """The file of the repository that reviewers go by; made where it is missing."""


class Service(Record):
    """One service of the catalog. `depends_on` are the services that it calls."""

    name: str
    namespace: str = ""
    environment: str = "production"
    criticality: Literal["critical", "high", "medium", "low"] = "medium"
    owner: str = UNASSIGNED
    depends_on: tuple[str, ...] = ()
    repository: str | None = None
    """Path of a git repository whose tags name the versions."""
    code: CodeSettings | None = None
    """None = no fix is written for it."""
    requests: tuple[str, ...] = ()
    """What a load test asks, each `WEIGHT METHOD PATH`; none = it cannot be load-tested.

    `{customer}` in a path is a whole number from 1 to 1000 drawn anew, `{page:1-20}` one of others.
    """
    version_label: str = "service_version"
    """The metric label that carries `service.version`."""
    signals: dict[Signal, str] = Field(default_factory=dict[Signal, str])
    logs: LogSettings | None = None
    deployer: str | None = None
    """The name of a deployer in the configuration; none means that Holdfast cannot deploy it."""
