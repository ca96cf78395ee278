"""When a write fails: a deployer that hangs is probed, a rollback that is vain is undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.lab.records import FaultRequest
from holdfast.model.case import ActionCase, Case
from holdfast.model.incident import IncidentOutcome, Status
from support import lab_tool
from support.incident import resolved
from support.small_lab import BAD, GOOD, POLICY, SERVICE, SmallLab, small_lab

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.xdist_group("failing writes")]

IMPATIENT = POLICY.model_copy(update={"mitigation_deadline_seconds": 2.5})


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLab]:
    with small_lab(tmp_path_factory.mktemp("lab") / "lab") as lab:
        yield lab


@pytest.fixture
def lab(shared_lab: SmallLab) -> SmallLab:
    shared_lab.begin()
    return shared_lab


def test_a_deployer_that_hangs_is_timed_out_and_probed_until_it_is_done(
    lab: SmallLab, tmp_path: Path
) -> None:
    world = lab.world(tmp_path)
    lab.release_bad()
    lab.handle.fault(FaultRequest(deploy_hangs_seconds=1.5))
    case = resolved(world, deploy_timeout_seconds=0.5)
    assert _performed(case) == [("act", "unknown"), ("act", "done")]
    assert (case.status, case.outcome) == (Status.CLOSED, IncidentOutcome.MITIGATED_ONLY)
    assert lab.moves() == [("release train", BAD), ("holdfast", GOOD)]


def test_a_deploy_command_that_hangs_for_ever_is_tried_twice_and_handed_to_a_person(
    lab: SmallLab, tmp_path: Path
) -> None:
    tool = lab_tool.settings(lab.handle.control_url, hangs=True)
    world = lab.world(tmp_path, deployers=(tool,))
    lab.release_bad()
    case = resolved(world, deploy_timeout_seconds=0.5)
    assert _performed(case) == [("act", "unknown"), ("act", "unknown"), ("act", "failed")]
    _handed_over(case, "nothing has changed after 2 attempts")
    assert lab.moves() == [("release train", BAD)]


def test_a_rollback_that_does_not_help_is_undone_and_handed_to_a_person(
    lab: SmallLab, tmp_path: Path
) -> None:
    world = lab.world(tmp_path, IMPATIENT)
    _slow_whatever_the_version(lab)
    case = resolved(world)
    assert _performed(case) == [("act", "done"), ("undo", "done")]
    assert _effect(case) == "not_seen"
    _handed_over(case, "measured, and not so")
    assert case.escalated is not None
    assert "did not help and was undone" in case.escalated.reason
    assert lab.moves() == [("release train", BAD), ("holdfast", GOOD), ("holdfast", BAD)]


def test_a_pause_in_the_middle_stops_the_undo_as_well(lab: SmallLab, tmp_path: Path) -> None:
    world = lab.world(tmp_path, IMPATIENT)
    _slow_whatever_the_version(lab)
    paused = IMPATIENT.model_copy(update={"paused": True})
    case = resolved(world, at="performed:act", then=lambda: world.write_policy(paused))
    assert _performed(case) == [("act", "done")]
    _handed_over(case, "is paused: nothing is written anywhere")
    assert case.escalated is not None
    assert "to undo it was not allowed" in case.escalated.reason
    assert lab.moves() == [("release train", BAD), ("holdfast", GOOD)]


def _slow_whatever_the_version(lab: SmallLab) -> None:
    lab.release_bad()
    lab.handle.fault(FaultRequest(service=SERVICE, delay_seconds=0.4))


def _performed(case: Case) -> list[tuple[str, str]]:
    return [(p.part, p.outcome) for p in _action(case).performances]


def _effect(case: Case) -> str | None:
    verdict = _action(case).verdict
    return verdict.effect if verdict else None


def _action(case: Case) -> ActionCase:
    (action,) = case.actions.values()
    return action


def _handed_over(case: Case, gap: str) -> None:
    """It is escalated, says why, is not closed, and has its report."""
    assert case.outcome is IncidentOutcome.ESCALATED
    assert case.status not in (Status.CLOSED, Status.RESOLVED)
    assert case.escalated is not None
    assert case.escalated.gaps
    assert any(gap in known for known in case.escalated.gaps), case.escalated.gaps
    assert case.postmortem is not None
