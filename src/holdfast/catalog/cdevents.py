"""One CDEvents line → one Change. Pure.

Read (CDEvents, subject `service`): `dev.cdevents.service.deployed|upgraded|rolledback|removed`
are deployments, `published` is a change of traffic. CDEvents has no subject for other changes of
production: they are read from its custom events, `dev.cdeventsx.<tool>-<config|flag|
infrastructure|traffic>.<predicate>.<version>`, with `setting`, `from_value` and `to_value` in their
`customData`. A pipeline run whose `customData` names a service
and a version is a deployment under way, or one that did not succeed: it may have moved traffic.
Other events (builds, tests) change nothing in production and are left alone.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, cast
from urllib.parse import parse_qs, unquote

from pydantic import BaseModel, ConfigDict, Field

from holdfast.model.base import UtcTime
from holdfast.model.change import Change, ChangeType

_SERVICE = re.compile(
    r"(?:dev\.cdevents\.)?service\.(deployed|upgraded|rolledback|removed|published)(?:\..*)?"
)
_CUSTOM = re.compile(r"dev\.cdeventsx\.[\w]+-(config|flag|infrastructure|traffic)\.\w+(?:\..*)?")
_PIPELINE = re.compile(r"(?:dev\.cdevents\.)?pipelinerun\.(started|finished)(?:\..*)?")

Predicate = Literal["deployed", "upgraded", "rolledback", "removed", "changed"]


class _Part(BaseModel):
    """Fields that Holdfast does not read are left alone: the vocabulary grows."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Context(_Part):
    """The envelope."""

    id: str = Field(min_length=1)
    source: str = ""
    type: str = Field(min_length=1)
    timestamp: UtcTime


class Environment(_Part):
    """Where the service runs."""

    id: str


class Content(_Part):
    """What runs there; `artifact_id` is a package URL."""

    environment: Environment | None = None
    artifact_id: str | None = Field(default=None, alias="artifactId")


class Subject(_Part):
    """The service."""

    id: str = Field(min_length=1)
    content: Content = Content()


class CustomData(_Part):
    """What CDEvents has no field for."""

    id: str | None = None
    """The deployment's own id, by which its events are known as one change."""
    service: str | None = None
    status: str = ""
    error: str = ""
    from_version: str | None = None
    to_version: str | None = None
    setting: str = ""
    """The key of a configuration or flag that was changed, `from_value` → `to_value`."""
    from_value: str | None = None
    to_value: str | None = None
    actor: str = ""
    summary: str = ""
    started_at: UtcTime | None = None
    finished_at: UtcTime | None = None


class CDEvent(_Part):
    """One line of the file."""

    context: Context
    subject: Subject
    custom_data: CustomData = Field(default=CustomData(), alias="customData")

    @property
    def key(self) -> tuple[str, str]:
        """What is the same for all events of one change: CloudEvents' source and an id."""
        return self.context.source, self.custom_data.id or self.context.id

    @property
    def environment(self) -> str | None:
        """The environment that it names, if any."""
        found = self.subject.content.environment
        return None if found is None else found.id.rsplit("/", 1)[-1]


def parse_line(line: str) -> CDEvent:
    """Return the event, or raise pydantic's ValidationError."""
    return CDEvent.model_validate_json(line)


def to_change(event: CDEvent, source: str) -> Change | None:
    """Return the change that the event tells, or None where it changes nothing in production."""
    kind = _kind(event)
    if kind is None:
        return None
    change_type, predicate = kind
    data = event.custom_data
    version = data.to_version or version_of(event.subject.content.artifact_id)
    return Change(
        id=data.id or event.context.id,
        type=change_type,
        service=data.service or event.subject.id.rsplit("/", 1)[-1],
        at=data.started_at or event.context.timestamp,
        finished_at=data.finished_at or _finished(event),
        predicate=predicate,
        from_version=data.from_version,
        to_version=None if predicate == "removed" else version,
        setting=data.setting,
        from_value=data.from_value,
        to_value=data.to_value,
        summary=data.summary or (f"{data.status}: {data.error}" if data.error else ""),
        source=source,
        actor=data.actor,
    )


def _kind(event: CDEvent) -> tuple[ChangeType, Predicate] | None:
    service = _SERVICE.fullmatch(event.context.type)
    if service is not None and service[1] == "published":
        return ChangeType.TRAFFIC, "changed"
    if service is not None:
        return ChangeType.DEPLOYMENT, cast("Predicate", service[1])
    run = _PIPELINE.fullmatch(event.context.type)
    if run is not None:
        return _kind_of_run(run[1], event.custom_data)
    custom = _CUSTOM.fullmatch(event.context.type)
    return None if custom is None else (ChangeType(custom[1]), "changed")


def _kind_of_run(part: str, data: CustomData) -> tuple[ChangeType, Predicate] | None:
    if data.service is None or data.to_version is None:
        return None
    if part == "finished":  # a deployment that succeeded is told by an event of its service
        return ChangeType.DEPLOYMENT, "changed"
    return ChangeType.DEPLOYMENT, "deployed" if data.from_version is None else "upgraded"


def _finished(event: CDEvent) -> datetime | None:
    """The event is sent when it has happened; its begin is known only where it is said."""
    run = _PIPELINE.fullmatch(event.context.type)
    if run is not None:
        return event.context.timestamp if run[1] == "finished" else None
    return event.context.timestamp if event.custom_data.started_at is not None else None


def version_of(package_url: str | None) -> str | None:
    """Return the version of a package URL; of an image, its `tag` rather than its digest."""
    if not package_url:
        return None
    rest, _, qualifiers = package_url.partition("#")[0].partition("?")
    tag = parse_qs(qualifiers).get("tag")
    if tag:
        return tag[0]
    name, _, version = rest.rpartition("@")
    return unquote(version) if name and version else None
