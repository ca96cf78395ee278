"""From mitigated to fixed on a real lab, although the worker dies at each write on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.model.event import Claimed
from holdfast.model.incident import IncidentOutcome
from support.fix_lab import FIXED, FixLab, ended, fix_lab
from support.worker import standing_by

pytestmark = [pytest.mark.long, pytest.mark.lab]

DEATHS = ("claimed:act", "performed:act", "claimed:act", "canary_looked", "claimed:act")
"""Before the stage and after it, before the merge, in the canary, before the release."""


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FixLab]:
    """A lab of its own: a deployer does nothing twice under one key, as it should."""
    with fix_lab(tmp_path_factory.mktemp("fixes")) as found:
        yield found


def test_a_fix_reaches_all_users_though_workers_die_at_each_of_its_writes_and_nothing_is_done_twice(
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
    purposes = [a.action.purpose for a in case.actions.values()]
    assert purposes == ["mitigate", "stage", "merge", "canary", "release"]
    assert "Load related rows with their query, not one by one" in lab.subjects()
    assert case.prevented is not None
    assert case.prevented.prevention is not None
    assert case.prevented.prevention.proof.holds
    assert lab.serves() == {FIXED: 100.0}
    keys = [d.idempotency_key for d in lab.lab.deployments() if d.actor == "holdfast"]
    assert sum(key.endswith(".act.1") for key in keys) == 1  # the release; shares have other keys
    assert len(lab.subjects()) == len(set(lab.subjects()))
