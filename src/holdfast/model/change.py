"""A change to production, in the shape of CDEvents."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from holdfast.model.base import Record, UtcTime


class ChangeType(StrEnum):
    """The kinds that a reasoner tells apart."""

    DEPLOYMENT = "deployment"
    CONFIG = "config"
    FLAG = "flag"
    INFRASTRUCTURE = "infrastructure"
    TRAFFIC = "traffic"


class Change(Record):
    """One change. For a deployment: `from_version` → `to_version` of `service`."""

    id: str
    type: ChangeType
    service: str
    at: UtcTime
    """When it began to take effect."""
    finished_at: UtcTime | None = None
    predicate: Literal["deployed", "upgraded", "rolledback", "removed", "changed"] = "upgraded"
    from_version: str | None = None
    to_version: str | None = None
    setting: str = ""
    """For a change of configuration or of a flag: its key; `from_value` → `to_value`."""
    from_value: str | None = None
    to_value: str | None = None
    summary: str = ""
    source: str
    """Where Holdfast read it: a deployer's log, a repository's tags, a CDEvents file."""
    actor: str = ""
    """Who or what made it, where that is recorded. `holdfast` for its own."""
