"""Phases, waits and sparklines follow from the events and the clock alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from incident_script import OPENED, ROLLBACK, START, STORY, TRIAGED, kept, make_events

from holdfast.ledger.fold import fold
from holdfast.model import event as ev
from holdfast.model.action import Autonomy, GuardDecision
from holdfast.model.incident import IncidentOutcome, Status
from holdfast.surfaces.cli.phases import Phase, phases
from holdfast.surfaces.cli.sparkline import sparkline
from holdfast.surfaces.cli.summary import summary
from holdfast.surfaces.cli.waiting import Wait, is_over, waiting


def phases_after(seconds: float) -> dict[str, Phase]:
    events = make_events([t for t in STORY if t[0] <= seconds])
    now = START + timedelta(seconds=seconds)
    return {phase.name: phase for phase in phases(fold(events), events, now)}


def test_phases_begin_run_and_end_with_the_events():
    early, acting, late = phases_after(0.5), phases_after(6.0), phases_after(30)
    assert [p.state for p in early.values()] == ["done", "running", *["pending"] * 4]
    assert acting["triage"] == Phase("triage", "done", 1.1, 300)
    assert acting["mitigate"] == Phase("mitigate", "running", 6.0, 900)
    assert acting["diagnose"].state == "done"
    assert late["detect"] == Phase("detect", "done", 10.0, 120)
    assert late["mitigate"] == Phase("mitigate", "done", 19.0, 900)
    assert late["resolve"].state == "missed"  # the outcome is mitigated only: a fix is an item
    assert late["learn"].state == "done"


def test_a_phase_beyond_its_target_is_late():
    assert Phase("triage", "running", 301, 300).late
    assert not Phase("triage", "pending", None, 300).late


def test_an_incident_that_was_handed_on_has_no_phase_running():
    ended = (
        (0, OPENED),
        (1, TRIAGED),
        (
            2,
            ev.StatusChanged(
                status=Status.ACTIVE, outcome=IncidentOutcome.ESCALATED, reason="no action"
            ),
        ),
        (3, ev.ContractChecked(met=(), unmet=("no mitigation",))),
    )
    events = make_events(ended)
    case = fold(events)
    states = [p.state for p in phases(case, events, START + timedelta(hours=1))]
    assert "running" not in states
    assert is_over(case)
    assert waiting(case, START) is None


def wait_after(seconds: float) -> Wait:
    case = fold(make_events([t for t in STORY if t[0] <= seconds]))
    wait = waiting(case, START + timedelta(seconds=seconds))
    assert wait is not None
    return wait


def test_each_wait_is_named_with_its_time():
    assert wait_after(0.5).text == "measuring the impact and listing changes"
    assert wait_after(1.3).text.startswith("question 1 of 4: Did the symptom begin")
    assert wait_after(4.5).text.startswith("write under way: A1 Roll customer-api back")
    effect = wait_after(15.1)
    assert effect.text == "effect of A1: ≤ 1 budget, held for 10 s"
    assert (effect.elapsed_seconds, effect.limit_seconds) == (10.0, 60)
    assert effect.fraction == pytest.approx(1 / 6)
    assert wait_after(20).text == "writing down what was learned"


def test_a_person_who_is_awaited_is_told_the_command():
    asks = GuardDecision(action_id="act-1", decision="ask", autonomy=Autonomy.APPROVE, reasons=())
    events = make_events(
        [
            (0, OPENED),
            (1, TRIAGED),
            (2, ev.ActionProposed(action=ROLLBACK)),
            (3, ev.Guarded(decision=asks)),
        ]
    )
    wait = waiting(fold(events), START + timedelta(seconds=62))
    assert wait is not None
    assert wait.text.startswith("a person decides: holdfast approve inc-")
    assert (wait.elapsed_seconds, wait.fraction) == (60.0, None)


def test_a_sparkline_keeps_noise_flat_and_gaps_open():
    cells = sparkline([None, 0.0, 0.01, 0.05, 0.2], 0.05, 6)
    assert "".join(cell.block for cell in cells) == "  ▁▁▃█"
    assert [cell.state for cell in cells] == ["no_data"] * 2 + ["met"] * 3 + ["missed"]
    assert sparkline([], 0.01, 3)[0].state == "no_data"


def test_the_summary_tells_outcome_cause_times_actions_and_files():
    events = make_events(STORY)
    rows = {row.heading: row.texts for row in summary(fold(events), events, START)}
    assert rows["outcome"][0].startswith("mitigated only: the objective is met again")
    assert rows["cause"][0].startswith("The release v2.3.4 of customer-api broke it")
    assert rows["cause"][-1].startswith("customer_api/views.py:42")
    assert "mitigate  19 s, target 15 min" in rows["phases"]
    assert "resolve   not reached, target 1 h" in rows["phases"]
    assert rows["action"][1].endswith("measured 0.21 budgets: effect seen")
    assert rows["to do"][0].endswith("(team-customers, 2026-12-07)")
    assert rows["files"][-1] == f"holdfast verify {rows['files'][0]}"


def test_the_summary_of_an_unresolved_incident_claims_no_cause():
    events = make_events([(0, OPENED), (1, TRIAGED)])
    rows = {row.heading: row.texts for row in summary(fold(events), events, START)}
    assert rows["cause"] == ("none is supported by evidence",)
    assert rows["status"] == ("triage",)


def test_files_below_the_working_folder_are_named_from_there():
    report = ev.PostmortemWritten(
        markdown_path="/home/ada/.holdfast/p.md", json_path="/elsewhere/p.json", content_hash="c"
    )
    events = make_events([(0, OPENED), (1, report)])
    rows = summary(fold(events), events, START, Path("/home/ada"))
    assert rows[-1].texts == (
        ".holdfast/p.md",
        "/elsewhere/p.json",
        "holdfast verify .holdfast/p.md",
    )


def test_the_summary_tells_the_whole_impact_once_it_was_measured():
    early = make_events(STORY[:8])
    rows = {row.heading: row.texts for row in summary(fold(early), early, START)}
    assert rows["impact"][0].startswith("at triage: lasting 11 s, requests 273")

    answers = {"requests:lat": 285.0, "bad:lat": 101.0, "budget spent:lat": 2.008, "bad:av": None}
    answers["budget spent:av"] = None
    events = make_events([*STORY, *((50, kept(name, value)) for name, value in answers.items())])
    events[-len(answers) :] = [
        event.model_copy(update={"step_key": f"learn:answer:{name}"})
        for event, name in zip(events[-len(answers) :], answers, strict=True)
    ]
    rows = {row.heading: row.texts for row in summary(fold(events), events, START)}
    assert rows["impact"] == (
        "lasting 29 s, requests 285",
        "lat: 101 bad requests, 200.8 % of the error budget spent",
        "av: no data bad requests, no data of the error budget spent",
    )
