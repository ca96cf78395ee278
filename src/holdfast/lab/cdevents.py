"""Deployments as CDEvents (cdevents.dev, specification 0.4), a JSON line each.

A deployment that begins is a `pipelinerun.started`; one that succeeded is a `service.deployed`,
`.upgraded` or `.rolledback`; one that did not is a `pipelinerun.finished` with its outcome. All
carry the whole deployment in `customData`, so that either line tells when it began. A changed
setting has no event type of its own: it is a custom event, of configuration or of a flag.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from holdfast.lab.records import Deployment, SettingChange
from holdfast.model.base import utc_now

SOURCE = "/laboratory/deployer"
ENVIRONMENT = "laboratory"


class DeploymentLog:
    """Appends to `deployments.jsonl`; each line is written whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, deployment: Deployment) -> None:
        """Write what the deployment's status says."""
        self._write(event_of(deployment))

    def add_setting(self, change: SettingChange) -> None:
        """Write down a setting's change as it stands."""
        self._write(setting_event(change))

    def _write(self, event: dict[str, object]) -> None:
        line = json.dumps(event, separators=(",", ":")) + "\n"
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line)


def event_of(deployment: Deployment) -> dict[str, object]:
    """Return the CDEvent of a deployment as it stands."""
    if deployment.status == "succeeded":
        kind, subject = f"service.{predicate(deployment)}.0.2.0", _service(deployment)
    elif deployment.status == "in_progress":
        kind, subject = "pipelinerun.started.0.2.0", _pipeline_run(deployment)
    else:
        kind, subject = "pipelinerun.finished.0.2.0", _pipeline_run(deployment)
    custom = deployment.model_dump(mode="json", exclude={"schema_version"})
    return _event(f"dev.cdevents.{kind}", subject, custom)


def setting_event(change: SettingChange) -> dict[str, object]:
    """Return the custom event of a setting's change as it stands."""
    environment = {"environment": {"id": ENVIRONMENT, "source": SOURCE}}
    subject = {"id": change.service, "source": SOURCE, "type": "service", "content": environment}
    what = f"{change.setting} of {change.service}: {change.from_value} → {change.to_value}"
    failed = f", which failed: {change.error}" if change.error else ""
    custom = change.model_dump(mode="json", exclude={"schema_version"})
    kind = f"dev.cdeventsx.laboratory-{change.kind}.changed.0.1.0"
    return _event(kind, subject, {**custom, "summary": what + failed})


def _event(
    kind: str, subject: Mapping[str, object], custom: Mapping[str, object]
) -> dict[str, object]:
    return {
        "context": {
            "version": "0.4.1",
            "id": str(uuid4()),
            "source": SOURCE,
            "type": kind,
            "timestamp": utc_now().isoformat(),
        },
        "subject": subject,
        "customData": custom,
        "customDataContentType": "application/json",
    }


def predicate(deployment: Deployment) -> str:
    """Return `deployed` for a first version, `rolledback` for an earlier one, else `upgraded`."""
    if deployment.from_version is None:
        return "deployed"
    return "rolledback" if is_going_back(deployment) else "upgraded"


def is_going_back(deployment: Deployment) -> bool:
    """Whether the deployment goes to an earlier version."""
    before = deployment.from_version
    return before is not None and _numbers(deployment.to_version) < _numbers(before)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _service(deployment: Deployment) -> dict[str, object]:
    return {
        "id": deployment.service,
        "source": SOURCE,
        "type": "service",
        "content": {
            "environment": {"id": ENVIRONMENT, "source": SOURCE},
            "artifactId": f"pkg:generic/{deployment.service}@{deployment.to_version}",
        },
    }


def _pipeline_run(deployment: Deployment) -> dict[str, object]:
    outcomes = {"failed": "failure", "cancelled": "cancel"}
    outcome = outcomes.get(deployment.status)
    content = {"pipelineName": f"deploy {deployment.service} {deployment.to_version}"}
    if outcome:
        content |= {"outcome": outcome, "errors": deployment.error}
    return {"id": deployment.id, "source": SOURCE, "type": "pipelineRun", "content": content}
