"""The terminal tells the permanent fix: its phases, its waits, its proof, and what came of it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import timedelta

import pytest
from incident_script import START, make_events
from rich.text import Text

from holdfast.ledger.fold import fold
from holdfast.model import event as ev
from holdfast.model.event import Event
from holdfast.model.lesson import ActionItem
from holdfast.surfaces.cli.approving import plan_rows, waiting_action
from holdfast.surfaces.cli.frame import Scene, frame, shown_phases
from holdfast.surfaces.cli.line import Line
from holdfast.surfaces.cli.phases import Phase, phases
from holdfast.surfaces.cli.print_rows import print_incident
from holdfast.surfaces.cli.render import render_all
from holdfast.surfaces.cli.story import Chapter
from holdfast.surfaces.cli.summary import summary
from holdfast.surfaces.cli.views import open_view
from holdfast.surfaces.cli.waiting import waiting
from support.fix_script import ENDED_AT, RELEASED_AT, fix_events
from support.fix_story import FixEnding

TIMES = "\N{MULTIPLICATION SIGN}"


def states(ending: FixEnding, seconds: float) -> dict[str, Phase]:
    events = fix_events(ending, until=seconds)
    now = START + timedelta(seconds=seconds)
    return {phase.name: phase for phase in phases(fold(events), events, now)}


def lines_of(ending: FixEnding, label: str) -> list[Line]:
    told = render_all(tuple(fix_events(ending)))
    return [line for _, lines in told for line in lines if line.label == label]


# ---- phases ----------------------------------------------------------------------------------


def test_the_parts_of_a_fix_stand_in_place_of_resolve_and_the_release_has_its_target():
    whole = states("released", ENDED_AT)
    assert list(whole) == [
        *("detect", "triage", "mitigate", "diagnose"),
        *("fix", "prove", "roll out", "prevent", "learn"),
    ]
    assert whole["fix"] == Phase("fix", "done", 734.1)
    assert whole["prove"] == Phase("prove", "done", 734.9)
    assert whole["roll out"] == Phase("roll out", "done", RELEASED_AT, 3600)
    assert whole["prevent"].state == "done"


@pytest.mark.parametrize(
    ("seconds", "running"),
    [(20.0, "fix"), (734.3, "prove"), (736.2, "roll out"), (738.9, "prevent")],
)
def test_one_part_after_the_other_runs(seconds: float, running: str):
    part = [p.name for p in states("released", seconds).values() if p.state == "running"]
    assert running in part
    assert len([p for p in part if p not in ("diagnose", "learn")]) == 1


@pytest.mark.parametrize(
    ("ending", "missed"),
    [
        ("declined", {"fix", "prove", "roll out", "prevent"}),
        ("load_failed", {"prove", "roll out", "prevent"}),
        ("rejected", {"roll out", "prevent"}),
        ("canary_worse", {"roll out", "prevent"}),
    ],
)
def test_what_a_fix_did_not_reach_is_missed(ending: FixEnding, missed: set[str]):
    assert {p.name for p in states(ending, ENDED_AT).values() if p.state == "missed"} == missed


def test_where_phases_do_not_fit_those_around_the_present_are_shown():
    early, late = (tuple(states("released", s).values()) for s in (20.0, 738.9))
    assert shown_phases(early, 6)[0].name == "detect"
    shown = [p.name for p in shown_phases(late, 6)]
    assert shown[-2:] == ["prevent", "learn"]
    assert len(shown) == 6
    assert len(shown_phases(late, 20)) == 9


# ---- waits -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "seconds", "words"),
    [
        ("released", 20.0, "writing the permanent fix and testing it"),
        ("released", 734.15, "planning the next step of the fix"),
        ("released", 734.5, "load test of A2 under way: p95 ≤ 1.5 times"),
        ("unanswered", 735.05, "a person decides: holdfast approve"),
        ("released", 736.12, "canary A4: 1 look, inconclusive so far"),
        ("released", 736.25, "canary A4: 2 looks, inconclusive so far"),
        ("released", 738.3, "effect of A6: ≤ 5 % of requests, held for 20 s"),
        ("released", 738.9, "deriving a rule that tells of a repeat"),
        ("declined", 734.2, "deriving a rule that tells of a repeat"),
    ],
)
def test_each_wait_of_a_fix_is_named(ending: FixEnding, seconds: float, words: str):
    wait = waiting(fold(fix_events(ending, until=seconds)), START + timedelta(seconds=seconds))
    assert wait is not None
    assert wait.text.startswith(words)


# ---- lines -----------------------------------------------------------------------------------


def test_a_fix_is_told_with_its_diff_in_short_and_what_was_declined():
    (line,) = lines_of("released", "fix")
    assert line.text == (
        "7.6 of labels: revert of the guilty commit, 3 files +2 -3 "
        "on holdfast/inc-01m0story0-parcel"
    )
    assert "guilty commit: 1234567ccccc Print labels one by one, 250 at most" in line.details
    assert "labels/print.py" in line.details
    assert "-    for parcel in parcels:" in line.details
    assert line.details[-1] == "declined: eager loading: labels_of has 2 ways out of its loop"
    assert any("251 statements on 7.5, at most 1 wanted" in detail for detail in line.details)


def test_a_load_test_is_told_with_both_versions():
    told = [line for line in lines_of("released", "observation") if line.text.startswith("A2 eff")]
    (line,) = told
    assert line.text == "A2 effect seen: measured 1.14 times, expected ≤ 1.5 times"
    assert line.details[0].startswith("candidate 7.6: p50 21.4 ms, p95 41.2 ms, p99 no data")
    (failed,) = [
        line
        for line in lines_of("load_impossible", "observation")
        if line.text.startswith("A2 effect unknown")
    ]
    assert failed.details == (
        "load test: the generator is saturated: it did not send 31 of 240 requests",
    )


def test_a_canary_is_told_by_metric_and_only_looks_that_decide_otherwise_stay():
    told = [line for line in lines_of("released", "observation") if line.text.startswith("A4")]
    looks = [line for line in told if " look " in line.text]
    assert [line.routine for line in looks] == [False, True, False]
    assert looks[-1].text == "A4 look 3: promote: after 3 of 5 looks: promote"
    assert told[-1].details == (
        f"latency mean seconds: promote, 1.02{TIMES} (0.97{TIMES} to 1.08{TIMES})",
        "errors: inconclusive, no data",
    )


def test_a_merge_is_told_without_a_number_that_says_only_yes():
    (line,) = [
        line
        for line in lines_of("released", "observation")
        if line.text.startswith("A3 effect seen")
    ]
    assert "measured" not in line.text


def test_a_rule_is_told_with_what_it_does_on_records():
    (line,) = lines_of("released", "prevention")
    assert line.text == "rule StatementsPerRequestHigh of labels, in force"
    assert "fires at 101 of 134 evaluations of this incident, at 0 of 591 of healthy time" in (
        line.details
    )
    (none,) = lines_of("declined", "prevention")
    assert none.text.startswith("no new alert rule: no rule on statements: 3 values")


def test_a_closed_action_item_is_told_with_its_title():
    events = fix_events("declined")
    item = ActionItem(
        id="item-9", type="process", title="Walk the team through it", due=START.date(), check="x"
    )
    timed = [(0.0, e.payload) for e in events]
    timed += [
        (0.0, ev.ActionItemFiled(item=item)),
        (0.0, ev.ActionItemClosed(item_id="item-9", note="done on\nMonday")),
    ]
    (line,) = render_all(tuple(make_events(timed)))[-1][1]
    assert (line.label, line.text) == ("done", "Walk the team through it: done on Monday")


# ---- frame, summary, JSON --------------------------------------------------------------------


def rows_at(ending: FixEnding, seconds: float, width: int, height: int) -> list[Text]:
    events = fix_events(ending, until=seconds)
    now = START + timedelta(seconds=seconds)
    return frame(
        Scene(now=now, autonomy="act", chapter=Chapter(fold(events), events)), width, height
    )


def plain(rows: Sequence[Text]) -> str:
    return "\n".join(row.plain for row in rows)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (60, 20), (40, 24), (200, 60)])
@pytest.mark.parametrize("ending", ["released", "declined", "canary_worse", "load_impossible"])
def test_the_frame_of_a_fix_fits_every_terminal(ending: FixEnding, width: int, height: int):
    for seconds in (20, 734.5, 736.25, 737.9, 739, ENDED_AT):
        rows = rows_at(ending, seconds, width, height)
        assert all(row.cell_len <= width for row in rows)
        assert len(rows) <= max(height * 0.62, 13)


def test_the_frame_shows_the_fix_the_canary_and_its_metrics():
    text = plain(rows_at("released", 736.45, 120, 40))
    assert "fix 7.6 of labels: revert of the guilty commit" in text
    assert "canary at 10 %: 3 looks, promote so far" in text
    assert f"latency mean seconds: promote, 1.02{TIMES}" in text
    assert "● roll out" in text
    assert "✓ prove" in text


def test_the_summary_tells_the_fix_its_proof_and_the_rule():
    events = fix_events("released")
    rows = {row.heading: row.texts for row in summary(fold(events), events, START)}
    assert rows["outcome"][0] == "fixed: see the fix"
    assert rows["fix"][0].startswith("7.6 of labels holds the objective with all traffic on it")
    assert rows["stage"][-1].startswith("good 7.4: p50")
    assert rows["canary"][0] == "Give 50 % of labels to 7.6"
    assert rows["release"][1].endswith("measured 0.21 % of requests: effect seen")
    assert rows["prevent"][-1] == "it would have fired 22 s before the alert"
    assert "roll out  12 min 19 s, target 1 h" in rows["phases"]


def test_who_is_asked_for_the_merge_sees_the_fix_and_its_proof():
    events = fix_events("unanswered", until=735.05)
    action = waiting_action(events)
    rows = plan_rows(events, action)
    assert action.purpose == "merge"
    assert rows[0].startswith("7.6 of labels: revert")
    assert not any(row.startswith("A1") for row in rows)
    assert any("candidate 7.6: p50 21.4 ms" in row for row in rows)
    assert any(row.startswith("A3 Merge holdfast/") for row in rows)


def test_the_summary_says_why_a_fix_went_no_further():
    events = fix_events("canary_worse")
    rows = {row.heading: row.texts for row in summary(fold(events), events, START)}
    assert rows["fix"][0].startswith("7.6 was worse for its users than 7.4, and was taken back")
    assert rows["canary"][1].endswith("measured 1.4 times: effect not seen, undone")
    assert rows["withdraw"][0].startswith("Take holdfast/")


def test_show_tells_all_of_it_and_json_gives_the_ledger_back():
    events = fix_events("released")
    stream = io.StringIO()
    print_incident(stream, events)
    assert "recorded" not in stream.getvalue()
    assert "fix         7.6 of labels" in stream.getvalue()
    as_json = io.StringIO()
    with open_view(as_json, as_json=True) as view:
        for entry in events:
            view.on_event(entry)
    again = [Event.model_validate_json(line) for line in as_json.getvalue().splitlines()]
    assert again == events
