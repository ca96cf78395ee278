"""A watch follows the rules in force: it warns, keeps what it told, and pages nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.engine.warning import TOLD_COLUMNS
from holdfast.engine.watching import Round, Watch
from holdfast.engine.world import World
from holdfast.ledger.fold import fold
from holdfast.model.event import Event, EvidenceKept, MilestoneReached, Noted
from holdfast.model.evidence import EvidenceKind, Table
from holdfast.model.prevention import AlertRule
from holdfast.slo.conditions import above
from holdfast.slo.rule_files import put_in_force, rules_folder, withdraw
from holdfast.slo.warning_log import read
from holdfast.surfaces.app import make_world
from support.mechanism import BAD, START, STATEMENTS, Story, config, recorded, usual

STORY = Story(released=START + 20, onset=START + 30, alert=0, rolled_back=START + 60)
LEVEL = STATEMENTS.replace("$window", "4s").replace("$by", "service_version")
RULE = AlertRule(
    name="StatementsPerRequestHigh",
    expression=above(LEVEL, 8),
    for_seconds=1,
    labels={"service": "shelf", "severity": "warning"},
    annotations={"summary": "it asks too often"},
)


class Clock:
    """Shows the time that it is set to."""

    def __init__(self) -> None:
        self.at = datetime.fromtimestamp(START, UTC)

    def __call__(self) -> datetime:
        return self.at


class Watched:
    """A watch over what is recorded, at times that the test chooses."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        made = make_world(config(folder, STORY), folder)
        self.world: World = replace(made, clock=self.clock)
        self.folder = self.world.config.data_folder
        self.watch = Watch(self.world)

    def round(self, seconds: float) -> Round:
        """Make a round so long after the start."""
        self.clock.at = datetime.fromtimestamp(START + seconds, UTC)
        return self.watch.tick()

    def until(self, first: int, last: int) -> list[Round]:
        """Make a round each second."""
        return [self.round(second) for second in range(first, last + 1)]

    def restart(self) -> None:
        """Watch anew, as after the death of the process."""
        self.watch = Watch(self.world)

    def events(self) -> tuple[Event, ...]:
        """The events of the only incident."""
        (incident,) = self.world.ledger.incident_ids()
        return self.world.ledger.events(incident)

    def close(self) -> None:
        """Release what it holds."""
        self.world.source.close()
        self.world.ledger.close()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with recorded(tmp_path, STORY, usual(STORY), START + 90):
        made = Watched(tmp_path)
        put_in_force(made.folder, "inc-1", [RULE])
        yield made
        made.close()


def test_a_rule_warns_at_a_tenth_of_the_traffic_and_is_no_page(watched: Watched) -> None:
    assert not any(found.warnings for found in watched.until(10, 21))
    rounds = watched.until(22, 29)
    warned = [found for found in rounds if found.warnings]
    assert warned, [found.rules for found in rounds]
    assert not any(found.opened for found in rounds)
    warning = warned[0].warnings[0]
    assert (warning.name, warning.service) == ("StatementsPerRequestHigh", "shelf")
    assert (warning.labels["service_version"], warning.value) == (BAD, pytest.approx(60))
    assert warned[-1].warnings[0].since == warning.since, "it is one warning"
    assert [entry.event for entry in read(watched.folder).entries] == ["began"]


def test_what_was_warned_of_is_noted_with_the_incident_that_follows(watched: Watched) -> None:
    rounds = watched.until(20, 45)
    opened = next(found for found in rounds if found.opened)
    began = next(found for found in rounds if found.warnings)
    assert began.at < opened.at
    payloads = [event.payload for event in watched.events()]
    note = next(p for p in payloads if isinstance(p, Noted))
    seconds = (opened.at - began.at).total_seconds()
    assert f"had told of it {seconds:.1f} s before" in note.text
    kept = [p.evidence for p in payloads if isinstance(p, EvidenceKept)]
    table = next(item for item in kept if item.kind is EvidenceKind.LEDGER)
    assert isinstance(table.value, Table)
    assert table.value.columns == TOLD_COLUMNS
    row = dict(zip(TOLD_COLUMNS, table.value.rows[0], strict=True))
    assert (row["rule"], row["source"], row["version"]) == (RULE.name, "inc-1", BAD)
    assert row["seconds_before"] == seconds
    detected = next(p.milestone for p in payloads if isinstance(p, MilestoneReached))
    assert table.id not in detected.evidence_ids, "a warning detects nothing"
    assert fold(watched.events()).opened.alert is not None


def test_a_person_s_report_names_what_a_watch_elsewhere_warns_of(watched: Watched) -> None:
    watched.until(20, 28)
    watched.restart()
    watched.watch.open_from_sentence("pages are slow", "shelf")
    assert any(isinstance(event.payload, Noted) for event in watched.events())


def test_a_warning_ends_when_the_version_is_gone_and_both_are_kept(watched: Watched) -> None:
    watched.until(20, 59)
    rounds = watched.until(60, 80)
    assert not rounds[-1].warnings
    assert rounds[-1].rules.readings[0].state == "ok"
    entries = read(watched.folder).entries
    assert [entry.event for entry in entries] == ["began", "ended"]
    assert entries[0].warning == entries[1].warning


def test_a_restart_goes_on_with_the_same_warning(watched: Watched) -> None:
    before = watched.until(20, 28)[-1].warnings
    watched.restart()
    after = watched.round(29).warnings
    assert before == after
    assert len(read(watched.folder).entries) == 1


def test_what_fired_by_a_rule_that_was_taken_out_of_force_has_ended(watched: Watched) -> None:
    assert watched.until(20, 28)[-1].warnings
    withdraw(watched.folder, "inc-1")
    watched.restart()
    assert watched.round(29).warnings == ()
    assert read(watched.folder).open == ()


def test_a_rule_that_cannot_be_asked_is_shown_and_stops_nothing(watched: Watched) -> None:
    broken = RULE.model_copy(update={"name": "Refused", "expression": "limit_ratio(0.5, x) > 3"})
    blind = RULE.model_copy(update={"name": "Blind", "expression": above("nobody_knows", 1)})
    put_in_force(watched.folder, "by-hand", [broken, blind])
    (rules_folder(watched.folder) / "torn.yaml").write_text("groups: [")
    found = watched.round(28)
    states = {reading.name: reading.state for reading in found.rules.readings}
    assert states == {"Refused": "error", "Blind": "no_data", RULE.name: "pending"}
    assert all(r.detail for r in found.rules.readings if r.state in ("error", "no_data"))
    assert len(found.rules.problems) == 1
    assert {reading.state for reading in found.readings} == {"ok"}


def test_a_source_that_goes_silent_ends_no_warning(watched: Watched) -> None:
    assert watched.until(20, 28)[-1].warnings
    found = watched.round((timedelta(hours=1)).total_seconds())
    assert found.warnings
    assert found.rules.readings[0].state == "no_data"


def test_a_file_of_warnings_that_cannot_be_written_stops_no_detection(watched: Watched) -> None:
    (watched.folder / "warnings.jsonl").mkdir()
    found = watched.round(28)
    assert found.rules.problems
    assert {reading.state for reading in found.readings} == {"ok"}
