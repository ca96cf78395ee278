"""A request as CloudEvents 1.0: the HTTP binding and the JSON format of cloudevents.io."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Literal
from urllib.parse import unquote

from pydantic import BaseModel, Field, JsonValue, RootModel

from holdfast.integrations.webhook import Delivery
from holdfast.integrations.webhook_payload import (
    MaybeTime,
    Text,
    Wire,
    read_json,
    read_value,
    wrong,
)

SENDER = "cloudevents"
STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
BINARY_MARK = "ce-specversion"

_ATTRIBUTES = ("specversion", "id", "source", "type", "subject", "time")


class Event(Wire):
    """One event; extension attributes are left alone."""

    specversion: Literal["1.0"]
    id: str = Field(min_length=1)
    source: str = Field(min_length=1)
    type: str = Field(min_length=1)
    subject: Text = ""
    time: MaybeTime = None
    datacontenttype: Text = ""
    data: JsonValue = None
    data_base64: str | None = None


class Batch(RootModel[tuple[Event, ...]]):
    """Events of one request."""


class Json(RootModel[JsonValue]):
    """A body of binary mode."""


class Located(BaseModel):
    """An event, and where its parts stand in the request, for errors."""

    event: Event
    data_path: str
    attribute_prefix: str


def read_events(delivery: Delivery, sender: str = SENDER) -> tuple[Located, ...]:
    """Return the events with their data as JSON. Raises PayloadError."""
    media = delivery.header("content-type").partition(";")[0].strip().lower()
    if media == BATCHED:
        events = read_json(Batch, delivery.body, sender).root
        return tuple(_located(e, f"[{at}].", sender) for at, e in enumerate(events))
    if media == STRUCTURED:
        return (_located(read_json(Event, delivery.body, sender), "", sender),)
    if media.startswith("application/cloudevents"):
        raise wrong(sender, "content-type", "only the JSON format is read", f"send {STRUCTURED}")
    if delivery.header(BINARY_MARK):
        return (_binary(delivery, media, sender),)
    raise wrong(
        sender,
        "content-type",
        f"neither {STRUCTURED}, nor {BATCHED}, nor a header {BINARY_MARK}",
    )


def ids_of(events: Sequence[Located]) -> str:
    """Return the identity of a delivery: of one event source and id, of a batch their hash."""
    ids = [f"{located.event.source} {located.event.id}" for located in events]
    if len(ids) == 1:
        return ids[0]
    digest = hashlib.sha256("\n".join(ids).encode("utf-8", "surrogatepass")).hexdigest()
    return f"batch:{digest}" if ids else ""


def _located(event: Event, prefix: str, sender: str) -> Located:
    if event.data_base64 is None:
        return Located(event=event, data_path=f"{prefix}data", attribute_prefix=prefix)
    path = f"{prefix}data_base64"
    if event.data is not None:
        raise wrong(sender, path, "`data` and `data_base64` exclude each other")
    try:
        body = base64.b64decode(event.data_base64, validate=True)
    except (binascii.Error, ValueError):
        raise wrong(sender, path, "this is not base64") from None
    data = read_json(Json, body, sender).root
    return Located(
        event=event.model_copy(update={"data": data}), data_path=path, attribute_prefix=prefix
    )


def _binary(delivery: Delivery, media: str, sender: str) -> Located:
    if media and media != "application/json" and not media.endswith("+json"):
        raise wrong(sender, "content-type", "data that is not JSON is not read")
    found = {name: _decoded(delivery, name, sender) for name in _ATTRIBUTES}
    given = {name: value for name, value in found.items() if value}
    event = read_value(Event, given, sender, path="ce-", joined=True)
    data = read_json(Json, delivery.body, sender).root if delivery.body.strip() else None
    return Located(
        event=event.model_copy(update={"data": data}), data_path="data", attribute_prefix="ce-"
    )


def _decoded(delivery: Delivery, name: str, sender: str) -> str:
    try:
        return unquote(delivery.header(f"ce-{name}"), errors="strict")
    except UnicodeDecodeError:
        raise wrong(sender, f"ce-{name}", "this is not percent-encoded UTF-8") from None
