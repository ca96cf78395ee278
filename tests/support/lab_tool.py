"""A team's deploy tool for the lab, as a program: `lab_tool.py CONTROL_URL VERB ARGUMENT...`.

`current SERVICE` prints what serves; `deploy SERVICE VERSION EXPECT_VERSION KEY` gives all traffic
to a version; `hang` waits for ever and does nothing; `slow LOG SERVICE VERSION ...` takes its
time, knows no keys and no conditions, and writes a line to LOG each time it begins.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from pathlib import Path

from holdfast.lab.deployer import LabDeployer
from holdfast.model.config import DeployerSettings

SLOW_SECONDS = 3.0
"""Longer than doubt about a write lasts before it may be repeated."""


def _main(url: str, verb: str, arguments: list[str]) -> None:
    deployer = LabDeployer(url, actor="deploy tool")
    match verb, arguments:
        case "current", [service]:
            state = deployer.current(service)
            print(json.dumps({"weights": state.weights, "in_progress": state.in_progress}))
        case "deploy", [service, version, expect_version, key]:
            deployer.deploy(
                service,
                version,
                expect_version=expect_version,
                idempotency_key=key,
                timeout_seconds=30,
            )
        case "slow", [log, service, version, *_]:
            with Path(log).open("a") as file:
                file.write(version + "\n")
            time.sleep(SLOW_SECONDS)
            _deploy_anyhow(deployer, service, version)
        case "hang", _:
            time.sleep(600)
        case _:
            sys.exit(f"unknown: {verb} {arguments}")


def _deploy_anyhow(deployer: LabDeployer, service: str, version: str) -> None:
    (serving,) = deployer.current(service).weights
    deployer.deploy(
        service,
        version,
        expect_version=serving,
        idempotency_key=str(uuid.uuid4()),
        timeout_seconds=30,
    )


def settings(
    control_url: str, *, hangs: bool = False, slow_log: Path | None = None
) -> DeployerSettings:
    """Return the deployer that a team with this tool would configure."""

    def argv(verb: str, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, __file__, control_url, verb, *arguments)

    placeholders = ("{service}", "{version}", "{expect_version}", "{idempotency_key}")
    if slow_log is not None:
        deploy = argv("slow", str(slow_log), *placeholders)
    else:
        deploy = argv("hang" if hangs else "deploy", *placeholders)
    current = argv("current", "{service}")
    return DeployerSettings(name="lab", kind="command", current=current, deploy=deploy)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], sys.argv[3:])
