"""The last step of a fix: all traffic, watched; and the worker that dies on the way there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.model.event import Claimed
from holdfast.model.incident import IncidentOutcome
from support.fix_lab import FIXED, FixLab, ended, fix_lab, settled, to_its_end
from support.small_lab import GOOD
from support.worker import standing_by

pytestmark = [pytest.mark.lab]

DEATHS = ("claimed:act", "performed:act", "claimed:act", "canary_looked", "claimed:act")
"""Before the stage and after it, before the merge, in the canary, before the release."""


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FixLab]:
    """A lab for each test: its deployer does nothing twice under one key, as it should."""
    with fix_lab(tmp_path_factory.mktemp("fixes")) as found:
        yield found


def test_a_release_that_breaks_the_objective_is_taken_back_and_so_is_its_merge(
    lab: FixLab, tmp_path: Path
) -> None:
    world, before = lab.world(tmp_path), lab.git("rev-parse", "main^{tree}")
    case = to_its_end(world, at="claimed:act release", then=lambda: lab.slow_down(1.0))
    ended(case, world, IncidentOutcome.MITIGATED_ONLY)
    assert settled(case, "release") == "not_seen"
    assert settled(case, "withdraw") == "seen"
    assert lab.serves() == {GOOD: 100.0}
    assert lab.git("rev-parse", "main^{tree}") == before


def test_workers_killed_at_each_write_of_a_fix_are_taken_over_and_nothing_is_done_twice(
    lab: FixLab, tmp_path: Path
) -> None:
    world = lab.world(tmp_path)
    with standing_by(world.config_path, *DEATHS, "") as workers:
        for worker, point in zip(workers[:-1], DEATHS, strict=True):
            worker.go()
            worker.until(point, timeout_seconds=40)
            worker.kill()
        workers[-1].go()
        workers[-1].until("finished", timeout_seconds=60)
    case = world.case()
    ended(case, world, IncidentOutcome.FIXED)
    killed = {e.payload.action_id for e in world.events() if isinstance(e.payload, Claimed)}
    assert killed == {a.action.id for a in case.actions.values()}
    assert lab.serves() == {FIXED: 100.0}
    keys = [d.idempotency_key for d in lab.lab.deployments() if d.actor == "holdfast"]
    assert sum(key.endswith(".act.1") for key in keys) == 1  # the release; shares have other keys
    assert len(lab.subjects()) == len(set(lab.subjects()))
