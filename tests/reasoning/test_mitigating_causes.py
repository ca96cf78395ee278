"""Causes that no release is: what mitigates them, what it is expected to show, one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from diagnosis.reading_room import ALERT, HARMLESS_DIFF, ONSET, library, n_plus_one
from diagnosis.worlds import ROLLBACK, Drill, Fault, Release, World
from holdfast.actions.runbooks import load_runbooks
from holdfast.diagnosis.conclusion import conclude
from holdfast.model.action import Action, Risk
from holdfast.model.change import Change, ChangeType
from holdfast.model.runbook import Mitigates, Runbook, RunbookParameter, SettingStep

SLOW = Fault("index", ONSET, {"self_seconds": 0.9})
REVERT = load_runbooks(())["revert-setting"]
POOL_USED_UP = {"self_seconds": 0.8, "pool": 0.98}


def setting(value: str, instead_of: str) -> SettingStep:
    return SettingStep(
        name="s", service="search", key="index_optional", value=value, expect_value=instead_of
    )


WITHOUT_INDEX = Runbook(
    id="search-without-index",
    title="Search without the index",
    risk=Risk.LOW,
    mitigates=(Mitigates(mechanism="slow_dependency", service="index"),),
    steps=(setting("on", "off"),),
    undo=(setting("off", "on"),),
)


def config_change(key: str, was: str | None, now: str | None, *, service: str = "index") -> Change:
    return Change(
        id=f"chg-{key}",
        type=ChangeType.CONFIG,
        service=service,
        at=datetime.fromtimestamp(ONSET - 1, UTC),
        from_version="3.0.0",
        to_version="3.0.0",
        setting=key,
        from_value=was,
        to_value=now,
        source="test",
    )


def proposed(drill: Drill) -> Action:
    action = drill.run().action
    assert action is not None, drill.proposals[-1].gaps
    return action


# ---- a dependency ----------------------------------------------------------------------------


def test_a_slow_dependency_is_mitigated_by_the_runbook_that_names_it() -> None:
    harmless = Release("search", ONSET - 5, "2.0.0", "2.0.1", diff=HARMLESS_DIFF)
    world = World("desk", library(), faults=(SLOW,), releases=(harmless,), has_other_objective=True)
    drill = Drill(world, at=ALERT, runbooks=(ROLLBACK, WITHOUT_INDEX))
    action = proposed(drill)
    assert drill.statuses()["bad_release search"] == "refuted"
    assert (action.target, action.plan.runbook_id) == ("search", "search-without-index")
    assert action.plan == action.undo, "the runbook's own undo"
    assert action.preconditions.settings == {"search": {"index_optional": "off"}}
    assert (action.effect_probe.setting, action.effect_probe.value) == ("index_optional", "on")
    assert "desk-latency and desk-other" in action.expected_effect.statement
    assert action.expected_effect.bound.at_most == 1.0
    assert drill.act().effect == "seen"
    assert drill.run().next == "done"
    cause = conclude(drill.case).cause
    assert cause is not None
    assert (cause.mechanism, cause.service, cause.status) == (
        "slow_dependency",
        "index",
        "supported",
    )


def test_an_objective_that_was_not_met_before_is_no_actions_to_restore() -> None:
    world = World("desk", library(), faults=(SLOW,), has_other_objective=True, failing_before=True)
    action = proposed(Drill(world, at=ALERT, runbooks=(WITHOUT_INDEX,)))
    assert "desk-other" not in action.expected_effect.statement
    assert action.expected_effect.bound.at_most == pytest.approx(0.05)


@pytest.mark.parametrize(
    "change",
    [
        {"mitigates": (Mitigates(mechanism="slow_dependency", service="lending"),)},
        {"mitigates": (Mitigates(mechanism="traffic_surge", service="index"),)},
        {"parameters": (RunbookParameter(name="how_much"),)},
        {"undo": ()},
    ],
    ids=["of another service", "of another cause", "a parameter is unknown", "no undo"],
)
def test_a_runbook_that_does_not_fit_is_not_run(change: dict[str, object]) -> None:
    runbook = WITHOUT_INDEX.model_copy(update=change)
    drill = Drill(World("desk", library(), faults=(SLOW,)), at=ALERT, runbooks=(runbook,))
    last = drill.run()
    assert (last.next, drill.case.actions) == ("escalate", {})
    assert any("mitigate" in gap for gap in last.gaps)


def test_a_runbook_of_this_service_comes_before_one_of_any_and_low_risk_first() -> None:
    anywhere = WITHOUT_INDEX.model_copy(
        update={"id": "a-anywhere", "mitigates": (Mitigates(mechanism="slow_dependency"),)}
    )
    riskier = WITHOUT_INDEX.model_copy(update={"id": "b-riskier", "risk": Risk.HIGH})
    world = World("desk", library(), faults=(SLOW,))
    action = proposed(Drill(world, at=ALERT, runbooks=(anywhere, riskier, WITHOUT_INDEX)))
    assert action.plan.runbook_id == "search-without-index"


# ---- a configuration -------------------------------------------------------------------------


def test_a_pool_that_a_configuration_made_too_small_is_set_back() -> None:
    change = config_change("INDEX_POOL_SIZE", "40", "1")
    fault = Fault("index", ONSET, POOL_USED_UP)
    world = World("desk", library(), faults=(fault,), other_changes=(change,))
    drill = Drill(world, at=ALERT, runbooks=(REVERT,))
    action = proposed(drill)
    assert action.plan.parameters == {
        "service": "index",
        "key": "INDEX_POOL_SIZE",
        "bad_value": "1",
        "previous_value": "40",
    }
    assert action.preconditions.settings == {"index": {"INDEX_POOL_SIZE": "1"}}
    assert drill.act().effect == "seen"
    last = drill.run()
    assert last.next == "done"
    statuses = drill.statuses()
    assert statuses["bad_config index"] == "supported"
    assert statuses["pool_exhaustion index"] == "supported"
    assert statuses["slow_dependency index"] == "refuted"
    assert "added_wait index" not in statuses, "only a release's diff could tell of one"
    assert any("versions do not tell them apart" in gap for gap in last.gaps)
    assert "split:latency" not in {test.role for test in drill.case.tests.values()}


@pytest.mark.parametrize(
    ("change", "effect"),
    [
        (config_change("INDEX_POOL_SIZE", "40", "1"), {"self_seconds": 0.8}),
        (config_change("INDEX_POOL_SIZE", "1", "40"), POOL_USED_UP),
        (config_change("LOG_LEVEL", "2", "1"), POOL_USED_UP),
        (config_change("INDEX_POOL_SIZE", "large", "small"), POOL_USED_UP),
    ],
    ids=["the pool is not used up", "it was enlarged", "it governs something else", "no numbers"],
)
def test_a_configuration_that_only_came_just_before_is_suspected(
    change: Change, effect: dict[str, float]
) -> None:
    fault = Fault("index", ONSET, effect)
    world = World("desk", library(), faults=(fault,), other_changes=(change,))
    drill = Drill(world, at=ALERT, runbooks=(REVERT,))
    assert drill.run().next == "escalate"
    assert drill.case.actions == {}
    assert drill.statuses()["bad_config index"] == "suspected"


def test_a_configuration_of_another_service_is_refuted() -> None:
    change = config_change("LENDING_POOL_SIZE", "40", "1", service="lending")
    fault = Fault("index", ONSET, POOL_USED_UP)
    world = World("desk", library(), faults=(fault,), other_changes=(change,))
    drill = Drill(world, at=ALERT, runbooks=(REVERT,))
    drill.run()
    assert drill.statuses()["bad_config lending"] == "refuted"
    assert drill.case.actions == {}


def test_a_value_that_is_not_recorded_is_not_guessed() -> None:
    change = config_change("INDEX_POOL_SIZE", None, "1").model_copy(
        update={"from_version": "2.9.9"}
    )
    fault = Fault("index", ONSET, POOL_USED_UP)
    world = World("desk", library(), faults=(fault,), other_changes=(change,))
    last = Drill(world, at=ALERT, runbooks=(REVERT,)).run()
    assert last.action is None


# ---- two at once -----------------------------------------------------------------------------


def two_at_once() -> World:
    fault = Fault("index", ONSET, {"self_seconds": 0.9})
    return World("desk", library(), faults=(fault,), releases=(n_plus_one(),))


def test_two_causes_are_both_named_and_mitigated_in_turn() -> None:
    drill = Drill(two_at_once(), at=ALERT, runbooks=(ROLLBACK, WITHOUT_INDEX))
    first = proposed(drill)
    assert (first.target, first.expected_effect.partial) == ("lending", True)
    assert "what index does to desk is left" in first.expected_effect.statement
    assert drill.act().effect == "seen", "its own service is well, whatever users still feel"
    second = proposed(drill)
    assert (second.target, second.expected_effect.partial) == ("search", False)
    assert drill.act().effect == "seen"
    assert drill.run().next == "done"
    statuses = drill.statuses()
    assert statuses["bad_release lending"] == statuses["slow_dependency index"] == "supported"
    assert statuses["n_plus_one lending"] == "supported"
    others = {s: v for s, v in statuses.items() if s.startswith(("slow_", "bad_", "host", "traff"))}
    left = {s: v for s, v in others.items() if v != "refuted"}
    assert set(left) == {"bad_release lending", "slow_dependency index", "bad_instance index"}
    assert {h.service for h in conclude(drill.case).causes} == {"lending", "index"}


def test_what_relieved_one_service_is_kept_where_nothing_mitigates_the_other() -> None:
    drill = Drill(two_at_once(), at=ALERT)
    proposed(drill)
    assert drill.act().effect == "seen"
    last = drill.run()
    assert last.next == "escalate"
    assert "It helped in part" in last.reason
    assert any("no runbook mitigates slow_dependency of index" in gap for gap in last.gaps)
    (item,) = drill.case.actions.values()
    assert item.claimed("undo") == 0


def test_a_cause_whose_relief_brings_everybody_back_leaves_no_other() -> None:
    world = two_at_once()
    drill = Drill(world, at=ALERT, runbooks=(ROLLBACK, WITHOUT_INDEX))
    proposed(drill)
    world.faults = (replace(world.faults[0], until=drill.clock + 5),)
    drill.act()
    assert drill.run().action is None
    assert drill.statuses()["slow_dependency index"] == "refuted", "the trouble did not go on"


def test_two_faults_at_once_are_no_saturated_host_and_all_slow_at_once_are() -> None:
    faults = tuple(
        Fault(name, ONSET, {"self_seconds": 0.3, "cpu_seconds": 0.1}) for name in library()
    )
    everywhere = Drill(World("desk", library(), faults=faults), at=ALERT)
    everywhere.run()
    assert everywhere.statuses()["host_saturation desk"] == "supported"
    two = (
        replace(faults[1], effect={"self_seconds": 0.4, "cpu_seconds": 0.1}),
        replace(faults[2], effect={"self_seconds": 0.6, "cpu_seconds": 0.1}),
    )
    apart = Drill(World("desk", library(), faults=two), at=ALERT)
    apart.run()
    saturated = next(h for h in apart.case.hypotheses.values() if h.mechanism == "host_saturation")
    refuting = {apart.case.tests[i].role for i in saturated.contradicts}
    assert saturated.status == "refuted"
    assert "beyond_two" in refuting


def test_beside_a_likelier_cause_that_is_not_decided_only_what_is_told_apart_is_done() -> None:
    world = replace(two_at_once(), tells_versions=False)
    drill = Drill(world, at=ALERT, runbooks=(ROLLBACK, WITHOUT_INDEX))
    action = proposed(drill)
    assert (action.target, action.expected_effect.partial) == ("search", True)
    assert drill.act().effect == "seen"
    last = drill.run()
    assert (last.next, last.action) == ("escalate", None)
    assert drill.statuses()["bad_release lending"] == "unresolved"


def test_beside_a_likelier_cause_that_is_not_decided_nothing_is_done_at_the_entry() -> None:
    at_the_entry = WITHOUT_INDEX.model_copy(
        update={
            part: tuple(
                step.model_copy(update={"service": "desk"}) for step in getattr(WITHOUT_INDEX, part)
            )
            for part in ("steps", "undo")
        }
    )
    world = replace(two_at_once(), tells_versions=False)
    drill = Drill(world, at=ALERT, runbooks=(ROLLBACK, at_the_entry))
    last = drill.run()
    assert (last.next, drill.case.actions) == ("escalate", {})
    assert any("a likelier cause is not decided" in gap for gap in last.gaps)


# ---- over by itself --------------------------------------------------------------------------


def test_what_has_stopped_for_a_moment_is_not_acted_on() -> None:
    fault = replace(SLOW, until=ONSET + 4)
    world = World("desk", library(), faults=(fault,))
    drill = Drill(world, at=ONSET + 10, runbooks=(WITHOUT_INDEX,))
    last = drill.run()
    assert (last.action, drill.case.actions) == (None, {})
