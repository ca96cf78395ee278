"""What the lab's supervisor is told and tells: the records of its files and its control port."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from holdfast.lab.topology import SERVICES
from holdfast.model.base import Record, UtcTime

USUAL_RATE_PER_SECOND = {"sqlite": 12.0, "postgresql": 9.0}
"""Leaves one CPU room for the bad release: it is slow, it does not collapse. With PostgreSQL a
request of it costs the service about a quarter more CPU."""


class LabOptions(Record):
    """How a lab is set up."""

    services: tuple[str, ...] = tuple(SERVICES)
    versions: dict[str, str] = Field(default_factory=dict[str, str])
    """First versions other than the usual ones."""
    rate_per_second: float | None = Field(default=None, ge=0)
    """None is the database's usual rate."""
    load: bool = True
    recorder: bool = True
    scrape_interval_seconds: float = Field(default=1.0, gt=0)
    life_seconds: float = Field(default=1800.0, gt=0)
    """The lab ends by itself after this time."""
    round_trip_seconds: float = Field(default=0.002, ge=0)
    statement_metrics: bool = True
    statement_logs: bool = True
    statement_log_fraction: float = Field(default=0.2, ge=0, le=1)
    database: Literal["auto", "sqlite", "postgresql"] = "sqlite"
    """`auto` is PostgreSQL where a server can be run here, else SQLite, which is the steadier."""
    threshold_seconds: float = Field(default=0.3, gt=0)
    """From when on the edge counts a request as slow."""
    timeout_seconds: float = Field(default=5.0, gt=0)
    """How long the edge lets a client wait."""
    prometheus_url: str | None = None
    """Named as the metrics source in holdfast.yaml, instead of the recorder."""
    fixes: bool = False
    """Whether the team lets fixes be written in its repositories."""
    data_folder: Path | None = None
    """Where Holdfast keeps its own data about the lab; None leaves the default."""


class LabDatabase(Record):
    """Where services keep their data, and why there."""

    kind: Literal["sqlite", "postgresql"] = "sqlite"
    reason: str = ""
    folder: Path | None = None
    """PostgreSQL's: its socket is here, for its own account and root."""
    metrics_url: str = ""
    """What the server counts of each statement."""


class DatabaseServes(Record):
    """What the database's process prints once the server answers."""

    version: str
    folder: Path
    metrics_port: int


class LabFile(Record):
    """`lab.json`: where a lab is, or why it is not."""

    status: Literal["starting", "ready", "failed", "ended"]
    pid: int
    started_at: UtcTime
    ends_at: UtcTime
    options: LabOptions
    control_url: str = ""
    edge_urls: dict[str, str] = Field(default_factory=dict[str, str])
    """Where clients reach each service."""
    edge_admin_url: str = ""
    load_url: str = ""
    database: LabDatabase = LabDatabase()
    reason: str = ""
    """Why it failed or ended."""


class DeployRequest(Record):
    """Give all traffic to `version` in steps, if `expect_version` serves now."""

    service: str
    version: str
    expect_version: str
    idempotency_key: str = Field(min_length=1)
    steps: tuple[float, ...] = (100,)
    """Weights of the new version in percent, ascending, the last 100."""
    step_seconds: float = Field(default=0.0, ge=0)
    actor: str = ""

    @model_validator(mode="after")
    def _ends_at_all(self) -> DeployRequest:
        ascending = tuple(sorted(set(self.steps)))
        if self.steps != ascending or self.steps[-1:] != (100,) or self.steps[0] <= 0:
            raise ValueError(f"steps {self.steps} must ascend from above 0 to 100")
        return self


class Deployment(Record):
    """One deployment, under way or over. `from_version` is None for a service's first one."""

    id: str
    service: str
    from_version: str | None
    to_version: str
    actor: str
    idempotency_key: str
    status: Literal["in_progress", "succeeded", "failed", "cancelled"]
    started_at: UtcTime
    full_weight_at: UtcTime | None = None
    """When the last weight was moved: all traffic goes to the version from here on."""
    finished_at: UtcTime | None = None
    error: str = ""


class WeightsRequest(Record):
    """These versions run with these shares of the traffic, in percent, and no others."""

    service: str
    weights: dict[str, float]
    actor: str = ""


class SettingRequest(Record):
    """Set a configuration or a flag of a service, if `expect_value` is in force (None = any)."""

    service: str
    key: str
    value: str
    expect_value: str | None = None
    idempotency_key: str = Field(min_length=1)
    actor: str = ""


class SettingChange(Record):
    """One change of a setting, under way or over."""

    id: str
    service: str
    kind: Literal["config", "flag"]
    setting: str
    from_value: str
    to_value: str
    actor: str
    idempotency_key: str
    status: Literal["in_progress", "succeeded", "failed"] = "in_progress"
    started_at: UtcTime
    finished_at: UtcTime | None = None
    error: str = ""


class LoadRequest(Record):
    """The rate that clients ask at."""

    rate_per_second: float = Field(ge=0)


class FaultRequest(Record):
    """Faults of the production and of its deployer. What is not named stays as it is; 0 ends it."""

    service: str | None = None
    delay_seconds: float | None = Field(default=None, ge=0)
    """Each request of `service` is held back so long."""
    version: str | None = None
    """Only those of this version; None = whatever the version."""
    deploy_hangs_seconds: float | None = Field(default=None, ge=0)
    deploy_hangs_at: Literal["start", "end"] = "start"
    """Before anything is done, or after all is done but the answer."""
    deploy_fails: bool | None = None
    """Deployments are answered as failed, and nothing is done."""

    @model_validator(mode="after")
    def _service_with_delay(self) -> FaultRequest:
        if (self.service is None) != (self.delay_seconds is None):
            raise ValueError("service and delay_seconds belong together")
        if self.version is not None and self.service is None:
            raise ValueError("a version is that of a service")
        return self


class ProcessState(Record):
    """One process that the supervisor started. `exit_code` is None while it runs."""

    name: str
    pid: int
    exit_code: int | None = None
    asked_to_stop: bool = False


class ServiceState(Record):
    """What serves one service's traffic."""

    weights: dict[str, float]
    """Version → percent; versions that run without traffic have 0."""
    in_progress: bool
    urls: dict[str, str]
    """Version → the address of its process."""


class LabState(Record):
    """`GET /state`."""

    lab: LabFile
    services: dict[str, ServiceState]
    processes: tuple[ProcessState, ...]
    delays_seconds: dict[str, float] = Field(default_factory=dict[str, float])
    settings: dict[str, dict[str, str]] = Field(default_factory=dict[str, dict[str, str]])
    """Service → key → value of the configuration and flags that are in force."""


class Refusal(Record):
    """The body of every answer that is no success."""

    error: str
    deployment: Deployment | None = None


class LabFolder:
    """Where things are in a lab's folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.state = self.root / "lab.json"
        self.lock = self.root / "lab.lock"
        self.logs = self.root / "logs"
        self.repositories = self.root / "repositories"
        self.versions = self.root / "versions"
        self.data = self.root / "data"
        self.metrics = self.root / "metrics"
        self.targets = self.root / "targets.json"
        self.faults = self.root / "faults.json"
        self.flags = self.root / "flags.json"
        self.runbooks = self.root / "runbooks"
        self.deployments = self.root / "deployments.jsonl"
        self.access_log = self.logs / "edge.access.jsonl"
        self.config = self.root / "holdfast.yaml"
        self.policy = self.root / "policy.yaml"
        self.observe_policy = self.root / "policy-observe.yaml"
