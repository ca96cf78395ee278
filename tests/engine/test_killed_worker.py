"""A worker is killed with SIGKILL at every critical point of a rollback: the next one resumes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.small_lab import BAD, GOOD, SmallLab, small_lab
from support.worker import standing_by

from holdfast.model.incident import IncidentOutcome, Status

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("killed worker")]


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLab]:
    with small_lab(tmp_path_factory.mktemp("lab") / "lab") as lab:
        yield lab


@pytest.fixture
def lab(shared_lab: SmallLab) -> SmallLab:
    shared_lab.begin()
    return shared_lab


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("guarded", id="before the rollback is claimed"),
        pytest.param("claimed:act", id="after the claim, before the deployer is asked"),
        pytest.param("performed:act", id="after the rollback, before its effect is verified"),
    ],
)
def test_a_killed_worker_is_taken_over_and_rolls_back_once(
    lab: SmallLab, tmp_path: Path, point: str
) -> None:
    world = lab.world(tmp_path)
    with standing_by(world.config_path, point, "") as (first, second):
        lab.release_bad()
        first.go()
        first.until(point)
        first.kill()
        second.go()
        second.until("finished")
    case = world.case()
    assert (case.status, case.outcome) == (Status.CLOSED, IncidentOutcome.MITIGATED_ONLY)
    assert lab.moves() == [("release train", BAD), ("holdfast", GOOD)]
