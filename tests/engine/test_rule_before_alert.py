"""On re-injection of a fault its rule tells of it before the error budget does: live."""

from __future__ import annotations

import math
import threading
import time
from pathlib import Path

import pytest

from holdfast.catalog.template import fill
from holdfast.engine.preventing import prevent
from holdfast.engine.watching import Round
from holdfast.engine.world import World as Recorded
from holdfast.learning.action_items import derive_items
from holdfast.model.event import EvidenceKept, Noted, Prevented
from holdfast.model.service import Signal
from holdfast.reasoning.reasoner import Proposal
from holdfast.slo.rule_files import rules_in_force
from holdfast.surfaces.app import Holdfast
from support.incident import opened
from support.mechanism import Story, incident
from support.small_lab import (
    BAD,
    GOOD,
    HEALTHY_SECONDS,
    SCRAPE_SECONDS,
    SERVICE,
    SmallLab,
    World,
    small_lab,
)

pytestmark = [pytest.mark.long, pytest.mark.lab]

STEPS, STEP_SECONDS = (10, 50, 100), 2.5
_PATIENCE_SECONDS = 20.0
_MEASURED_POINTS = 8


def _recorded_incident(lab: SmallLab, world: Recorded) -> Story:
    """Give the bad version all traffic until it was measured, and take it back; nobody watches."""
    lab.begin()
    released = time.time()
    lab.handle.release(SERVICE, BAD, (100,), 0)
    lab.await_users(suffering=True)
    felt = time.time()
    lab.wait_for(
        lambda: _points_of_bad(world, felt) >= _MEASURED_POINTS, "its level to be measured"
    )
    lab.handle.release(SERVICE, GOOD, (100,), 0, actor="the test")
    return Story(
        healthy_from=released - HEALTHY_SECONDS,
        released=released,
        onset=felt - 0.5,
        alert=felt,
        rolled_back=time.time(),
        template=_template(world),
        step_seconds=SCRAPE_SECONDS,
        service=SERVICE,
        good=GOOD,
        bad=BAD,
    )


def _template(world: Recorded) -> str:
    return world.services[SERVICE].signals[Signal.STATEMENTS_PER_REQUEST]


def _points_of_bad(world: Recorded, since: float) -> int:
    """Return at how many scrapes the level of the bad version was a number."""
    level = fill(_template(world), 4 * SCRAPE_SECONDS, ("service_version",))
    now = time.time()
    if now - since < SCRAPE_SECONDS:
        return 0
    found = world.source.query_range(level, since, now, SCRAPE_SECONDS)
    own = [s for s in found.series if s.labels.get("service_version") == BAD]
    return sum(math.isfinite(value) for series in own for _, value in series.points)


def _prevented(lab: SmallLab, world: World) -> Prevented:
    """Derive, prove and put in force the rule of what was recorded."""
    with opened(world) as holdfast:
        case = incident(_recorded_incident(lab, holdfast.world))
        entries = [entry for told in prevent(case, Proposal(), holdfast.world) for entry in told]
        payload = entries[-1][1]
        assert isinstance(payload, Prevented)
        assert payload.prevention is not None, payload.reason
        settled = case.model_copy(update={"prevented": payload})
        items = {item.title: item.status for item in derive_items(settled, holdfast.world.config)}
        title = f"Alert on database statements per request of {SERVICE}, by version"
        assert items[title] == "done"
    return payload


def _rounds_until_opened(holdfast: Holdfast) -> list[Round]:
    rounds: list[Round] = []
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (rounds and rounds[-1].opened):
        assert time.monotonic() < deadline, "no incident was opened"
        rounds.append(holdfast.tick())
        time.sleep(SCRAPE_SECONDS / 2)
    return rounds


def test_the_rule_of_one_incident_tells_of_the_next_before_its_alert(tmp_path: Path) -> None:
    with small_lab(tmp_path / "lab") as lab:
        world = lab.world(tmp_path / "holdfast")
        told = _prevented(lab, world)
        assert told.prevention is not None
        assert told.prevention.proof.holds
        lab.begin()
        with opened(world) as holdfast:
            assert len(rules_in_force(holdfast.world.config.data_folder).rules) == 1
            assert not holdfast.tick().warnings
            release = threading.Thread(
                target=lambda: lab.handle.release(SERVICE, BAD, STEPS, STEP_SECONDS)
            )
            release.start()
            rounds = _rounds_until_opened(holdfast)
            release.join()
        first = next(found for found in rounds if found.warnings)
        seconds = (rounds[-1].at - first.at).total_seconds()
        print(f"the rule fired {seconds:.1f} s before the alert")
        assert seconds > 0
        assert first.warnings[0].labels["service_version"] == BAD
        payloads = [event.payload for event in world.events()]
        notes = [p.text for p in payloads if isinstance(p, Noted)]
        assert any("had told of it" in text for text in notes)
        assert any(
            isinstance(p, EvidenceKept) and p.evidence.source.endswith("warnings.jsonl")
            for p in payloads
        )
