"""The gate before a change: what it was told, what it found, and what it decided."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from holdfast.model.base import Record, UtcTime

EVERY_SERVICE = "*"


class GateException(Record):
    """Somebody let changes pass all the same, until a time."""

    kind: Literal["exception"] = "exception"
    id: str
    reason: str = Field(min_length=1)
    approver: str = Field(min_length=1)
    service: str
    """Whose changes; `*` = every service's."""
    change_type: str
    """Which kind of change; `*` = all."""
    created_at: UtcTime
    expires_at: UtcTime


class IncidentReview(Record):
    """The post-mortem of what spent a large part of a budget is done, and says where."""

    kind: Literal["review"] = "review"
    id: str
    document: str = Field(min_length=1)
    approver: str = Field(min_length=1)
    service: str
    """Whose incidents until `created_at` it reviews; `*` = every service's."""
    created_at: UtcTime


class BudgetIncident(Record):
    """A stretch of time in which a budget burned faster than it sustains, found in its events."""

    start: UtcTime
    end: UtcTime
    bad_events: float
    spent_fraction: float
    """Of the whole period's budget."""
    reviewed_in: str = ""
    """The document of its post-mortem; empty = none is on record."""


class GateReading(Record):
    """What the gate knows of one objective. None = it is not known."""

    slo: str
    service: str
    remaining_fraction: float | None
    measured_fraction: float
    """How much of the period was measured, gaps left out."""
    stage: str | None
    allows: bool
    """Whether the change may go out, as far as this objective goes; False where nothing is known.
    """
    allowed_changes: tuple[str, ...]
    incidents: tuple[BudgetIncident, ...]
    """Those above the policy's limit for a single one, oldest first."""
    reason: str
    statement: str
    """What the figures rest on."""


class GateDecision(Record):
    """Whether a change may go out, and why. `unknown` is closed, too."""

    decision: Literal["open", "frozen", "unknown"]
    service: str
    change_type: str
    at: UtcTime
    policy: str
    reasons: tuple[str, ...]
    allowed_changes: tuple[str, ...]
    """What may go out now without an exception; `*` = all."""
    velocity: str
    review: str
    readings: tuple[GateReading, ...]
    exception: GateException | None = None
    """The one that opened it."""
    notes: tuple[str, ...] = ()
    """What else must be known: exceptions that do not count, and why."""
