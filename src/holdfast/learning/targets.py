"""The field's targets for each phase, and when action items are due. Documented, not guessed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

from holdfast.model.incident import Severity

PHASE_TARGETS_SECONDS = {
    "detect": 2 * 60.0,
    "triage": 5 * 60.0,
    "mitigate": 15 * 60.0,
    "resolve": 60 * 60.0,
    "learn": 48 * 3600.0,
}
"""How long each phase may take: detect from the start of the impact, the others from detection."""

ItemType = Literal["prevent", "detect", "mitigate", "process"]

DUE_DAYS: dict[Severity, dict[ItemType, int]] = {
    Severity.SEV1: {"mitigate": 7, "prevent": 14, "detect": 14, "process": 30},
    Severity.SEV2: {"mitigate": 14, "prevent": 30, "detect": 30, "process": 60},
    Severity.SEV3: {"mitigate": 30, "prevent": 60, "detect": 60, "process": 90},
}
"""Days from the incident's detection until an action item is due.

    type       SEV1  SEV2  SEV3
    mitigate      7    14    30
    prevent      14    30    60
    detect       14    30    60
    process      30    60    90
"""


def due_date(severity: Severity, item_type: ItemType, detected_at: datetime) -> date:
    """Return the day on which an action item of that type is due."""
    return detected_at.date() + timedelta(days=DUE_DAYS[severity][item_type])
