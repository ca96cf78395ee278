"""CloudEvents into alerts and changes."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from pydantic import AliasChoices, Field

from holdfast.integrations.cdevents.parse import TYPES as CDEVENTS
from holdfast.integrations.cdevents.parse import change_of
from holdfast.integrations.cloudevents.envelope import SENDER, Located, ids_of, read_events
from holdfast.integrations.webhook import Delivery, NoteKind, Reading, Received
from holdfast.integrations.webhook_alerts import end_of, severity_of
from holdfast.integrations.webhook_clean import Cleaner
from holdfast.integrations.webhook_payload import (
    Labels,
    MaybeTime,
    Text,
    Wire,
    fingerprint_of,
    read_value,
    wrong,
)
from holdfast.model.alert import Alert
from holdfast.model.change import Change, ChangeType

_ALERT = re.compile(r"(?:.*\.)?alert(?:\.(firing|resolved))?(?:\.v\d+)?", re.DOTALL)
_CHANGE = re.compile(r"(?:.*\.)?change(?:\.v\d+)?", re.DOTALL)


class AlertData(Wire):
    """`data` of an alert."""

    status: Literal["firing", "resolved"] | None = None
    severity: Text = ""
    fingerprint: Text = ""
    service: Text = ""
    summary: Text = ""
    starts_at: MaybeTime = Field(None, validation_alias=AliasChoices("starts_at", "startsAt"))
    ends_at: MaybeTime = Field(None, validation_alias=AliasChoices("ends_at", "endsAt"))
    labels: Labels = Field(default_factory=dict[str, str])
    annotations: Labels = Field(default_factory=dict[str, str])


class ChangeData(Wire):
    """`data` of a change; the names are those of Holdfast's record."""

    id: Text = ""
    type: ChangeType
    service: str = Field(min_length=1)
    at: MaybeTime = None
    finished_at: MaybeTime = None
    predicate: Literal["deployed", "upgraded", "rolledback", "removed", "changed"] = "changed"
    from_version: str | None = None
    to_version: str | None = None
    setting: Text = ""
    from_value: str | None = None
    to_value: str | None = None
    summary: Text = ""
    actor: Text = ""
    environment: str | None = None


def parse(delivery: Delivery, reading: Reading) -> Received:
    """Return what the events say. Raises PayloadError."""
    events = read_events(delivery)
    cleaner = Cleaner(reading.redactor)
    alerts: list[Alert] = []
    changes: list[Change] = []
    for located in events:
        found = _read(located, delivery, reading, cleaner)
        if isinstance(found, Alert):
            alerts.append(found)
        elif found is not None:
            changes.append(cleaner.change(found))
    return Received(
        alerts=tuple(alerts),
        changes=tuple(changes),
        delivery_id=cleaner.identity(ids_of(events)),
        said_at=events[0].event.time if len(events) == 1 else None,
        notes=tuple(cleaner.notes),
    )


def _read(
    located: Located, delivery: Delivery, reading: Reading, cleaner: Cleaner
) -> Alert | Change | None:
    kind = located.event.type
    if kind.startswith(CDEVENTS):
        return change_of(located, delivery, reading, cleaner)
    alert = _ALERT.fullmatch(kind)
    if alert is not None:
        return _alert(located, alert[1], delivery, cleaner)
    if _CHANGE.fullmatch(kind) is not None:
        return _change(located, delivery, reading, cleaner)
    what = cleaner.line(kind)
    cleaner.note(
        NoteKind.IGNORED, f"the type {what} is not read", f"{located.attribute_prefix}type"
    )
    return None


def _alert(located: Located, said: str | None, delivery: Delivery, cleaner: Cleaner) -> Alert:
    event, path = located.event, located.data_path
    data = read_value(AlertData, event.data, SENDER, path=path)
    status = _status(said, data, path)
    starts_at = _time(data.starts_at, located, f"{path}.starts_at")
    labels = _labels(data)
    return Alert(
        fingerprint=cleaner.identity(
            data.fingerprint or event.subject or fingerprint_of(data.labels)
        ),
        source=cleaner.identity(f"{delivery.source(SENDER)}:{event.source}"),
        status=status,
        severity=severity_of(labels),
        starts_at=starts_at,
        ends_at=end_of(
            status,
            starts_at,
            data.ends_at,
            seen_at=event.time or delivery.received_at,
            path=f"{path}.ends_at",
            cleaner=cleaner,
        ),
        labels=cleaner.labels(labels, f"{path}.labels"),
        annotations=cleaner.annotations(_annotations(data), f"{path}.annotations"),
    )


def _status(said: str | None, data: AlertData, path: str) -> Literal["firing", "resolved"]:
    if said is not None and data.status is not None and said != data.status:
        raise wrong(SENDER, f"{path}.status", "it contradicts the event's type")
    status = data.status or said
    if status is None:
        raise wrong(SENDER, f"{path}.status", "it is missing", "write firing or resolved")
    return "resolved" if status == "resolved" else "firing"


def _time(given: datetime | None, located: Located, path: str) -> datetime:
    """The arrival would be another one at each attempt: so an event needs a time of its own."""
    found = given or located.event.time
    if found is None:
        raise wrong(
            SENDER, path, f"neither it nor the attribute {located.attribute_prefix}time is there"
        )
    return found


def _labels(data: AlertData) -> dict[str, str]:
    more = {"service": data.service, "severity": data.severity}
    return {**{name: value for name, value in more.items() if value}, **data.labels}


def _annotations(data: AlertData) -> dict[str, str]:
    return {**({"summary": data.summary} if data.summary else {}), **data.annotations}


def _change(
    located: Located, delivery: Delivery, reading: Reading, cleaner: Cleaner
) -> Change | None:
    event, path = located.event, located.data_path
    data = read_value(ChangeData, event.data, SENDER, path=path)
    if not reading.reads(data.environment):
        cleaner.note(
            NoteKind.IGNORED,
            f"the environment {cleaner.line(data.environment or '')!r} is not read",
            f"{path}.environment",
        )
        return None
    return Change(
        id=data.id or event.id,
        at=_time(data.at, located, f"{path}.at"),
        source=f"{delivery.source(SENDER)}:{event.source}",
        **data.model_dump(exclude={"id", "at", "environment"}),
    )
