"""What is kept of a delivery that could not be read, so that a person can see why."""

from __future__ import annotations

import hashlib
from urllib.parse import unquote_plus

from holdfast.errors import PayloadError
from holdfast.evidence.redact import Redactor
from holdfast.integrations.webhook import Delivery
from holdfast.integrations.webhook_clean import Cleaner
from holdfast.model.base import Record, UtcTime

MOST_BODY = 16_384
"""In characters: enough to see what kind of thing it is."""

_HEADERS = (
    *("content-type", "content-length", "user-agent", "x-github-event", "x-github-delivery"),
    *("x-webhook-id", "webhook-id", "ce-id", "ce-source", "ce-type", "ce-specversion", "ce-time"),
)
"""Those that say what was sent; never Authorization, cookies or signatures."""


class Inspection(Record):
    """A delivery that was refused with 4xx. Its texts are without secrets, as far as known."""

    adapter: str
    received_at: UtcTime
    problem: str
    path: str
    """The sender's field; empty where the whole body cannot be read."""
    headers: dict[str, str]
    body: str
    """Bytes that are not UTF-8 are written as the replacement character."""
    body_bytes: int
    body_sha256: str
    """Of the bytes as they came: tells whether two refused deliveries were the same."""


def inspection_of(
    adapter: str, delivery: Delivery, error: PayloadError, redactor: Redactor
) -> Inspection:
    """Return what to keep."""
    cleaner = Cleaner(redactor)
    start = delivery.body[: 4 * MOST_BODY].decode("utf-8", "replace")
    if delivery.header("content-type").startswith("application/x-www-form-urlencoded"):
        start = unquote_plus(start)  # secrets are known by how they are written
    shown = {name: cleaner.line(delivery.header(name)) for name in _HEADERS}
    return Inspection(
        adapter=adapter,
        received_at=delivery.received_at,
        problem=error.message,
        path=error.path,
        headers={name: value for name, value in shown.items() if value},
        body=cleaner.text(start, "body", most=MOST_BODY),
        body_bytes=len(delivery.body),
        body_sha256=hashlib.sha256(delivery.body).hexdigest(),
    )
