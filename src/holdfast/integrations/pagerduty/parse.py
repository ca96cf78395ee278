"""PagerDuty's events of incidents into alerts."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, JsonValue

from holdfast.integrations.webhook import Delivery, NoteKind, Reading, Received
from holdfast.integrations.webhook_alerts import Severity, end_of
from holdfast.integrations.webhook_clean import Cleaner
from holdfast.integrations.webhook_payload import (
    MaybeTime,
    Text,
    Time,
    Wire,
    read_json,
    read_value,
)
from holdfast.model.alert import Alert

SENDER = "pagerduty"

_READ = frozenset(
    f"incident.{state}"
    for state in (
        *("triggered", "acknowledged", "unacknowledged", "delegated", "escalated"),
        *("priority_updated", "reassigned", "reopened", "resolved"),
    )
)


class Reference(Wire):
    """A service, a priority or a user, by its name."""

    summary: Text = ""


class Incident(Wire):
    """`event.data` of the events that are read."""

    id: str = Field(min_length=1)
    created_at: MaybeTime = None
    number: int | None = None
    status: Text = ""
    title: Text = ""
    service: Reference | None = None
    urgency: Text = ""
    priority: Reference | None = None
    html_url: Text = ""


class Event(Wire):
    """What happened."""

    id: str = Field(min_length=1)
    event_type: str = Field(min_length=1)
    occurred_at: Time
    data: JsonValue = None


class Payload(Wire):
    """One event: version 3 has no batches."""

    event: Event


def parse(delivery: Delivery, reading: Reading) -> Received:
    """Return what the event says. Raises PayloadError."""
    event = read_json(Payload, delivery.body, SENDER).event
    cleaner = Cleaner(reading.redactor)
    alert = _alert(event, delivery, cleaner)
    return Received(
        alerts=() if alert is None else (alert,),
        delivery_id=cleaner.identity(event.id),
        said_at=event.occurred_at,
        notes=tuple(cleaner.notes),
    )


def _alert(event: Event, delivery: Delivery, cleaner: Cleaner) -> Alert | None:
    if event.event_type not in _READ:
        what = cleaner.line(event.event_type)
        cleaner.note(NoteKind.IGNORED, f"{what} says nothing of an alert", "event.event_type")
        return None
    incident = read_value(Incident, event.data, SENDER, path="event.data")
    starts_at = _start(event, incident)
    if starts_at is None:
        cleaner.note(
            NoteKind.INCOMPLETE,
            "an incident without its start is no alert",
            "event.data.created_at",
        )
        return None
    status = "resolved" if event.event_type == "incident.resolved" else "firing"
    return Alert(
        fingerprint=cleaner.identity(incident.id),
        source=cleaner.identity(delivery.source(SENDER)),
        status=status,
        severity=_severity(incident),
        starts_at=starts_at,
        ends_at=end_of(
            status,
            starts_at,
            event.occurred_at,
            seen_at=delivery.received_at,
            path="event.occurred_at",
            cleaner=cleaner,
        ),
        labels=cleaner.labels(_labels(incident), "event.data"),
        annotations=cleaner.annotations(_annotations(incident), "event.data"),
    )


def _start(event: Event, incident: Incident) -> datetime | None:
    if event.event_type == "incident.reopened":
        return event.occurred_at
    if incident.created_at is None and event.event_type == "incident.triggered":
        return event.occurred_at
    return incident.created_at


def _severity(incident: Incident) -> Severity:
    """PagerDuty's own distinction: only high urgency wakes a person."""
    return "ticket" if incident.urgency.lower() == "low" else "page"


def _labels(incident: Incident) -> dict[str, str]:
    found = {
        "alertname": " ".join(incident.title.split()),
        "service": incident.service.summary if incident.service else "",
        "urgency": incident.urgency,
        "priority": incident.priority.summary if incident.priority else "",
    }
    return {name: value for name, value in found.items() if value}


def _annotations(incident: Incident) -> dict[str, str]:
    found = {
        "summary": incident.title,
        "pagerduty_status": incident.status,
        "pagerduty_number": "" if incident.number is None else str(incident.number),
        "pagerduty_url": incident.html_url,
    }
    return {name: value for name, value in found.items() if value}
