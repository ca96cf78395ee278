"""Each event is told from its own fields, the same way in every surface."""

from __future__ import annotations

import typing

import pytest
from incident_script import (
    GUESSES,
    INCIDENT,
    OPENED,
    REPORTED,
    ROLLBACK,
    START,
    STORY,
    TESTS,
    TRIAGED,
    VERDICT,
    Timed,
    figure,
    kept,
    make_events,
    result,
)

from holdfast.ledger.fold import fold
from holdfast.model import event as ev
from holdfast.model.action import Approval, Autonomy, GuardDecision, Performance
from holdfast.model.hypothesis import Bound
from holdfast.model.incident import Impact, Severity
from holdfast.surfaces.cli import wording
from holdfast.surfaces.cli.line import Line, Tone
from holdfast.surfaces.cli.render import render, render_all
from holdfast.surfaces.cli.story import Story
from support.fix_script import fix_events

PROPOSED: tuple[Timed, ...] = (
    (0, OPENED),
    (1, ev.HypothesisProposed(hypothesis=GUESSES[0])),
    (2, ev.TestPlanned(test=TESTS[1])),
    (3, ev.ActionProposed(action=ROLLBACK)),
)


def told(payload: ev.Payload, *before: Timed) -> list[Line]:
    events = make_events([*(before or ((0, OPENED),)), (9, payload)])
    return render(events[-1], fold(events[:-1]))


def test_the_story_reads_as_plan_thought_action_observation_reflection():
    labels = [line.label for _, lines in render_all(tuple(make_events(STORY))) for line in lines]
    assert {"plan", "thought", "action", "observation", "reflection"} <= set(labels)
    order = ["incident", "plan", "thought", "action", "observation", "reflection", "write"]
    places = [labels.index(label) for label in order if label != "observation"]
    assert places == sorted(places)


def test_every_kind_of_event_has_words_of_its_own():
    kinds = {
        p.model_fields["kind"].default for p in typing.get_args(typing.get_args(ev.Payload)[0])
    }
    heard = {entry.payload.kind for entry in (*make_events(STORY), *fix_events("released"))}
    assert kinds - heard == {"action_item_closed", "escalated", "note", "severity"}
    for _, lines in render_all(tuple(make_events(STORY))):
        assert lines
        assert all(line.text != "recorded" for line in lines)


def test_a_sentence_is_quoted_and_its_numbers_are_called_claims():
    (line,) = render(make_events([(0, REPORTED)])[0], None)
    assert "reported: “P95 went from 50 ms to 2 s, customers time out”" in line.details
    assert "claimed, to be measured: P95 2 s" in line.details


def test_a_laboratory_is_named_as_one():
    (line,) = render(make_events([(0, OPENED)])[0], None)
    assert line.details[-1] == "laboratory: these are not production's numbers"


def test_triage_tells_impact_changes_and_gaps():
    impact, changes, plan = told(TRIAGED)
    assert "slow 104" in impact.text
    assert "7.6 % of the error budget spent" in impact.text
    assert changes.text == (
        "changes: customer-api deployment v2.3.3 → v2.3.4 at 17:04:59 UTC, 3 s before the onset"
    )
    assert plan.details == ("gap: no traces are configured",)


def test_a_figure_without_data_is_told_as_no_data_and_never_as_zero():
    lost = Impact(figures={"failed_requests": figure("failed_requests", None)})
    line, *_ = told(TRIAGED.model_copy(update={"impact": lost}))
    assert line.text == "impact so far: failed no data"


def test_an_answer_is_routine_but_silence_and_errors_are_not():
    (data,) = told(kept("up", 1.0))
    (silent,) = told(kept("up", None))
    (broken,) = told(kept("up", None, error="connection refused"))
    assert (data.routine, data.tone) == (True, Tone.DIM)
    assert (silent.routine, silent.text) == (False, "no data from recorder to up")
    assert broken.text.startswith("error: connection refused")


def test_a_test_is_told_with_its_prediction_and_its_force():
    (line,) = told(ev.TestPlanned(test=TESTS[1]), *PROPOSED[:2])
    assert line.text.startswith("H1 Is v2.3.4")
    assert line.text.endswith("(predicted ≥ 1.5 times, outside refutes)")


