"""A bad release that is still being rolled out when it is found: taken back, or waited for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast.errors import DeliveryError
from holdfast.model.case import Case
from holdfast.model.incident import IncidentOutcome, Status
from support import lab_tool
from support.incident import resolved
from support.small_lab import BAD, GOOD, SERVICE, SmallLab, small_lab

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.xdist_group("release under way")]


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLab]:
    with small_lab(tmp_path_factory.mktemp("lab") / "lab") as lab:
        yield lab


@contextmanager
def slow_train(lab: SmallLab, *, step_seconds: float) -> Iterator[None]:
    """Release the bad version to most of the traffic, and to all of it after a step."""

    def release() -> None:
        try:
            lab.handle.release(SERVICE, BAD, (80, 100), step_seconds)
        except DeliveryError:
            return  # it was taken back

    train = threading.Thread(target=release)
    train.start()
    try:
        yield
    finally:
        train.join()


def test_a_release_that_is_still_rolled_out_is_taken_back_at_once(
    shared_lab: SmallLab, tmp_path: Path
) -> None:
    shared_lab.begin()
    world = shared_lab.world(tmp_path)
    with slow_train(shared_lab, step_seconds=15):
        case = resolved(world)
    _ended_well(case)
    assert [(d.to_version, d.status) for d in shared_lab.deployments()] == [
        (BAD, "cancelled"),
        (GOOD, "succeeded"),
    ]
    (action,) = case.actions.values()
    assert action.action.preconditions.versions == {SERVICE: {GOOD: 20.0, BAD: 80.0}}


def test_where_the_deployer_refuses_to_interrupt_the_rollback_waits_and_is_planned_anew(
    shared_lab: SmallLab, tmp_path: Path
) -> None:
    shared_lab.begin()
    world = shared_lab.world(
        tmp_path, deployers=(lab_tool.settings(shared_lab.handle.control_url),)
    )
    with slow_train(shared_lab, step_seconds=6):
        case = resolved(world)
    _ended_well(case)
    refused, done = case.actions.values()
    assert [(p.outcome, p.drifted) for p in refused.performances] == [("failed", True)]
    assert [p.outcome for p in done.performances] == ["done"]
    assert done.action.preconditions.versions == {SERVICE: {BAD: 100.0}}
    assert done.action.idempotency_key != refused.action.idempotency_key
    assert shared_lab.moves() == [("release train", BAD), ("deploy tool", GOOD)]


def test_what_a_person_took_back_meanwhile_is_not_done_again_and_is_seen_to_recover(
    shared_lab: SmallLab, tmp_path: Path
) -> None:
    shared_lab.begin()
    world = shared_lab.world(tmp_path)
    shared_lab.release_bad()
    case = resolved(world, at="action_proposed", then=lambda: _takes_it_back(shared_lab))
    (action,) = case.actions.values()
    assert action.guard is not None
    assert (action.guard.decision, action.guard.drifted) == ("deny", False)
    assert f"it does not hold that {SERVICE} serves {BAD}" in action.guard.reasons
    assert not case.contract_unmet
    assert (case.status, case.outcome) == (Status.CLOSED, IncidentOutcome.RECOVERED)
    assert shared_lab.moves() == [("release train", BAD), ("a person", GOOD)]


def _takes_it_back(lab: SmallLab) -> None:
    lab.handle.release(SERVICE, GOOD, (100,), 0, actor="a person")


def _ended_well(case: Case) -> None:
    assert not case.contract_unmet
    assert (case.status, case.outcome) == (Status.CLOSED, IncidentOutcome.MITIGATED_ONLY)
