"""Deployments as CDEvents (cdevents.dev, specification 0.4), a JSON line each.

A deployment that begins is a `pipelinerun.started`; one that succeeded is a `service.deployed`,
`.upgraded` or `.rolledback`; one that did not is a `pipelinerun.finished` with its outcome. All
carry the whole deployment in `customData`, so that either line tells when it began.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from uuid import uuid4

from holdfast.lab.records import Deployment
from holdfast.model.base import utc_now

SOURCE = "/laboratory/deployer"
ENVIRONMENT = "laboratory"


class DeploymentLog:
    """Appends to `deployments.jsonl`; each line is written whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, deployment: Deployment) -> None:
        """Write what the deployment's status says."""
        line = json.dumps(event_of(deployment), separators=(",", ":")) + "\n"
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
    return {
        "context": {
            "version": "0.4.1",
            "id": str(uuid4()),
            "source": SOURCE,
            "type": f"dev.cdevents.{kind}",
            "timestamp": utc_now().isoformat(),
        },
        "subject": subject,
        "customData": deployment.model_dump(mode="json", exclude={"schema_version"}),
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
