"""What the alerts of all senders share: how loud they are, and when they ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from holdfast.integrations.webhook import NoteKind
from holdfast.integrations.webhook_clean import Cleaner

Severity = Literal["page", "ticket"]

_TICKETS = frozenset(
    (
        *("ticket", "warning", "warn", "minor", "low", "notice", "none", "debug"),
        *("info", "informational", "information"),
        *("p3", "p4", "p5", "sev3", "sev4", "sev5"),
    )
)
_NAMES = ("severity", "priority", "urgency", "level")


def severity_of(labels: Mapping[str, str]) -> Severity:
    """Return `ticket` for what is said to be minor, else `page`: when unsure, the higher.

    Read from the labels `severity`, `priority`, `urgency` and `level`: the first that is there.
    """
    said = next((labels[name] for name in _NAMES if labels.get(name)), "")
    return "ticket" if said.strip().lower() in _TICKETS else "page"


def end_of(
    status: Literal["firing", "resolved"],
    starts_at: datetime,
    ends_at: datetime | None,
    *,
    seen_at: datetime,
    path: str,
    cleaner: Cleaner,
) -> datetime | None:
    """Return when an alert ended. One that fires has no end, whatever its sender writes.

    A resolved one without an end has ended when that was first said, at the latest; one that ended
    before it began has a clock wrong, and lasted no time.
    """
    if status == "firing":
        return None
    if ends_at is None:
        cleaner.note(NoteKind.ESTIMATED, "resolved without an end: the time of arrival", path)
        return max(seen_at, starts_at)
    if ends_at < starts_at:
        cleaner.note(NoteKind.ESTIMATED, "the end lies before the start: taken as the start", path)
        return starts_at
    return ends_at