@pytest.mark.parametrize(
    ("measured", "reading", "words", "tone"),
    [
        (14.2, "supports", "14.2 times: supports it", Tone.PLAIN),
        (1.01, "contradicts", "1.01 times: contradicts it", Tone.DIM),
        (None, "unknown", "no data: says nothing of it", Tone.WARN),
    ],
)
def test_an_observation_names_value_and_reading(
    measured: float | None, reading: str, words: str, tone: Tone
):
    (line,) = told(result(2, 1, measured, reading), *PROPOSED)
    assert line.text.endswith(words)
    assert line.tone is tone


def test_a_reflection_tells_how_confidence_moved_and_why():
    events = make_events(STORY)
    lines = [line for _, found in render_all(tuple(events)) for line in found]
    reflections = [line for line in lines if line.label == "reflection"]
    assert reflections[0].text == (
        "H1 supported, 35 % → 91 %: its predictions held; its rivals' did not"
    )
    assert reflections[1].tone is Tone.DIM
    assert "customer_api/views.py:42 list_customers" in reflections[-1].details[0]


def test_an_action_is_told_with_effect_condition_reach_and_undo():
    (line,) = told(ev.ActionProposed(action=ROLLBACK))
    expected, condition, reach, undo = line.details
    assert line.text == "A1 Roll customer-api back from v2.3.4 to v2.3.3 (low risk)"
    assert "(≤ 1 budget for 10 s, within 1 min)" in expected
    assert condition == "condition: customer-api v2.3.4 100 %"
    assert reach.startswith("reach: ")
    assert undo.startswith("undo: rollback-release(")


def test_a_guard_that_asks_says_how_to_answer():
    decision = GuardDecision(
        action_id="act-1", decision="ask", autonomy=Autonomy.APPROVE, reasons=("medium risk",)
    )
    (line,) = told(ev.Guarded(decision=decision), *PROPOSED)
    assert line.text == "A1 a person decides at level approve"
    assert line.details == ("medium risk", f"holdfast approve {INCIDENT}")


def test_a_refusal_names_the_person_and_the_reason():
    approval = Approval(
        id="a",
        action_id="act-1",
        decision="reject",
        approver="ada",
        plan_hash="p",
        given_at=START,
        expires_at=START,
        note="not during the sale",
    )
    (line,) = told(ev.Approved(approval=approval), *PROPOSED)
    assert (line.text, line.details) == ("ada refuses A1", ("not during the sale",))


def test_a_write_without_an_answer_is_not_told_as_done():
    performance = Performance(
        action_id="act-1", part="act", attempt=1, outcome="unknown", seconds=60
    )
    (line,) = told(ev.Performed(performance=performance), *PROPOSED)
    assert line.text == "A1 act: no answer, so the world is asked after 1 min"
    assert line.tone is Tone.WARN


def test_a_verdict_sets_the_measured_beside_the_expected():
    (line,) = told(ev.Verified(verdict=VERDICT), *PROPOSED)
    assert "measured 0.21 budgets, expected at most 1 budget burnt, held 10 s" in line.text


def test_an_escalation_and_a_raised_severity_and_a_note_are_told():
    (escalated,) = told(ev.Escalated(reason="no action helps", gaps=("no traces",)))
    (raised,) = told(ev.SeverityRaised(severity=Severity.SEV1, reason="it pages now"))
    (noted,) = told(ev.Noted(text="an alert\njoined"))
    assert escalated.details == ("gap: no traces",)
    assert raised.text == "SEV1 now: it pages now"
    assert noted.text == "an alert joined"


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Bound(at_least=1.5, unit="times"), "≥ 1.5 times"),
        (Bound(at_most=0.3, unit="s"), "≤ 300 ms"),
        (Bound(at_most=1, unit="budgets"), "≤ 1 budget"),
        (Bound(at_least=0, at_most=60, unit="Unix seconds"), "00:00:00 UTC to 00:01:00 UTC"),
        (Bound(at_least=1 / 3, unit="of requests"), "≥ 33.3 % of requests"),
    ],
)
def test_bounds_are_written_with_their_units(limits: Bound, text: str):
    assert wording.bound(limits) == text


def test_a_story_skips_what_it_heard_and_reads_what_others_appended():
    events = make_events(STORY)
    story = Story(history=lambda incident: events)
    opening = story.take(events[4])  # of an incident that was opened before: its history is read
    assert [event for event, _ in opening] == [events[0], events[4]]
    assert story.take(events[2]) == []
    later = story.take(events[9])  # events 5 to 8 came from another process
    assert [event for event, _ in later] == events[5:10]
    assert "thought" in [line.label for _, lines in later for line in lines]
    assert story.chapters[INCIDENT].case == fold(events[:10])
