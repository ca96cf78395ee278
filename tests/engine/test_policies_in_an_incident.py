"""What a policy does not allow is not done: the incident goes to a person, with a report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.model.case import Case
from holdfast.model.incident import IncidentOutcome, Status
from holdfast.model.policy import Policy
from holdfast.surfaces.app import Holdfast
from support.incident import opened, resolved, to_the_end, until_opened
from support.person import decides
from support.small_lab import (
    BAD,
    GOOD,
    HEALTHY_SECONDS,
    POLICY,
    SmallLab,
    World,
    asking_policy,
    small_lab,
)

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("policies")]

TITLE = f"Roll customer-api back from {BAD} to {GOOD}"


@pytest.fixture(scope="module")
def suffering_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLab]:
    """A lab whose bad release stays: nobody here may take it back, but the last test."""
    with small_lab(tmp_path_factory.mktemp("lab") / "lab") as lab:
        lab.begin(healthy_seconds=2 * HEALTHY_SECONDS)
        lab.release_bad()
        yield lab


@pytest.fixture(scope="module")
def waiting(
    suffering_lab: SmallLab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Holdfast, World, str]]:
    """An incident that waits for a person while the other tests run."""
    world = _world(suffering_lab, tmp_path_factory.mktemp("waiting"), asking_policy())
    with opened(world) as holdfast:
        yield holdfast, world, _waiting_for_a_person(holdfast)


@pytest.fixture
def lab(suffering_lab: SmallLab, waiting: tuple[Holdfast, World, str]) -> SmallLab:
    assert suffering_lab.moves() == [("release train", BAD)]
    return suffering_lab


def test_at_observe_nothing_is_written_and_the_report_says_what_would_have_been_done(
    lab: SmallLab, tmp_path: Path
) -> None:
    world = _world(lab, tmp_path, POLICY.model_copy(update={"rules": ()}))
    case = resolved(world)
    _handed_over(case, lab, f"would have done: {TITLE}")
    assert case.postmortem is not None
    report = Path(case.postmortem.markdown_path).read_text().replace("`", "")
    assert f"would have done: {TITLE}" in report


def test_a_policy_that_cannot_be_read_denies(lab: SmallLab, tmp_path: Path) -> None:
    world = _world(lab, tmp_path)
    with opened(world) as holdfast:
        world.write_policy("rules: [")
        to_the_end(holdfast, until_opened(holdfast))
    _handed_over(world.case(), lab, "the policy cannot be evaluated")


def test_a_paused_policy_denies(lab: SmallLab, tmp_path: Path) -> None:
    world = _world(lab, tmp_path, POLICY.model_copy(update={"paused": True}))
    _handed_over(resolved(world), lab, "is paused: nothing is written anywhere")


def test_what_a_person_rejects_is_not_done(lab: SmallLab, tmp_path: Path) -> None:
    world = _world(lab, tmp_path, asking_policy())
    with opened(world) as holdfast:
        incident_id = _waiting_for_a_person(holdfast)
        decides(world, "reject", by="kim")
        to_the_end(holdfast, incident_id)
    _handed_over(world.case(), lab, "kim refused it")


def test_what_a_person_approves_is_done_once(
    lab: SmallLab, waiting: tuple[Holdfast, World, str]
) -> None:
    holdfast, world, incident_id = waiting
    decides(world, "approve", by="kim")
    to_the_end(holdfast, incident_id)
    assert world.case().status is Status.CLOSED
    assert lab.moves() == [("release train", BAD), ("holdfast", GOOD)]


def _world(lab: SmallLab, folder: Path, policy: Policy = POLICY) -> World:
    """Return a world that looks back far: the release has been bad for a while already."""
    return lab.world(folder, policy, comparison_window_seconds=60)


def _waiting_for_a_person(holdfast: Holdfast) -> str:
    """Return the incident once it waits, and has shown that it goes on waiting."""
    incident_id = until_opened(holdfast)
    deadline = time.monotonic() + 10
    while not holdfast.case(incident_id).awaits_approval:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not holdfast.wait(incident_id, 0.5)
    assert not holdfast.case(incident_id).concluded
    return incident_id


def _handed_over(case: Case, lab: SmallLab, why: str) -> None:
    """It is escalated with its gaps and a report, and nothing was written to the world."""
    assert case.outcome is IncidentOutcome.ESCALATED
    assert case.status is not Status.CLOSED
    assert case.escalated is not None
    assert any(why in gap for gap in case.escalated.gaps), case.escalated.gaps
    assert case.postmortem is not None
    assert not any(known.claims for known in case.actions.values())
    assert lab.moves() == [("release train", BAD)]
