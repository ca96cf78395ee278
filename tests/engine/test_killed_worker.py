"""A worker is killed with SIGKILL at every critical point of a rollback: the next one resumes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.lab.records import FaultRequest
from holdfast.model.case import Case
from holdfast.model.incident import IncidentOutcome, Status
from support.person import decides
from support.small_lab import (
    BAD,
    GOOD,
    HOLD_SECONDS,
    SERVICE,
    SmallLab,
    World,
    asking_policy,
    small_lab,
)
from support.worker import Worker, standing_by

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("killed worker")]

FROZEN = ("guarded", "claimed:act", "performed:act")
"""Points at which the worker stands still until it is killed."""


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLab]:
    with small_lab(tmp_path_factory.mktemp("lab") / "lab") as lab:
        yield lab


@pytest.fixture
def lab(shared_lab: SmallLab) -> SmallLab:
    shared_lab.begin()
    return shared_lab


@pytest.mark.parametrize(
    "points",
    [
        pytest.param(("guarded", "claimed:act"), id="before the claim, then after it"),
        pytest.param(("deploying", "performed:act"), id="inside the deployment, then after it"),
        pytest.param(("deployed", "holding"), id="before the answer, then in the hold"),
    ],
)
def test_a_worker_killed_twice_is_taken_over_and_rolls_back_once(
    lab: SmallLab, tmp_path: Path, points: tuple[str, str]
) -> None:
    world = lab.world(tmp_path)
    freeze = [point if point in FROZEN else "" for point in points]
    with standing_by(world.config_path, *freeze, "") as workers:
        lab.release_bad()
        lab.handle.fault(_fault_for(points[0]))
        for worker, point in zip(workers, points, strict=False):
            worker.go()
            _reach(point, worker, lab)
            worker.kill()
        workers[-1].go()
        workers[-1].until("finished")
    case = _ended_well_with_one_rollback(world, lab)
    # what was claimed and not carried out is claimed again, once, under the same key
    attempts = [claim.attempt for known in case.actions.values() for claim in known.claims]
    assert attempts == ([1, 2] if "claimed:act" in points else [1])


def test_an_approval_given_while_the_worker_was_dead_lets_the_next_one_act(
    lab: SmallLab, tmp_path: Path
) -> None:
    world = lab.world(tmp_path, asking_policy())
    with standing_by(world.config_path, "", "") as (first, second):
        lab.release_bad()
        first.go()
        first.until("guarded")
        time.sleep(0.5)
        first.kill()
        assert lab.moves() == [("release train", BAD)]
        assert world.case().awaits_approval
        decides(world, "approve", by="kim")
        second.go()
        second.until("finished")
    _ended_well_with_one_rollback(world, lab)


def _fault_for(point: str) -> FaultRequest:
    moment = "end" if point == "deployed" else "start"
    return FaultRequest(deploy_hangs_seconds=0.7, deploy_hangs_at=moment)


def _reach(point: str, worker: Worker, lab: SmallLab) -> None:
    match point:
        case "deploying":
            worker.until("claimed:act")
            lab.wait_for(lambda: lab.handle.state().services[SERVICE].in_progress, point)
        case "deployed":
            worker.until("claimed:act")
            lab.wait_for(lambda: lab.moves()[-1] == ("holdfast", GOOD) and _over(lab), point)
            lab.handle.fault(FaultRequest(deploy_hangs_seconds=0))
        case "holding":
            worker.until("performed:act")
            time.sleep(HOLD_SECONDS / 2)
            assert "verified" not in worker.said
        case _:
            worker.until(point)


def _over(lab: SmallLab) -> bool:
    return lab.deployments()[-1].status == "succeeded"


def _ended_well_with_one_rollback(world: World, lab: SmallLab) -> Case:
    case = world.case()
    assert not case.contract_unmet
    assert (case.status, case.outcome) == (Status.CLOSED, IncidentOutcome.MITIGATED_ONLY)
    assert lab.moves() == [("release train", BAD), ("holdfast", GOOD)]
    return case
