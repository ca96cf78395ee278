"""A deploy command says that it runs by a lock that it holds for as long as it lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.delivery.command import CommandDeployer
from holdfast.delivery.running import RunningMark
from holdfast.errors import PreconditionFailed
from holdfast.model.config import DeployerSettings
from support.team_tool import TeamTool

_DEPLOYS = """
import sys
from pathlib import Path
from holdfast.delivery.command import CommandDeployer
from holdfast.model.config import DeployerSettings

settings, folder = DeployerSettings.model_validate_json(sys.argv[1]), Path(sys.argv[2])
deployer = CommandDeployer(settings, working_folder=folder, marks=folder / "marks")
deployer.deploy("shop", "v1", expect_version="v2", idempotency_key="k", timeout_seconds=60)
"""
_WAITS = [sys.executable, "-c", "import sys; sys.stdin.read()"]


def test_a_command_holds_the_mark_when_its_starter_has_let_go_of_it(tmp_path: Path) -> None:
    mark = RunningMark(tmp_path / "deeper" / "shop.lock")
    assert not mark.is_held()
    with mark.held() as descriptor:
        command = subprocess.Popen(_WAITS, stdin=subprocess.PIPE, pass_fds=(descriptor,))
    assert mark.is_held()
    with pytest.raises(PreconditionFailed, match="still runs"), mark.held():
        pass
    command.communicate()
    assert not mark.is_held()


def test_the_mark_is_free_again_when_its_command_has_ended_first(tmp_path: Path) -> None:
    mark = RunningMark(tmp_path / "shop.lock")
    with mark.held() as descriptor:
        subprocess.run([sys.executable, "-c", ""], check=True, pass_fds=(descriptor,))
        assert mark.is_held()
    assert not mark.is_held()


def test_a_command_that_outlives_the_process_that_deployed_counts_as_in_progress(
    tmp_path: Path,
) -> None:
    tool = TeamTool(tmp_path / "tool", {"shop": {"v2": 100.0}})
    tool.set_mood("hangs")
    settings = DeployerSettings(
        name="team",
        kind="command",
        current=tool.argv("current", "{service}"),
        deploy=tool.argv("deploy", "{service}", "{version}"),
    )
    deployer = CommandDeployer(settings, working_folder=tmp_path, marks=tmp_path / "marks")
    argv = [sys.executable, "-c", _DEPLOYS, settings.model_dump_json(), str(tmp_path)]
    with subprocess.Popen(argv) as worker:
        _wait_until((tmp_path / "tool" / "pids").exists)
        worker.kill()
    assert deployer.current("shop").in_progress
    with pytest.raises(PreconditionFailed, match="under way"):
        deployer.deploy("shop", "v1", expect_version="v2", idempotency_key="k", timeout_seconds=60)
    assert len(tool.log()) == 1
    for pid in tool.hung_pids():
        os.kill(pid, signal.SIGKILL)
    _wait_until(lambda: not deployer.current("shop").in_progress)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
