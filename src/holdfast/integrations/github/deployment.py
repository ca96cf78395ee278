"""A deployment, or one of its statuses, as a change."""

from __future__ import annotations

from typing import Literal

from holdfast.integrations.github.payload import Deployment, DeploymentEvent, Status, StatusEvent
from holdfast.integrations.webhook import NoteKind, Reading
from holdfast.integrations.webhook_clean import Cleaner
from holdfast.integrations.webhook_payload import as_mapping
from holdfast.model.change import Change, ChangeType

_ENDED = ("success", "failure", "error")
_READ = (*_ENDED, "in_progress")


def deployment_change(
    event: DeploymentEvent, source: str, reading: Reading, cleaner: Cleaner
) -> Change | None:
    """Return the change, None where it is of no environment or state that is read."""
    deployment = event.deployment
    status = event.deployment_status if isinstance(event, StatusEvent) else None
    if deployment.transient_environment or not reading.reads(deployment.environment or None):
        cleaner.note(
            NoteKind.IGNORED,
            f"the environment {cleaner.line(deployment.environment)!r} is not read",
            "deployment.environment",
        )
        return None
    if status is not None and status.state not in _READ:
        what = cleaner.line(status.state)
        cleaner.note(NoteKind.IGNORED, f"{what} moves nothing", "deployment_status.state")
        return None
    return _change(deployment, status, event, source)


def _change(
    deployment: Deployment, status: Status | None, event: DeploymentEvent, source: str
) -> Change:
    ended = status is not None and status.state in _ENDED
    began = status is not None and status.state == "in_progress"
    return Change(
        id=f"{event.repository.full_name}#deployment-{deployment.id}",
        type=ChangeType.DEPLOYMENT,
        service=_service(deployment) or event.repository.name,
        at=status.created_at if status is not None and began else deployment.created_at,
        finished_at=status.created_at if status is not None and ended else None,
        predicate=_predicate(deployment, status),
        to_version=deployment.ref or deployment.sha or None,
        to_value=deployment.sha or None,
        summary=_summary(deployment, status),
        source=source,
        actor=deployment.creator.login if deployment.creator else "",
    )


def _service(deployment: Deployment) -> str:
    payload = as_mapping(deployment.payload)
    service = payload.get("service") if payload else None
    return service.strip() if isinstance(service, str) else ""


def _predicate(
    deployment: Deployment, status: Status | None
) -> Literal["deployed", "rolledback", "changed"]:
    if status is not None and status.state in ("failure", "error"):
        return "changed"  # it may have moved traffic, and serves nothing for certain
    return "rolledback" if "rollback" in deployment.task.lower() else "deployed"


def _summary(deployment: Deployment, status: Status | None) -> str:
    if status is None or status.state in ("success", "in_progress"):
        return deployment.description
    return f"{status.state}: {status.description}".rstrip(": ")
