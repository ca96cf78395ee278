"""Action items, the final questions, the completion contract, keeping, and asking again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from story import DIFF, POLICY, Told, after

from holdfast.errors import SourceUnavailable
from holdfast.learning.action_items import derive_items
from holdfast.learning.contract import AlertProof, alert_proofs, check
from holdfast.learning.diffs import hunk_around
from holdfast.learning.keep import keep, kept_events
from holdfast.learning.ledger_evidence import facts, gathered
from holdfast.learning.questions import incident_span, questions
from holdfast.learning.targets import DUE_DAYS, due_date
from holdfast.learning.verify import verify
from holdfast.learning.verify_live import verify_live
from holdfast.ledger.fold import fold
from holdfast.model.case import Case
from holdfast.model.event import PostmortemWritten
from holdfast.model.evidence import Evidence, Matrix, Outcome, Series, Vector
from holdfast.model.hypothesis import HypothesisStatus
from holdfast.model.incident import IncidentOutcome, Severity
from holdfast.promql.parse import parse

Tell = Callable[..., Told]


# ---- action items ----------------------------------------------------------------------------


def test_the_fix_the_alert_and_the_canary_are_filed_with_place_owner_and_due_date(
    told: Tell,
) -> None:
    items = {item.type: item for item in told().case.action_items}
    assert items["prevent"].title == "Fix the mechanism n_plus_one in labels at labels/print.py:13"
    assert items["prevent"].owner == "unassigned"
    assert items["prevent"].due == date(2026, 4, 13)
    assert items["detect"].title.startswith("Alert on database statements per request of labels")
    assert all(item.check for item in items.values())


def test_an_owner_is_asked_for_where_the_catalog_names_none(told: Tell) -> None:
    titles = [item.title for item in told().case.action_items]
    assert "Name an owner of labels in the catalog" in titles
    assert not any("owner of parcels" in title for title in titles)


def test_a_mechanism_that_was_not_testable_asks_for_the_signal(told: Tell) -> None:
    titles = [i.title for i in told(mechanism="suspected", users=False).case.action_items]
    assert any("Make measurable what was missing to test n_plus_one" in title for title in titles)
    assert any(title.startswith("Fix the suspected mechanism") for title in titles)


def test_a_mitigation_that_failed_asks_for_one_that_helps(told: Tell) -> None:
    types = [item.type for item in told(ending="escalated").case.action_items]
    assert "mitigate" in types


def test_the_same_case_files_the_same_items(told: Tell) -> None:
    story = told()
    assert derive_items(story.case, story.config) == story.case.action_items


def test_worse_incidents_are_due_sooner() -> None:
    order = (Severity.SEV1, Severity.SEV2, Severity.SEV3)
    for item_type in ("prevent", "detect", "mitigate", "process"):
        days = [DUE_DAYS[severity][item_type] for severity in order]
        assert days == sorted(days)
    assert due_date(Severity.SEV1, "mitigate", after(0)) == date(2026, 3, 21)


# ---- facts and questions ---------------------------------------------------------------------


def test_facts_are_the_same_at_every_replay(told: Tell) -> None:
    story = told()
    events = story.events[:30]
    first, second = (facts(fold(events), events, story.config, POLICY) for _ in range(2))
    assert first == second
    assert all(item.hash == item.computed_hash() for item in first.values())


def test_every_question_is_answered_by_the_embedded_evaluator_in_few_points(
    told: Tell,
) -> None:
    story = told()
    start, end = incident_span(story.case)
    asked = questions(story.case, story.config.services, story.config.slos, start, end)
    assert len({question.name for question in asked}) == len(asked) > 20
    for question in asked:
        if question.call.tool == "prometheus_query":
            parse(str(question.call.arguments["query"]))
            when = question.call.arguments["time_range"]
            if isinstance(when, tuple):
                first, last, step = (float(part) for part in when)
                assert (last - first) / step < 300


def test_a_month_long_period_is_still_asked_in_few_points(told: Tell) -> None:
    story = told()
    slos = tuple(s.model_copy(update={"period_seconds": 30 * 86400}) for s in story.config.slos)
    start, end = incident_span(story.case)
    asked = questions(story.case, story.config.services, slos, start, end)
    history = next(q for q in asked if q.name.startswith("history:"))
    assert history.call.arguments["time_range"] == pytest.approx(
        (end.timestamp() - 30 * 86400, end.timestamp(), 43200), abs=43200
    )


def test_what_is_not_configured_is_not_asked(told: Tell) -> None:
    story = told()
    bare = tuple(s.model_copy(update={"signals": {}, "logs": None}) for s in story.config.services)
    start, end = incident_span(story.case)
    names = [q.name for q in questions(story.case, bare, story.config.slos[:1], start, end)]
    assert not any("latency p" in name or "log" in name.split(":")[0] for name in names)
    assert "bad:parcels-latency" in names


# ---- the contract ----------------------------------------------------------------------------


def _proofs(story: Told) -> tuple[AlertProof, ...]:
    known = gathered(story.events)
    return alert_proofs(story.case, story.config.slos, known.facts, known.answers)


def test_a_finished_incident_meets_the_contract(told: Tell) -> None:
    story = told()
    met, unmet = check(story.case, proofs=_proofs(story), verified=verify(story.folder))
    assert unmet == ()
    assert any("parcels-latency/fast fires on the incident's own data" in said for said in met)
    assert "The post-mortem verifies." in met


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outcome": None}, "no outcome"),
        ({"milestones": {}, "actions": {}}, "No mitigation is verified"),
        ({"action_items": ()}, "neither verified nor an action item"),
        ({"hypotheses": {}, "escalated": None}, "unresolved, and no gap is named"),
    ],
)
def test_what_is_missing_is_said(told: Tell, change: dict[str, object], said: str) -> None:
    story = told()
    case: Case = story.case.model_copy(update=change)
    _, unmet = check(case, proofs=_proofs(story), verified=verify(story.folder))
    assert any(said in sentence for sentence in unmet)


def test_a_cause_without_a_supporting_test_is_no_cause(told: Tell) -> None:
    story = told()
    empty = {k: h.model_copy(update={"supports": ()}) for k, h in story.case.hypotheses.items()}
    case = story.case.model_copy(update={"hypotheses": empty})
    _, unmet = check(case, proofs=_proofs(story), verified=verify(story.folder))
    assert any("names no test that supports it" in sentence for sentence in unmet)


def test_an_unresolved_cause_with_its_gaps_is_honest_enough(told: Tell) -> None:
    story = told(ending="unresolved", users=False)
    assert all(h.status is not HypothesisStatus.SUPPORTED for h in story.case.hypotheses.values())
    met, unmet = check(story.case, proofs=_proofs(story), verified=verify(story.folder))
    assert "The root cause is unresolved, with the gaps named." in met
    assert any("No mitigation is verified" in sentence for sentence in unmet)


@pytest.mark.parametrize(
    ("points", "healthy", "why"),
    [
        (None, 0.0, "has no data in the incident"),
        (0.0, 0.0, "is silent in the incident"),
        (9.0, None, "has no data in the healthy window"),
        (9.0, 2.0, "fires in the healthy window too"),
    ],
)
def test_an_alert_must_fire_on_the_incident_and_be_silent_on_health(
    told: Tell, points: float | None, healthy: float | None, why: str
) -> None:
    proof = AlertProof("parcels-latency", "fast", points, healthy)
    assert not proof.holds
    _, unmet = check(told().case, proofs=(proof,), verified=None)
    assert any(why in sentence for sentence in unmet)
    assert "The post-mortem is not verified yet." in unmet


def test_silence_in_the_burns_proves_nothing(told: Tell) -> None:
    story = told()
    known = gathered(story.events)
    silent = {
        name: item.model_copy(update={"outcome": Outcome.NO_DATA, "value": None})
        if name.startswith("burn:")
        else item
        for name, item in known.answers.items()
    }
    proofs = alert_proofs(story.case, story.config.slos, known.facts, silent)
    assert [p.points for p in proofs] == [None, None]
    assert not any(p.holds for p in proofs)


@pytest.mark.parametrize(("share", "burns"), [(0.0, 0.0), (0.9, 1.0)])
def test_an_alert_that_looks_back_at_an_earlier_trouble_does_not_fire_on_health(
    told: Tell, share: float, burns: float
) -> None:
    story = told()
    known = gathered(story.events)
    triage = story.case.triage
    assert triage is not None
    assert triage.healthy_from is not None
    assert triage.healthy_to is not None
    start, end = triage.healthy_from.timestamp(), triage.healthy_to.timestamp()
    at = start + share * (end - start)
    answers = {
        name: item.model_copy(update={"outcome": Outcome.DATA, "value": _burning(at, end)})
        if name.startswith("burn:")
        else item
        for name, item in known.answers.items()
    }
    proofs = alert_proofs(story.case, story.config.slos, known.facts, answers)
    assert {p.healthy_points for p in proofs} == {burns}


def _burning(at: float, end: float) -> Matrix:
    return Matrix(series=(Series(labels={}, points=((at, 1e6), (end, 0.0))),))


def test_a_false_alarm_owes_nothing(told: Tell) -> None:
    story = told(ending="false_alarm")
    assert story.case.outcome is IncidentOutcome.FALSE_ALARM
    _, unmet = check(story.case, proofs=(), verified=verify(story.folder))
    assert unmet == ()


# ---- keeping ---------------------------------------------------------------------------------


def test_keeping_twice_changes_nothing(told: Tell) -> None:
    story = told()
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in story.folder.rglob("*.*")}
    composed = story.composed
    keep(story.data_folder, composed.postmortem, story.events, composed.charts)
    again = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in story.folder.rglob("*.*")}
    assert before == again
    assert not [p for p in story.folder.rglob("*") if p.name.endswith(".new")]


def test_the_kept_ledger_ends_with_the_reports_own_entry(told: Tell) -> None:
    events = told().events
    assert isinstance(kept_events(events)[-1].payload, PostmortemWritten)
    assert kept_events(events[:5]) == events[:5]


def test_until_the_ledger_names_the_report_it_does_not_verify(told: Tell, tmp_path: Path) -> None:
    story = told()
    composed, events = story.composed, story.events[:-1]
    folder = keep(tmp_path, composed.postmortem, events, composed.charts)
    (finding,) = verify(folder).findings
    assert finding.kind == "broken_ledger"
    assert "not the one that names this post-mortem" in finding.message


# ---- asking again ----------------------------------------------------------------------------


def _louder(item: Evidence) -> Evidence:
    assert isinstance(item.value, Vector)
    louder = tuple(s.model_copy(update={"value": s.value + 1}) for s in item.value.samples)
    return item.model_copy(update={"value": Vector(samples=louder)})


def test_a_source_that_still_says_the_same_is_said_to(told: Tell) -> None:
    answers = verify_live(verify(told().folder), lambda item: item)
    assert len(answers) > 15
    assert {answer.result for answer in answers} == {"same"}


def test_a_source_that_forgot_or_says_otherwise_is_told_apart(told: Tell) -> None:
    def ask(item: Evidence) -> Evidence:
        if "p95" in item.query or (isinstance(item.value, Vector) and item.value.samples):
            return _louder(item)
        return item.model_copy(update={"outcome": Outcome.NO_DATA, "value": None})

    results = {answer.result for answer in verify_live(verify(told().folder), ask)}
    assert results == {"different", "expired"}


def test_a_source_that_does_not_answer_is_unavailable(told: Tell) -> None:
    def ask(item: Evidence) -> Evidence:
        raise SourceUnavailable(f"no answer to {item.query}")

    (first, *_) = verify_live(verify(told().folder), ask)
    assert first.result == "unavailable"
    assert "no answer" in first.detail


# ---- diffs -----------------------------------------------------------------------------------


def test_only_the_hunk_around_the_line_is_shown() -> None:
    hunk = hunk_around(DIFF, "labels/print.py", 13)
    assert hunk.startswith("--- a/labels/print.py\n+++ b/labels/print.py\n@@ -10,5 +10,7 @@")
    assert "audit.py" not in hunk
    assert hunk_around(DIFF, "labels/print.py", 99) == ""
    assert hunk_around(DIFF, "labels/none.py", 13) == ""


def test_a_removed_comment_line_does_not_end_a_hunk() -> None:
    diff = "--- a/q.sql\n+++ b/q.sql\n@@ -1,3 +1,2 @@\n select 1\n--- a comment\n from t\n"
    assert hunk_around(diff, "q.sql", 2).endswith(" from t")


def test_a_long_hunk_is_cut_around_the_line() -> None:
    body = "".join(f"+line {n}\n" for n in range(1, 201))
    diff = f"--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,200 @@\n{body}"
    hunk = hunk_around(diff, "new.py", 150)
    assert "+line 150" in hunk.splitlines()
    assert len(hunk.splitlines()) == 43
