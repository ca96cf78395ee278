"""CDEvents into changes, by `catalog/cdevents.py`."""

from __future__ import annotations

from holdfast.catalog.cdevents import CDEvent, to_change
from holdfast.integrations.cloudevents.envelope import (
    BINARY_MARK,
    Json,
    Located,
    ids_of,
    read_events,
)
from holdfast.integrations.webhook import Delivery, NoteKind, Reading, Received
from holdfast.integrations.webhook_clean import Cleaner
from holdfast.integrations.webhook_payload import read_json, read_value
from holdfast.model.change import Change

SENDER = "cdevents"
TYPES = ("dev.cdevents.", "dev.cdeventsx.")
"""How the types of all events begin that are read here."""


def parse(delivery: Delivery, reading: Reading) -> Received:
    """Return what the events say. Raises PayloadError."""
    cleaner = Cleaner(reading.redactor)
    if _is_bare(delivery):
        value = read_json(Json, delivery.body, SENDER).root
        event = read_value(CDEvent, value, SENDER)
        found = [_change(event, "", delivery, reading, cleaner)]
        delivery_id = f"{event.context.source} {event.context.id}"
    else:
        events = read_events(delivery, SENDER)
        found = [change_of(located, delivery, reading, cleaner) for located in events]
        delivery_id = ids_of(events)
    return Received(
        changes=tuple(cleaner.change(change) for change in found if change is not None),
        delivery_id=cleaner.identity(delivery_id),
        notes=tuple(cleaner.notes),
    )


def change_of(
    located: Located, delivery: Delivery, reading: Reading, cleaner: Cleaner
) -> Change | None:
    """Return the change that the data of a CloudEvent tells, not yet cleaned."""
    event = read_value(CDEvent, located.event.data, SENDER, path=located.data_path)
    return _change(event, f"{located.data_path}.", delivery, reading, cleaner)


def _change(
    event: CDEvent, prefix: str, delivery: Delivery, reading: Reading, cleaner: Cleaner
) -> Change | None:
    if not reading.reads(event.environment):
        where = cleaner.line(event.environment or "")
        cleaner.note(
            NoteKind.IGNORED,
            f"the environment {where!r} is not read",
            f"{prefix}subject.content.environment",
        )
        return None
    change = to_change(event, f"{delivery.source(SENDER)}:{event.context.source}")
    if change is None:
        what = cleaner.line(event.context.type)
        cleaner.note(
            NoteKind.IGNORED, f"{what} changes nothing in production", f"{prefix}context.type"
        )
    return change


def _is_bare(delivery: Delivery) -> bool:
    media = delivery.header("content-type").lower()
    return not media.startswith("application/cloudevents") and not delivery.header(BINARY_MARK)
