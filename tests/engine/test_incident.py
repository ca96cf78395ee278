"""One bad release from alert to closed incident, with both kinds of deployer, and its replay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast import flow
from holdfast.engine.stage import Stage
from holdfast.ledger.chain import check_chain
from holdfast.model.case import Case
from holdfast.model.event import Claimed, Event, Performed, StatusChanged, TestObserved
from support import lab_tool
from support.incident import resolved
from support.incident_checks import ended_well, is_rolled_back_and_proven
from support.replay import MemoryDeployer, Replay, close_briefly, learn_briefly, take_up
from support.small_lab import BAD, GOOD, SmallLab, World, small_lab

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("incident")]


End = tuple[str, str | None, str, frozenset[tuple[str, str, str]]]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLab]:
    with small_lab(tmp_path_factory.mktemp("lab") / "lab") as lab:
        yield lab


@pytest.fixture(scope="module")
def recorded(lab: SmallLab, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The world of a bad release that was rolled back; the lab's recorder goes on."""
    return is_rolled_back_and_proven(lab, tmp_path_factory.mktemp("holdfast"))


def test_a_bad_release_is_rolled_back_and_proven_on_the_embedded_recorder(recorded: World) -> None:
    ended_well(recorded.case())


def test_a_bad_release_is_rolled_back_by_a_teams_own_command(lab: SmallLab, tmp_path: Path) -> None:
    lab.begin()
    tool = lab_tool.settings(lab.handle.control_url)
    world = lab.world(tmp_path, deployers=(tool,))
    lab.release_bad()
    ended_well(resolved(world))
    assert lab.moves() == [("release train", BAD), ("deploy tool", GOOD)]


def test_taken_up_after_any_of_its_steps_the_incident_comes_to_the_same_end(
    recorded: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    briefly = {Stage.LEARN: learn_briefly, Stage.CLOSE: close_briefly}
    monkeypatch.setattr(flow, "STAGES", {**flow.STAGES, **briefly})
    events = _investigation(recorded.events())
    wanted = end_of(recorded.case())
    for known in _ends_of_steps(events):
        for took_effect in _possible(events[:known]):
            deployer = MemoryDeployer(GOOD if took_effect else BAD)
            folder = tmp_path / f"{known}-{took_effect}"
            replay = take_up(recorded.config_path, events[:known], folder, deployer)
            assert end_of(replay.to_the_end()) == wanted, (known, events[known - 1].payload.kind)
            assert deployer.serving == GOOD
            assert len(deployer.deployed) == (0 if took_effect else 1), known
            _is_finished_for_good(replay)


def _ends_of_steps(events: tuple[Event, ...]) -> list[int]:
    """Return how many events there are after each step: what is told at once has one time.

    Of the answers to tests, which are many and alike, a few are enough.
    """
    ends = [
        number
        for number, event in enumerate(events, start=1)
        if number == len(events) or events[number].at != event.at
    ]
    answers = [number for number in ends if isinstance(events[number - 1].payload, TestObserved)]
    return sorted({*ends} - {*answers} | {*answers[::16]})


def _investigation(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Return the events up to the conclusion."""
    concluded = next(
        i
        for i, e in enumerate(events)
        if isinstance(e.payload, StatusChanged) and e.payload.outcome
    )
    return events[: concluded + 1]


def _possible(events: tuple[Event, ...]) -> tuple[bool, ...]:
    """Return whether the rollback took effect: after a claim without an answer it may have."""
    claimed = any(isinstance(e.payload, Claimed) for e in events)
    performed = any(isinstance(e.payload, Performed) for e in events)
    return (performed,) if performed or not claimed else (False, True)


def _is_finished_for_good(replay: Replay) -> None:
    """Advanced once more, it says nothing more; its ledger is whole."""
    events = replay.world.ledger.events(replay.incident_id)
    assert flow.advance(replay.incident_id, replay.world).finished
    assert replay.world.ledger.events(replay.incident_id) == events
    check_chain(events)
    replay.world.ledger.close()
    replay.world.source.close()


def end_of(case: Case) -> End:
    """Return what an incident came to, without its ids and times."""
    (action,) = case.actions.values()
    verdict = action.verdict.effect if action.verdict else ""
    believed = frozenset(
        (h.mechanism, h.statement, h.status.value) for h in case.hypotheses.values()
    )
    return case.outcome or "", action.outcome_of("act"), verdict, believed
