"""An incident: severity, status, outcome, milestones, impact."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from holdfast.model.base import Record, UtcTime
from holdfast.model.figure import Figure


class Severity(StrEnum):
    """SEV1 is worst. When unsure, the higher."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"


class Status(StrEnum):
    """`triage → active → mitigated → resolved → learning → closed`, also `declined`, `merged`."""

    TRIAGE = "triage"
    ACTIVE = "active"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    LEARNING = "learning"
    CLOSED = "closed"
    DECLINED = "declined"
    MERGED = "merged"


class IncidentOutcome(StrEnum):
    """How it ended. A confident guess is not an outcome."""

    FIXED = "fixed"
    MITIGATED_ONLY = "mitigated_only"
    RECOVERED = "recovered"
    UNRESOLVED = "unresolved"
    ESCALATED = "escalated"
    FALSE_ALARM = "false_alarm"


MilestoneName = Literal["impact_started", "detected", "acknowledged", "mitigated", "resolved"]


class Milestone(Record):
    """A point of the incident's course. `estimated` where it is inferred from series."""

    name: MilestoneName
    at: UtcTime
    evidence_ids: tuple[str, ...] = ()
    estimated: bool = False


class Claim(Record):
    """A number in somebody's sentence: to be measured, not a fact."""

    text: str
    quantity: str
    value: float
    unit: str


class Impact(Record):
    """What users suffered, measured so far. Each figure names its evidence."""

    figures: dict[str, Figure] = Field(default_factory=dict[str, Figure])
    """Keys: duration_seconds, requests, slow_requests, failed_requests, users_affected,
    budget_spent_fraction, sli_now, sli_before, latency_p95_seconds_now/_before. Absent = not
    configured; a figure with value None = no data."""
