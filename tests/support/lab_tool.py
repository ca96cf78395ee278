"""A team's deploy tool for the lab, as a program: `lab_tool.py CONTROL_URL VERB ARGUMENT...`.

`current SERVICE` prints what serves; `deploy SERVICE VERSION EXPECT_VERSION KEY` gives all traffic
to a version; `hang` waits for ever and does nothing.
"""

from __future__ import annotations

import json
import sys
import time

from holdfast.lab.deployer import LabDeployer
from holdfast.model.config import DeployerSettings


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
        case "hang", _:
            time.sleep(600)
        case _:
            sys.exit(f"unknown: {verb} {arguments}")


def settings(control_url: str, *, hangs: bool = False) -> DeployerSettings:
    """Return the deployer that a team with this tool would configure."""

    def argv(verb: str, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, __file__, control_url, verb, *arguments)

    placeholders = ("{service}", "{version}", "{expect_version}", "{idempotency_key}")
    return DeployerSettings(
        name="lab",
        kind="command",
        current=argv("current", "{service}"),
        deploy=argv("hang" if hangs else "deploy", *placeholders),
    )


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], sys.argv[3:])
