"""The shape of `holdfast.yaml`: a user's world. Loading and checking it is catalog's work."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from holdfast.model.base import Record
from holdfast.model.service import Service
from holdfast.model.slo import SLO


class MetricsSettings(Record):
    """Where metrics are asked. Secrets are named by environment variable, never written here."""

    kind: Literal["prometheus", "recorder"] = "prometheus"
    url: str | None = None
    """For prometheus: the base URL, with a path prefix where there is one."""
    path: Path | None = None
    """For recorder: the folder of the embedded store."""
    token_env: str | None = None
    username: str | None = None
    password_env: str | None = None
    tenant: str | None = None
    """Sent as X-Scope-OrgID (Mimir, Cortex, Thanos)."""
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=10.0, gt=0)
    resolution_seconds: float = Field(default=15.0, gt=0)
    """The scrape interval: the finest step that makes sense."""


class DeployerSettings(Record):
    """How a version is put into production.

    `command`: argv templates; `{service}`, `{version}`, `{expect_version}`, `{idempotency_key}`,
    `{weights}` fill in one whole argument or part of one, never a shell string.
    `lab`: the laboratory's control address.
    """

    name: str
    kind: Literal["command", "lab"]
    url: str | None = None
    current: tuple[str, ...] = ()
    """Prints JSON: {"weights": {"v1": 100}, "in_progress": false}."""
    deploy: tuple[str, ...] = ()
    rollback: tuple[str, ...] = ()
    """Where given, used instead of `deploy` when going back to an earlier version."""
    weights: tuple[str, ...] = ()
    """Lets the versions of `{weights}` (`v1=90,v2=10`) run with these shares, and no others."""
    endpoints: tuple[str, ...] = ()
    """Prints JSON: {"v1": "http://10.0.0.7:8080"}, version → base URL of each that runs."""
    settings_current: tuple[str, ...] = ()
    """Prints the service's configuration and flags as JSON: {"POOL_SIZE": "20"}."""
    settings_set: tuple[str, ...] = ()
    """Sets `{key}` of `{service}` to `{value}` where `{expect_value}` is in force, else fails;
    ends when it is in force. `{idempotency_key}` may be given as well."""
    environment: tuple[str, ...] = ()
    """Names of environment variables that are passed on; all others are kept out."""


class ChangesSettings(Record):
    """Where changes are read: a file of CDEvents, a JSON line each, or a repository's tags."""

    kind: Literal["cdevents", "git_tags"]
    path: Path
    service: str | None = None
    """For git_tags: the service whose versions the tags are."""


class Config(Record):
    """One environment of one team."""

    version: Literal[1] = 1
    environment: str = "production"
    laboratory: bool = False
    """Says so in every report: the numbers are those of a laboratory."""
    data_folder: Path = Path(".holdfast")
    metrics: MetricsSettings
    services: tuple[Service, ...]
    slos: tuple[SLO, ...] = ()
    deployers: tuple[DeployerSettings, ...] = ()
    changes: tuple[ChangesSettings, ...] = ()
    policy: Path | None = None
    """None = observe everything, write nothing."""
    runbooks: tuple[Path, ...] = ()
    """Folders of runbooks, besides those that come with Holdfast."""
    evaluation_interval_seconds: float = Field(default=15.0, gt=0)
    """How often burn rates are evaluated by `watch`."""
    comparison_window_seconds: float = Field(default=600.0, gt=0)
    """How much healthy time before the onset comparisons use at most."""
    revenue_per_request: float | None = None
    currency: str | None = None
