"""GitHub's events into changes."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import parse_qs

from pydantic import BaseModel

from holdfast.errors import PayloadError
from holdfast.integrations.github.deployment import deployment_change
from holdfast.integrations.github.payload import SENDER, DeploymentEvent, PushEvent, StatusEvent
from holdfast.integrations.webhook import Delivery, NoteKind, Reading, Received
from holdfast.integrations.webhook_clean import Cleaner
from holdfast.integrations.webhook_payload import body_id, read_json, wrong
from holdfast.model.change import Change, ChangeType

_Model = TypeVar("_Model", bound=BaseModel)
_NO_COMMIT = "0" * 40


def parse(delivery: Delivery, reading: Reading) -> Received:
    """Return what the event says. Raises PayloadError."""
    cleaner = Cleaner(reading.redactor)
    change = _change(delivery, reading, cleaner)
    return Received(
        changes=() if change is None else (cleaner.change(change),),
        delivery_id=body_id(delivery.body),
        notes=tuple(cleaner.notes),
    )


def _change(delivery: Delivery, reading: Reading, cleaner: Cleaner) -> Change | None:
    event = delivery.header("X-GitHub-Event")
    source = delivery.source(SENDER)
    match event:
        case "deployment":
            return deployment_change(_read(DeploymentEvent, delivery), source, reading, cleaner)
        case "deployment_status":
            return deployment_change(_read(StatusEvent, delivery), source, reading, cleaner)
        case "push":
            return _push(_read(PushEvent, delivery), source, cleaner)
        case "":
            raise wrong(SENDER, "X-GitHub-Event", "the header is missing", "is this GitHub?")
        case _:
            what = cleaner.line(event)
            cleaner.note(NoteKind.IGNORED, f"the event {what} changes nothing", "X-GitHub-Event")
            return None


def _read(model: type[_Model], delivery: Delivery) -> _Model:
    return read_json(model, _json_of(delivery), SENDER)


def _json_of(delivery: Delivery) -> bytes:
    if not delivery.header("content-type").startswith("application/x-www-form-urlencoded"):
        return delivery.body
    try:
        fields = parse_qs(delivery.body.decode(), max_num_fields=10, errors="strict")
    except ValueError:  # neither UTF-8 nor a form
        raise PayloadError(f"{SENDER}: the body is no form", hint="nothing was taken") from None
    if "payload" not in fields:
        raise wrong(SENDER, "payload", "this field of the form is missing")
    return fields["payload"][0].encode()


def _push(event: PushEvent, source: str, cleaner: Cleaner) -> Change | None:
    repository = event.repository
    branch = event.ref.removeprefix("refs/heads/")
    if event.ref != f"refs/heads/{repository.default_branch}" or event.deleted:
        cleaner.note(NoteKind.IGNORED, "not a push to the default branch", "ref")
        return None
    at = repository.pushed_at or (event.head_commit and event.head_commit.timestamp)
    if not at:
        cleaner.note(NoteKind.INCOMPLETE, "a push without a time", "repository.pushed_at")
        return None
    message = event.head_commit.message if event.head_commit else ""
    return Change(
        id=f"{repository.full_name}#push-{event.after}",
        type=ChangeType.CONFIG,
        service=repository.name,
        at=at,
        finished_at=at,
        predicate="changed",
        setting=branch,
        from_value=None if event.before in ("", _NO_COMMIT) else event.before,
        to_value=event.after,
        summary=message.partition("\n")[0],
        source=source,
        actor=event.pusher.name if event.pusher else "",
    )
