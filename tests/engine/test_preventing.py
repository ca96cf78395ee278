"""The stage that prevents a repeat: what it leaves behind, whenever it is stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.engine.preventing import prevent
from holdfast.engine.world import World
from holdfast.learning.action_items import derive_items
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Entry
from holdfast.model.case import Case
from holdfast.model.event import EvidenceKept, Noted, Opened, Prevented
from holdfast.model.evidence import Outcome
from holdfast.model.incident import Severity
from holdfast.reasoning.reasoner import Proposal
from holdfast.slo.rule_files import put_in_force, rule_path, rules_in_force
from holdfast.surfaces.app import make_world
from support.mechanism import START, Level, Story, config, incident, recorded, usual

STORY = Story()
UNTIL = START + 300


@contextmanager
def _world(folder: Path, level: Level | None = None) -> Iterator[World]:
    with recorded(folder, STORY, level or usual(STORY), UNTIL):
        world = make_world(config(folder, STORY), folder)
        try:
            yield world
        finally:
            world.source.close()
            world.ledger.close()


def _told(world: World, case: Case) -> list[Entry]:
    batches = list(prevent(case, Proposal(), world))
    assert len(batches) == 1, "what is told is told at once"
    return list(batches[0])


def _prevented(entries: list[Entry]) -> Prevented:
    key, payload = entries[-1]
    assert key == "prevented"
    assert isinstance(payload, Prevented)
    return payload


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with _world(tmp_path) as made:
        yield made


def test_a_proven_rule_is_in_force_and_its_evidence_is_kept(world: World) -> None:
    case = incident()
    told = _told(world, case)
    found = _prevented(told).prevention
    assert found is not None
    in_force = rules_in_force(world.config.data_folder)
    assert [r.rule for r in in_force.rules] == [found.rule]
    assert in_force.rules[0].path == rule_path(world.config.data_folder, case.incident_id)
    kept = {p.evidence.id: p.evidence for _, p in told if isinstance(p, EvidenceKept)}
    assert set(found.proof.evidence_ids) <= kept.keys()
    assert all(item.outcome is not Outcome.ERROR for item in kept.values())


def test_killed_before_it_could_tell_it_does_the_same_again(world: World) -> None:
    case = incident()
    stopped = prevent(case, Proposal(), world)
    first = _prevented(list(next(stopped)))  # the file is there, and the ledger never hears of it
    del stopped
    path = rule_path(world.config.data_folder, case.incident_id)
    written = path.read_bytes()
    again = _prevented(_told(world, case))
    assert path.read_bytes() == written
    assert first.prevention is not None
    assert again.prevention is not None
    assert again.prevention.rule == first.prevention.rule
    assert again.prevention.id == first.prevention.id


def test_where_no_rule_is_proven_none_of_the_incident_is_left_in_force(tmp_path: Path) -> None:
    with _world(tmp_path, usual(STORY, calm=4, trouble=5)) as world:
        case = incident()
        with _world(tmp_path / "other") as other:
            rule = _prevented(_told(other, case)).prevention
        assert rule is not None
        put_in_force(world.config.data_folder, case.incident_id, [rule.rule])
        told = _prevented(_told(world, case))
        assert told.prevention is None
        assert "is not clearly above" in told.reason
        assert rules_in_force(world.config.data_folder).rules == ()


def test_no_mechanism_is_an_answer_and_no_error(world: World) -> None:
    told = _told(world, incident(hypotheses={}))
    assert len(told) == 1
    assert "no mechanism is supported" in _prevented(told).reason


def test_an_incident_that_cannot_be_read_makes_earlier_time_doubtful(world: World) -> None:
    healthy = _prevented(_told(world, incident())).prevention
    world.ledger.append("inc-00broken", [("note", Noted(text="no beginning"))], actor="test")
    doubtful = _prevented(_told(world, incident())).prevention
    assert healthy is not None
    assert doubtful is not None
    assert len(doubtful.proof.evidence_ids) == len(healthy.proof.evidence_ids) - 2


def test_with_the_rule_in_force_the_alert_s_item_is_done(world: World) -> None:
    case = incident()
    opened = Opened(
        title="it burns", service="shelf", slo=None, severity=Severity.SEV1, severity_reason="x"
    )
    at = datetime.fromtimestamp(STORY.alert, UTC)
    world.ledger.append(case.incident_id, [("opened", opened)], actor="test", at=at)
    world.ledger.append(case.incident_id, _told(world, case), actor="test", at=at)
    folded = fold(world.ledger.events(case.incident_id))
    assert folded.prevented is not None
    items = derive_items(case.model_copy(update={"prevented": folded.prevented}), world.config)
    by_title = {item.title: item.status for item in items}
    assert by_title["Alert on database statements per request of shelf, by version"] == "done"
    assert sorted(by_title.values()).count("done") == 1
