"""Alertmanager's payload into alerts. Grafana's is the same with more fields, and builds on it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from holdfast.integrations.webhook import Delivery, NoteKind, Reading, Received
from holdfast.integrations.webhook_alerts import end_of, severity_of
from holdfast.integrations.webhook_clean import Cleaner
from holdfast.integrations.webhook_payload import (
    NONE_IF_NULL,
    Labels,
    MaybeTime,
    Text,
    Time,
    Wire,
    fingerprint_of,
    read_json,
)
from holdfast.model.alert import Alert

SENDER = "alertmanager"
VERSION = "4"


class WireAlert(Wire):
    """One alert."""

    status: Literal["firing", "resolved"]
    labels: Labels
    annotations: Labels = Field(default_factory=dict[str, str])
    starts_at: Time = Field(alias="startsAt")
    ends_at: MaybeTime = Field(default=None, alias="endsAt")
    generator_url: Text = Field(default="", alias="generatorURL")
    fingerprint: Text = ""


class Payload(Wire):
    """One notification of one group to one receiver."""

    version: Text = VERSION
    group_key: Text = Field(default="", alias="groupKey")
    truncated_alerts: int = Field(default=0, ge=0, alias="truncatedAlerts")
    receiver: Text = ""
    alerts: Annotated[tuple[WireAlert, ...], NONE_IF_NULL]


def parse(delivery: Delivery, reading: Reading) -> Received:
    """Return what the notification says. Raises PayloadError."""
    payload = read_json(Payload, delivery.body, SENDER)
    cleaner = Cleaner(reading.redactor)
    source = delivery.source(SENDER)
    alerts = tuple(
        to_alert(alert, source, f"alerts[{at}]", delivery, cleaner)
        for at, alert in enumerate(payload.alerts)
    )
    if payload.version != VERSION:
        cleaner.note(NoteKind.VERSION, f"not version {VERSION} of the payload", "version")
    note_truncation(payload.truncated_alerts, cleaner)
    return Received(
        alerts=alerts,
        receiver=cleaner.line(unquoted(payload.receiver), "receiver"),
        group_key=cleaner.text(payload.group_key, "groupKey"),
        truncated_alerts=payload.truncated_alerts,
        notes=tuple(cleaner.notes),
    )


def to_alert(
    alert: WireAlert, source: str, path: str, delivery: Delivery, cleaner: Cleaner
) -> Alert:
    """Return the alert, cleaned. A sender that gives no fingerprint gets Alertmanager's own."""
    annotations = dict(alert.annotations)
    if alert.generator_url:
        annotations.setdefault("generatorURL", alert.generator_url)
    return Alert(
        fingerprint=cleaner.identity(alert.fingerprint or fingerprint_of(alert.labels)),
        source=cleaner.identity(source),
        status=alert.status,
        severity=severity_of(alert.labels),
        starts_at=alert.starts_at,
        ends_at=end_of(
            alert.status,
            alert.starts_at,
            alert.ends_at,
            seen_at=delivery.received_at,
            path=f"{path}.endsAt",
            cleaner=cleaner,
        ),
        labels=cleaner.labels(alert.labels, f"{path}.labels"),
        annotations=cleaner.annotations(annotations, f"{path}.annotations"),
    )


def note_truncation(count: int, cleaner: Cleaner) -> None:
    """Say that alerts are missing, where they are."""
    if count:
        cleaner.note(
            NoteKind.TRUNCATED,
            f"the sender left out {count} alerts: what is absent may still fire",
            "truncatedAlerts",
        )


def unquoted(receiver: str) -> str:
    """Return a receiver's name as its user wrote it: undoes Go's regexp.QuoteMeta."""
    return re.sub(r"\\([\\.+*?()|\[\]{}^$])", r"\1", receiver)
