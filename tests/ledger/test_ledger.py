"""The ledger: gapless, once per step, chained, folded."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from holdfast.errors import ChainBroken, LedgerError, NotFound, StepTaken
from holdfast.ledger.chain import check_chain
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Ledger
from holdfast.model.event import Event, Noted, Opened
from holdfast.model.ids import new_id
from holdfast.model.incident import Severity


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.at(tmp_path)


def open_incident(ledger: Ledger) -> str:
    incident = new_id("inc")
    opened = Opened(
        title="slow", service="shop", slo=None, severity=Severity.SEV2, severity_reason="a test"
    )
    ledger.append(incident, [("opened", opened)], actor="test")
    return incident


def notes(ledger: Ledger, incident: str, *keys: str) -> tuple[Event, ...]:
    return ledger.append(incident, [(key, Noted(text=key)) for key in keys], actor="test")


def test_sequences_have_no_gaps_and_the_chain_holds(ledger: Ledger) -> None:
    incident = open_incident(ledger)
    notes(ledger, incident, "a", "b")
    notes(ledger, incident, "c")
    events = ledger.events(incident)
    assert [e.sequence for e in events] == [1, 2, 3, 4]
    check_chain(events)


def test_a_step_is_taken_once_and_a_refused_append_leaves_nothing(ledger: Ledger) -> None:
    incident = open_incident(ledger)
    notes(ledger, incident, "a")
    with pytest.raises(StepTaken):
        notes(ledger, incident, "b", "a")
    assert not ledger.has(incident, "b")
    assert len(ledger.events(incident)) == 2


def test_of_many_workers_one_takes_the_step(ledger: Ledger) -> None:
    incident = open_incident(ledger)
    refused: list[StepTaken] = []

    def claim() -> None:
        try:
            notes(ledger, incident, "claim")
        except StepTaken as error:
            refused.append(error)

    workers = [threading.Thread(target=claim) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(refused) == 7
    check_chain(ledger.events(incident))


@pytest.mark.parametrize("position", range(1, 4))
def test_a_changed_entry_is_named(ledger: Ledger, position: int) -> None:
    incident = open_incident(ledger)
    notes(ledger, incident, "a", "b", "c")
    events = list(ledger.events(incident))
    events[position] = events[position].model_copy(update={"payload": Noted(text="forged")})
    with pytest.raises(ChainBroken, match=f"entry {position + 1} "):
        check_chain(events)


def test_a_removed_and_a_reordered_entry_are_named(ledger: Ledger) -> None:
    incident = open_incident(ledger)
    notes(ledger, incident, "a", "b")
    first, second, third = ledger.events(incident)
    with pytest.raises(ChainBroken, match="entry 2 is missing"):
        check_chain([first, third])
    with pytest.raises(ChainBroken):
        check_chain([first, third, second])


def test_events_read_back_as_they_were_appended(ledger: Ledger) -> None:
    incident = open_incident(ledger)
    appended = notes(ledger, incident, "a")
    assert ledger.events(incident, after=1) == appended


def test_an_incident_is_found_by_a_unique_part_of_its_id(ledger: Ledger) -> None:
    first, second = open_incident(ledger), open_incident(ledger)
    assert ledger.find(second) == second
    assert ledger.find(first[-6:]) == first
    assert ledger.find("last") == max(first, second)
    with pytest.raises(NotFound, match="2 incidents match"):
        ledger.find("inc-")
    with pytest.raises(NotFound, match="no incident matches"):
        ledger.find("zzz-nothing")


def test_a_fold_needs_an_opening(ledger: Ledger) -> None:
    incident = new_id("inc")
    notes(ledger, incident, "a")
    with pytest.raises(LedgerError, match="does not begin"):
        fold(ledger.events(incident))


def test_a_subscriber_hears_every_event_once_in_order(ledger: Ledger) -> None:
    heard: list[Event] = []
    ledger.subscribe(heard.append)
    incident = open_incident(ledger)
    notes(ledger, incident, "a", "b")
    assert tuple(heard) == ledger.events(incident)
