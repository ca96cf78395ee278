"""What `watch` says of the rules in force: each thing once, and silence is no health."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from holdfast.engine.warning import RuleRound
from holdfast.slo.rule_state import RuleReading, RuleState, RuleWarning
from holdfast.surfaces.cli.rule_notes import RuleNotes
from holdfast.surfaces.cli.views import LineView

WARNING = RuleWarning(
    name="StatementsPerRequestHigh",
    source="inc-1",
    service="shelf",
    since=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
    value=61.3,
    labels={"service": "shelf", "service_version": "7.5", "severity": "warning"},
    summary="it asks too often",
)


def _reading(state: RuleState, detail: str = "") -> RuleReading:
    return RuleReading(name="High", source="inc-1", service="shelf", state=state, detail=detail)


def _said(*rounds: RuleRound) -> list[str]:
    stream = io.StringIO()
    notes = RuleNotes(LineView(stream, as_json=False))
    for found in rounds:
        notes.note(found)
    return [line.split("Z ", 1)[1] for line in stream.getvalue().splitlines()]


def test_a_warning_is_said_once_and_so_is_its_end() -> None:
    fires, well = RuleRound(warnings=(WARNING,)), RuleRound()
    assert _said(well, fires, fires, well, well) == [
        "warning     StatementsPerRequestHigh (shelf, 7.5) is at 61.3: it asks too often",
        "over        StatementsPerRequestHigh (shelf, 7.5)",
    ]


def test_a_rule_without_an_answer_is_shown_as_such() -> None:
    blind = RuleRound(readings=(_reading("no_data", "no data"),))
    failed = RuleRound(readings=(_reading("error", "refused"),))
    well = RuleRound(readings=(_reading("ok"),))
    assert _said(well, blind, blind, well) == [
        "no data     the rule High of inc-1: no data: this is no sign of health",
        "data        the rule High of inc-1 can be read again",
    ]
    assert _said(failed, failed) == [
        "no data     the rule High of inc-1: refused: this is no sign of health"
    ]


def test_a_file_that_cannot_be_read_is_said_once() -> None:
    torn = RuleRound(problems=("rules/x.yaml: no mapping",))
    assert _said(torn, torn) == [
        "rules       rules/x.yaml: no mapping: what it would tell of is not seen"
    ]
