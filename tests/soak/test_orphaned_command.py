"""A worker dies while a team's slow deploy command runs: the next one waits for the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.model.incident import Status
from support import lab_tool
from support.small_lab import BAD, GOOD, small_lab
from support.worker import standing_by

pytestmark = [pytest.mark.soak]


def test_a_deploy_command_that_outlives_its_worker_is_waited_for_and_not_started_again(
    tmp_path: Path,
) -> None:
    log = tmp_path / "deploys.log"
    with small_lab(tmp_path / "lab") as lab:
        lab.begin()
        tool = lab_tool.settings(lab.handle.control_url, slow_log=log)
        world = lab.world(tmp_path / "holdfast", deployers=(tool,))
        with standing_by(world.config_path, "", "") as (first, second):
            lab.release_bad()
            first.go()
            first.until("claimed:act")
            lab.wait_for(log.exists, "the command")
            first.kill()
            second.go()
            second.until("finished")
        assert world.case().status is Status.CLOSED
        assert log.read_text().split() == [GOOD]
        assert lab.moves() == [("release train", BAD), ("deploy tool", GOOD)]
