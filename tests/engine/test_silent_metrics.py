"""A metrics source that goes silent is `no data`: it opens nothing, and proves no health."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.model.case import Case
from holdfast.model.config import MetricsSettings
from holdfast.model.incident import IncidentOutcome, Status
from support.incident import opened, resolved, to_the_end
from support.small_lab import BAD, GOOD, POLICY, SERVICE, SmallLab, World, small_lab

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("silent metrics")]

IMPATIENT = POLICY.model_copy(update={"mitigation_deadline_seconds": 2.0})
SENTENCE = "P95 went from 40 ms to 2 s, customers time out"
NOT_HEALTH = (IncidentOutcome.ESCALATED, IncidentOutcome.UNRESOLVED)


@pytest.fixture(scope="module")
def silenced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmallLab, World]]:
    """A lab whose recorder was killed as soon as a rollback was done, and that incident."""
    folder = tmp_path_factory.mktemp("silenced")
    with small_lab(folder / "lab") as lab:
        lab.begin()
        world = lab.world(folder / "holdfast", IMPATIENT)
        lab.release_bad()
        resolved(world, at="performed:act", then=lambda: _kill_the_recorder(lab))
        yield lab, world


def test_silence_after_an_action_is_no_verdict_and_goes_to_a_person(
    silenced: tuple[SmallLab, World],
) -> None:
    lab, world = silenced
    case = world.case()
    (action,) = case.actions.values()
    assert action.verdict is not None
    assert (action.verdict.effect, case.outcome) == ("no_data", IncidentOutcome.ESCALATED)
    assert case.status not in (Status.MITIGATED, Status.CLOSED)
    assert "mitigated" not in case.milestones
    assert case.escalated is not None
    assert any("no data" in gap for gap in case.escalated.gaps), case.escalated.gaps
    # nobody knows whether to take it back: it is left as it is
    assert lab.moves() == [("release train", BAD), ("holdfast", GOOD)]


def test_a_silent_source_reads_as_no_data_and_proves_no_health(
    silenced: tuple[SmallLab, World], tmp_path: Path
) -> None:
    lab, _ = silenced
    states, case = _watched_and_asked(lab.world(tmp_path))
    assert states == {"no_data"}
    assert case.outcome in NOT_HEALTH
    _gap_names(case, "no data")


def test_a_source_that_cannot_be_reached_reads_as_an_error_and_proves_no_health(
    silenced: tuple[SmallLab, World], tmp_path: Path
) -> None:
    lab, _ = silenced
    gone = MetricsSettings(kind="prometheus", url="http://127.0.0.1:9", resolution_seconds=1)
    states, case = _watched_and_asked(lab.world(tmp_path, metrics=gone))
    assert states == {"error"}
    assert case.outcome in NOT_HEALTH
    _gap_names(case, "cannot be reached")


def _watched_and_asked(world: World) -> tuple[set[str], Case]:
    """Return the states that the watch reads, and the incident that a sentence opens."""
    with opened(world) as holdfast:
        found = holdfast.tick()
        assert not found.opened
        to_the_end(holdfast, holdfast.respond(SENTENCE, SERVICE))
    return {reading.state for reading in found.readings}, world.case()


def _gap_names(case: Case, why: str) -> None:
    assert case.status is not Status.CLOSED
    assert case.escalated is not None
    assert any(why in gap for gap in case.escalated.gaps), case.escalated.gaps


def _kill_the_recorder(lab: SmallLab) -> None:
    processes = {process.name: process.pid for process in lab.handle.state().processes}
    os.kill(processes["recorder"], signal.SIGKILL)
