"""Whole investigations of simulated systems: what is believed, refuted, done, and not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from diagnosis.reading_room import (
    ALERT,
    CPU_DIFF,
    HARMLESS_DIFF,
    ONSET,
    library,
    n_plus_one,
)
from diagnosis.worlds import SETTINGS, T0, Drill, Fault, GuardedAs, Part, Release, World
from holdfast.diagnosis.conclusion import conclude
from holdfast.model.change import Change, ChangeType
from holdfast.model.incident import Claim
from holdfast.model.service import Signal


def silent_about_statements(part: Part) -> Part:
    """No statement metrics, no statement logs."""
    hidden = (Signal.STATEMENTS_PER_REQUEST, Signal.SECONDS_PER_STATEMENT)
    return replace(part, logs=False, signals=tuple(s for s in part.signals if s not in hidden))


def test_an_n_plus_one_release_is_named_rolled_back_and_confirmed() -> None:
    drill = Drill(World("desk", library(), releases=(n_plus_one(),)), at=ALERT)
    proposal = drill.run()
    action = proposal.action
    assert len(drill.proposals) == 2, "one round of questions, then the action"
    assert action is not None
    assert action.plan.runbook_id == "rollback-release"
    assert action.plan.parameters == {
        "service": "lending",
        "from_version": "4.2.0",
        "to_version": "4.1.0",
    }
    assert action.undo.parameters["to_version"] == "4.2.0"
    assert action.preconditions.versions == {"lending": {"4.2.0": 100.0}}
    assert action.effect_probe.version == "4.1.0"
    assert action.expected_effect.bound.at_most == pytest.approx(0.05)
    assert action.expected_effect.hold_seconds == SETTINGS.hold_seconds
    assert "5s" in action.expected_effect.query
    assert drill.act().effect == "seen"
    assert drill.run().next == "done"
    assert drill.statuses() == {
        "bad_release lending": "supported",
        "slow_service desk": "refuted",
        "slow_dependency lending": "refuted",
        "slow_dependency search": "refuted",
        "slow_dependency index": "refuted",
        "traffic_surge desk": "refuted",
        "host_saturation desk": "refuted",
        "recovered desk": "refuted",
        "n_plus_one lending": "supported",
        "cpu_regression lending": "refuted",
        "slow_statement lending": "refuted",
        "pool_exhaustion lending": "refuted",
        "added_wait lending": "refuted",
    }
    found = conclude(drill.case)
    assert found.cause is not None
    assert found.cause.mechanism == "bad_release"
    assert found.cause.confidence == 0.99
    assert [m.mechanism for m in found.mechanisms] == ["n_plus_one"]
    (spot,) = found.mechanisms[0].code
    assert (spot.path, spot.symbol) == ("lending/shelf.py", "shelf")
    assert "loan.fines" in spot.excerpt
    assert found.gaps == ()


def test_without_statement_telemetry_the_release_is_named_and_its_mechanism_suspected() -> None:
    parts = {name: silent_about_statements(part) for name, part in library().items()}
    drill = Drill(World("desk", parts, releases=(n_plus_one(),)), at=ALERT)
    assert drill.run().action is not None
    assert drill.act().effect == "seen"
    last = drill.run()
    assert last.next == "done"
    statuses = drill.statuses()
    assert statuses["bad_release lending"] == "supported"
    assert statuses["n_plus_one lending"] == "suspected"
    assert "supported" not in {
        statuses[f"{m} lending"] for m in ("cpu_regression", "slow_statement", "added_wait")
    }
    found = conclude(drill.case)
    assert [m.mechanism for m in found.mechanisms] == ["n_plus_one"]
    assert any("statements_per_request" in gap for gap in last.gaps)
    assert any("statement logs" in gap for gap in last.gaps)


def test_telemetry_that_is_configured_and_silent_is_the_same_as_none() -> None:
    muted = (Signal.STATEMENTS_PER_REQUEST, Signal.SECONDS_PER_STATEMENT)
    world = World("desk", library(), releases=(n_plus_one(),), muted=muted, statement_logs=False)
    drill = Drill(world, at=ALERT)
    assert drill.run().action is not None
    assert drill.act().effect == "seen"
    last = drill.run()
    assert last.next == "done"
    assert drill.statuses()["bad_release lending"] == "supported"
    assert drill.statuses()["n_plus_one lending"] == "suspected"
    assert drill.statuses()["pool_exhaustion lending"] == "refuted"
    assert drill.statuses()["slow_statement lending"] == "unresolved"
    assert any("no data" in gap for gap in last.gaps)


def test_a_release_that_has_just_finished_is_planned_for_as_serving_alone() -> None:
    train = replace(n_plus_one(), share=0.8, finished_at=ALERT - 2)
    action = Drill(World("desk", library(), releases=(train,)), at=ALERT).run().action
    assert action is not None
    assert action.preconditions.versions == {"lending": {"4.2.0": 100.0}}


def test_without_code_nor_statements_the_release_is_still_named() -> None:
    parts = {
        name: replace(silent_about_statements(part), repository=False)
        for name, part in library().items()
    }
    drill = Drill(World("desk", parts, releases=(n_plus_one(),)), at=ALERT)
    assert drill.run().action is not None
    drill.act()
    assert drill.run().next == "done"
    assert drill.statuses()["bad_release lending"] == "supported"
    assert drill.statuses()["n_plus_one lending"] == "unresolved"
    assert "supported" not in {h.status for h in conclude(drill.case).mechanisms}


def test_a_cpu_regression_is_told_from_an_n_plus_one() -> None:
    release = replace(n_plus_one(), effect={"self_seconds": 0.6, "cpu_seconds": 0.4}, diff=CPU_DIFF)
    drill = Drill(World("desk", library(), releases=(release,)), at=ALERT)
    assert drill.run().action is not None
    drill.act()
    assert drill.run().next == "done"
    statuses = drill.statuses()
    assert statuses["cpu_regression lending"] == "supported"
    assert statuses["n_plus_one lending"] == "refuted"
    assert statuses["pool_exhaustion lending"] == "refuted"
    (mechanism,) = conclude(drill.case).mechanisms
    assert mechanism.code[0].path == "lending/rank.py"


def test_a_slow_dependency_is_named_and_a_harmless_release_before_it_is_not_blamed() -> None:
    harmless = Release("search", ONSET - 5, "2.0.0", "2.0.1", diff=HARMLESS_DIFF)
    fault = Fault("index", ONSET, {"self_seconds": 0.9, "statement_seconds": 0.3})
    drill = Drill(World("desk", library(), faults=(fault,), releases=(harmless,)), at=ALERT)
    last = drill.run()
    assert last.next == "escalate"
    assert drill.case.actions == {}
    statuses = drill.statuses()
    assert statuses["bad_release search"] == "refuted"
    assert statuses["slow_dependency index"] == "supported"
    assert statuses["slow_dependency search"] == "refuted"
    assert statuses["slow_dependency lending"] == "refuted"
    assert statuses["slow_service desk"] == "refuted"
    assert statuses["traffic_surge desk"] == "refuted"
    assert statuses["slow_statement index"] == "supported"
    assert statuses["cpu_regression index"] == "refuted"
    assert any("no runbook mitigates slow_dependency of index" in gap for gap in last.gaps)


def test_a_harmless_release_of_a_quiet_service_is_refuted_by_the_split() -> None:
    harmless = Release("lending", ONSET - 2, "1.0.0", "1.0.1", diff=HARMLESS_DIFF)
    fault = Fault("index", ONSET, {"self_seconds": 0.9})
    drill = Drill(World("desk", library(), faults=(fault,), releases=(harmless,)), at=ALERT)
    assert drill.run().next == "escalate"
    (release,) = [h for h in drill.case.hypotheses.values() if h.mechanism == "bad_release"]
    assert release.status == "refuted"
    roles = {drill.case.tests[i].role for i in release.contradicts}
    assert {"own_share", "split:latency"} <= roles
    assert {drill.case.tests[i].role for i in release.supports} >= {"ordering", "serving"}


def test_a_surge_is_named_and_the_saturated_service_is_not_called_slow_by_itself() -> None:
    drill = Drill(World("desk", library(), surge=(ONSET, 8.0)), at=ALERT)
    last = drill.run()
    assert last.next == "escalate"
    statuses = drill.statuses()
    assert statuses["traffic_surge desk"] == "supported"
    assert {statuses[s] for s in statuses if s.startswith("slow_")} == {"refuted"}
    assert drill.case.actions == {}


def test_without_data_nothing_is_believed_and_nothing_is_done() -> None:
    drill = Drill(World("desk", library(), releases=(n_plus_one(),), silent_from=T0), at=ALERT)
    last = drill.run()
    assert last.next == "escalate"
    assert last.action is None
    assert set(drill.statuses().values()) == {"unresolved"}
    assert any("when the symptom of desk began is not known" in gap for gap in last.gaps)
    assert all(h.confidence < 0.2 for h in conclude(drill.case).rivals)


def test_metrics_that_go_silent_after_the_alert_are_no_ground_for_an_action() -> None:
    world = World("desk", library(), releases=(n_plus_one(),))
    drill = Drill(world, at=ALERT)
    world.silent_from = ONSET + 8
    last = drill.run()
    assert last.next == "escalate"
    assert drill.case.actions == {}
    assert any("no data" in gap for gap in last.gaps)


def test_a_rollback_that_does_not_help_is_not_repeated_and_the_next_cause_is_named() -> None:
    release = replace(n_plus_one(), effect={})
    fault = Fault("lending", ONSET, {"self_seconds": 0.7})
    drill = Drill(World("desk", library(), faults=(fault,), releases=(release,)), at=ALERT)
    first = drill.run()
    assert first.action is not None
    before = drill.case.hypotheses[first.action.hypothesis_id or ""].confidence
    assert drill.act().effect == "not_seen"
    last = drill.run()
    assert last.next == "escalate"
    assert len(drill.case.actions) == 1
    statuses = drill.statuses()
    assert statuses["bad_release lending"] == "unresolved"
    assert statuses["slow_dependency lending"] == "supported"
    release_now = drill.case.hypotheses[first.action.hypothesis_id or ""]
    assert release_now.confidence < before - 0.3
    assert any("outlives" in gap for gap in last.gaps)
    assert "did not help" in last.reason


def test_of_two_releases_close_together_the_guilty_one_is_rolled_back() -> None:
    harmless = Release("search", ONSET - 2, "2.0.0", "2.0.1", diff=HARMLESS_DIFF)
    drill = Drill(World("desk", library(), releases=(harmless, n_plus_one())), at=ALERT)
    action = drill.run().action
    assert action is not None
    assert action.target == "lending"
    statuses = drill.statuses()
    assert statuses["bad_release search"] == "refuted"
    assert statuses["bad_release lending"] == "supported"


def test_a_release_of_the_caller_is_not_blamed_for_its_callee() -> None:
    caller = Release("desk", ONSET - 1, "7.0.0", "7.0.1", diff=HARMLESS_DIFF)
    drill = Drill(World("desk", library(), releases=(caller, n_plus_one())), at=ALERT)
    action = drill.run().action
    assert action is not None
    assert action.target == "lending"
    assert drill.statuses()["bad_release desk"] == "refuted"


def test_what_recovered_before_any_action_is_called_recovered() -> None:
    fault = Fault("index", ONSET, {"self_seconds": 0.9}, until=ONSET + 6)
    drill = Drill(World("desk", library(), faults=(fault,)), at=ONSET + 20)
    last = drill.run()
    assert last.next == "done"
    assert last.action is None
    statuses = drill.statuses()
    assert statuses.pop("recovered desk") == "supported"
    assert set(statuses.values()) == {"unresolved"}
    assert conclude(drill.case).recovered
    assert any("was over" in gap for gap in last.gaps)


def test_a_release_after_the_onset_is_refuted_by_the_order() -> None:
    late = Release("lending", ONSET + 4, "1.0.0", "1.0.1", diff=HARMLESS_DIFF)
    fault = Fault("lending", ONSET, {"self_seconds": 0.7})
    drill = Drill(World("desk", library(), faults=(fault,), releases=(late,)), at=ALERT)
    drill.run()
    assert drill.case.actions == {}
    statuses = drill.statuses()
    assert statuses["bad_release lending"] == "refuted"
    assert statuses["slow_dependency lending"] == "supported"


def test_of_two_versions_that_serve_both_only_the_new_one_must_be_worse() -> None:
    half = replace(n_plus_one(), share=0.5)
    drill = Drill(World("desk", library(), releases=(half,)), at=ALERT)
    action = drill.run().action
    assert action is not None
    assert action.preconditions.versions == {"lending": {"4.2.0": 50.0, "4.1.0": 50.0}}
    roles = {t.role for t in drill.case.tests.values() if t.hypothesis_id == action.hypothesis_id}
    assert "split_now:slow_requests" in roles


def test_where_both_versions_are_as_slow_the_release_is_not_rolled_back() -> None:
    half = replace(n_plus_one(), share=0.5, effect={})
    fault = Fault("lending", ONSET, {"self_seconds": 0.7})
    drill = Drill(World("desk", library(), faults=(fault,), releases=(half,)), at=ALERT)
    assert drill.run().next == "escalate"
    assert drill.case.actions == {}
    assert drill.statuses()["bad_release lending"] == "unresolved"


def test_a_failing_release_is_found_under_an_availability_objective() -> None:
    release = replace(n_plus_one(), effect={"errors": 0.4})
    world = World("desk", library(), releases=(release,), objective_kind="availability")
    drill = Drill(world, at=ALERT)
    action = drill.run().action
    assert action is not None
    assert action.target == "lending"
    assert drill.act().effect == "seen"
    assert drill.run().next == "done"
    assert drill.statuses()["failing_dependency index"] == "refuted"


def test_a_flag_change_is_suspected_and_left_to_a_person() -> None:
    flag = Change(
        id="chg-flag",
        type=ChangeType.FLAG,
        service="index",
        at=datetime.fromtimestamp(ONSET - 1, UTC),
        summary="fuzzy matching on",
        source="flags",
    )
    fault = Fault("index", ONSET, {"self_seconds": 0.9})
    drill = Drill(World("desk", library(), faults=(fault,), other_changes=(flag,)), at=ALERT)
    last = drill.run()
    assert last.next == "escalate"
    assert drill.statuses()["bad_config index"] == "suspected"
    assert drill.statuses()["slow_dependency index"] == "unresolved"
    cause = conclude(drill.case).cause
    assert cause is not None
    assert cause.change_id == "chg-flag"


def test_a_denied_rollback_is_what_would_have_been_done() -> None:
    drill = Drill(World("desk", library(), releases=(n_plus_one(),)), at=ALERT)
    action = drill.run().action
    assert action is not None
    drill.tell(GuardedAs(action.id, "deny"))
    last = drill.run()
    assert last.next == "escalate"
    assert "not permitted" in last.reason
    assert drill.statuses()["n_plus_one lending"] == "supported"
    assert len(drill.case.actions) == 1


def test_while_an_action_waits_for_a_person_the_mechanism_is_looked_for() -> None:
    drill = Drill(World("desk", library(), releases=(n_plus_one(),)), at=ALERT)
    action = drill.run().action
    assert action is not None
    drill.tell(GuardedAs(action.id, "ask"))
    last = drill.run()
    assert (last.next, last.action, last.tests) == ("continue", None, ())
    assert drill.statuses()["n_plus_one lending"] == "supported"


def test_without_a_runbook_the_release_is_named_and_handed_over() -> None:
    drill = Drill(World("desk", library(), releases=(n_plus_one(),)), at=ALERT, runbooks=())
    last = drill.run()
    assert last.next == "escalate"
    assert drill.statuses()["bad_release lending"] == "supported"
    assert any("no runbook" in gap for gap in last.gaps)


def test_claims_of_a_sentence_are_measured() -> None:
    claims = (
        Claim(text="P95 went to 1 s", quantity="latency_p95_now", value=1.0, unit="s"),
        Claim(text="everything fails", quantity="error_ratio_now", value=90, unit="%"),
        Claim(text="the moon is full", quantity="moon", value=1, unit=""),
    )
    world = World("desk", library(), releases=(n_plus_one(),), claims=claims)
    drill = Drill(world, at=ALERT)
    drill.run()
    statuses = [h.status.value for h in drill.case.hypotheses.values() if h.mechanism == "claim"]
    assert statuses == ["supported", "refuted", "open"]
