"""Performing a plan with a team's real commands: what is told, what is probed, what is settled."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from holdfast.actions.execute import Executor
from holdfast.actions.runbooks import parse_runbook
from holdfast.actions.settle import AskPerson, Doubt, RecordDone, RetryOnce, settle
from holdfast.delivery.command import CommandDeployer
from holdfast.model.action import Action, EffectProbe, Risk, RunbookCall, WorldState
from holdfast.model.config import DeployerSettings
from holdfast.model.evidence import Evidence, Text
from holdfast.model.runbook import Runbook
from support.action_world import BEFORE, RUNBOOKS, rollback
from support.team_tool import TeamTool

FAST_ROLLBACK = RUNBOOKS["rollback-release"].model_copy(
    update={
        "steps": tuple(
            s.model_copy(update={"timeout_seconds": 0.6})
            for s in RUNBOOKS["rollback-release"].steps
        )
    }
)


@pytest.fixture
def tool(tmp_path: Path) -> TeamTool:
    return TeamTool(tmp_path / "team", dict(BEFORE.versions))


def _executor(tool: TeamTool, *runbooks: Runbook, kept: list[Evidence] | None = None) -> Executor:
    settings = DeployerSettings(
        name="team",
        kind="command",
        current=tool.argv("current", "{service}"),
        deploy=tool.argv("deploy", "{service}", "{version}", "{idempotency_key}"),
        weights=tool.argv("weights", "{service}", "{weights}"),
    )
    deployer = CommandDeployer(settings, working_folder=tool.folder)
    return Executor(
        {"shop": deployer},
        {r.id: r for r in (FAST_ROLLBACK, *runbooks)},
        time.monotonic,
        working_folder=tool.folder,
        keep=kept.append if kept is not None else None,
    )


def _runbook(text: str) -> Runbook:
    return parse_runbook(text, Path("test.yaml"))


# ---- the ordinary course ---------------------------------------------------------------------


def test_a_rollback_is_done_and_the_probe_agrees(tool: TeamTool) -> None:
    kept: list[Evidence] = []
    executor = _executor(tool, kept=kept)
    performance = executor.perform(rollback(), "act", 1)
    assert performance.outcome == "done"
    assert tool.states() == {"shop": {"v2.0.0": 100.0}}
    assert tool.log() == [["deploy", "shop", "v2.0.0", "act-1.act.1"]]
    assert executor.probe(rollback(), "act") == "took_effect"
    assert performance.evidence_ids == (kept[0].id,)
    assert kept[0].source == "command team"
    assert isinstance(kept[0].value, Text)
    assert "deploy v2.0.0 of shop if v2.0.1 serves" in kept[0].value.text


def test_its_undo_brings_the_earlier_state_back(tool: TeamTool) -> None:
    executor = _executor(tool)
    executor.perform(rollback(), "act", 1)
    assert executor.probe(rollback(), "undo") == "not_taken"
    assert executor.perform(rollback(), "undo", 1).outcome == "done"
    assert tool.states() == BEFORE.versions
    assert executor.probe(rollback(), "undo") == "took_effect"
    assert executor.probe(rollback(), "act") == "not_taken"


def test_an_undo_may_be_another_call(tool: TeamTool) -> None:
    swapped = {"service": "shop", "from_version": "v2.0.0", "to_version": "v2.0.1"}
    undo = RunbookCall(runbook_id="rollback-release", parameters=dict(swapped))
    action = rollback(undo=undo)
    executor = _executor(tool)
    executor.perform(action, "act", 1)
    assert executor.perform(action, "undo", 1).outcome == "done"
    assert tool.states() == BEFORE.versions


# ---- refused before anything is done ---------------------------------------------------------


def test_a_world_that_is_as_wanted_already_needs_nothing(tool: TeamTool) -> None:
    tool.set_states({"shop": {"v2.0.0": 100.0}})
    assert _executor(tool).perform(rollback(), "act", 1).outcome == "not_needed"
    assert tool.log() == []


def test_a_world_that_is_neither_fails_and_nothing_is_done(tool: TeamTool) -> None:
    tool.set_states({"shop": {"v3.0.0": 100.0}})
    performance = _executor(tool).perform(rollback(), "act", 1)
    assert performance.outcome == "failed"
    assert "shop serves v2.0.1" in performance.detail
    assert tool.log() == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"risk": Risk.LOW}, "its risk is given as low"),
        ({"target": "mail"}, "changes shop, not only mail"),
        ({"effect_probe": EffectProbe(service="shop", version="v9")}, "which it does not start"),
        ({"undo": RunbookCall(runbook_id="none")}, "no runbook none"),
        (
            {
                "plan": RunbookCall(
                    runbook_id="rollback-release",
                    parameters={
                        "service": "shop",
                        "from_version": "v2.0.1",
                        "to_version": "$(reboot)",
                    },
                )
            },
            "does not match",
        ),
    ],
)
def test_a_plan_that_is_not_what_its_runbook_says_is_refused(
    tool: TeamTool, changes: dict[str, object], complaint: str
) -> None:
    performance = _executor(tool).perform(rollback(**changes), "act", 1)
    assert performance.outcome == "failed"
    assert complaint in performance.detail
    assert tool.log() == []


def test_a_service_without_a_deployer_fails(tool: TeamTool) -> None:
    executor = Executor({}, {FAST_ROLLBACK.id: FAST_ROLLBACK}, time.monotonic)
    assert executor.perform(rollback(), "act", 1).outcome == "failed"
    assert executor.probe(rollback(), "act") == "unknown"


# ---- doubt -----------------------------------------------------------------------------------


def _settled(executor: Executor, action: Action, told: str | None, attempts: int) -> object:
    assert told in ("failed", "unknown", None)
    return settle(
        Doubt(
            probe=executor.probe(action, "act"),
            told=told,
            attempts=attempts,
            conditional=executor.conditional(action, "act"),
            claim_age_seconds=10,
        )
    )


def test_a_deployer_that_hangs_before_acting_is_retried_once_and_then_left_to_a_person(
    tool: TeamTool,
) -> None:
    executor, action = _executor(tool), rollback()
    tool.set_mood("hangs")
    first = executor.perform(action, "act", 1)
    assert first.outcome == "unknown"
    assert isinstance(_settled(executor, action, first.outcome, 1), RetryOnce)
    second = executor.perform(action, "act", 2)
    assert isinstance(_settled(executor, action, second.outcome, 2), AskPerson)
    assert [entry[-1] for entry in tool.log()] == ["act-1.act.1"] * 2, "the same key each time"


def test_a_deployer_that_hangs_after_acting_is_found_done_by_the_probe(tool: TeamTool) -> None:
    executor, action = _executor(tool), rollback()
    tool.set_mood("does_then_hangs")
    performance = executor.perform(action, "act", 1)
    assert performance.outcome == "unknown"
    assert isinstance(_settled(executor, action, performance.outcome, 1), RecordDone)
    assert len(tool.log()) == 1


def test_a_deployer_that_fails_is_left_to_a_person(tool: TeamTool) -> None:
    executor, action = _executor(tool), rollback()
    tool.set_mood("fails")
    performance = executor.perform(action, "act", 1)
    assert performance.outcome == "failed"
    assert "quota exceeded" in performance.detail
    assert "hunter2secret" not in performance.detail
    assert isinstance(_settled(executor, action, performance.outcome, 1), AskPerson)


def test_a_deployer_that_fails_after_acting_is_doubted_and_found_done(tool: TeamTool) -> None:
    executor, action = _executor(tool), rollback()
    tool.set_mood("does_then_fails")
    performance = executor.perform(action, "act", 1)
    assert performance.outcome == "unknown"
    assert "the probe says took_effect" in performance.detail
    assert isinstance(_settled(executor, action, performance.outcome, 1), RecordDone)


def test_a_deployer_that_says_done_and_did_nothing_is_not_believed(tool: TeamTool) -> None:
    tool.set_mood("lies")
    performance = _executor(tool).perform(rollback(), "act", 1)
    assert performance.outcome == "unknown"
    assert "the probe says not_taken" in performance.detail


@pytest.mark.parametrize(
    ("mood", "states", "answer"),
    [
        ("", {"v2.0.1": 100.0}, "not_taken"),
        ("", {"v2.0.0": 100.0}, "took_effect"),
        ("", {"v2.0.0": 99.8, "v2.0.1": 0.2}, "took_effect"),
        ("", {"v2.0.0": 100.0, "v2.0.1": 0.0}, "took_effect"),
        ("", {"v2.0.0": 50.0, "v2.0.1": 50.0}, "unknown"),
        ("", {"v3.0.0": 100.0}, "unknown"),
        ("moving", {"v2.0.0": 100.0}, "in_progress"),
        ("babbles", {"v2.0.0": 100.0}, "unknown"),
        ("unreachable", {"v2.0.0": 100.0}, "unknown"),
    ],
)
def test_the_probe_asks_what_serves_now(
    tool: TeamTool, mood: str, states: dict[str, float], answer: str
) -> None:
    tool.set_states({"shop": states})
    tool.set_mood(mood)
    assert _executor(tool).probe(rollback(), "act") == answer


# ---- runbooks of commands and weights --------------------------------------------------------

COMMANDS = """
id: purge-cache
title: Purge the cache and share traffic
risk: medium
parameters:
  - {name: service}
  - {name: marker, pattern: "[ -~]+"}
  - {name: old}
  - {name: new}
preconditions: ["{service} serves only {old}"]
steps:
  - {kind: command, name: mark, argv: [PYTHON, -c, "SCRIPT", "{marker}"]}
  - {kind: weights, name: share, service: "{service}", weights: "{old}=80,{new}=20"}
effect_probe: "{service} serves {new}"
undo:
  - {kind: weights, name: back, service: "{service}", weights: "{old}=100"}
""".replace("PYTHON", sys.executable).replace(
    "SCRIPT", "import sys; open('marked', 'a').write(sys.argv[1])"
)


def _purge(marker: str) -> Action:
    call = RunbookCall(
        runbook_id="purge-cache",
        parameters={"service": "shop", "marker": marker, "old": "v2.0.1", "new": "v2.0.2"},
    )
    return rollback(
        plan=call, undo=call, effect_probe=EffectProbe(service="shop", version="v2.0.2")
    )


def test_commands_and_weights_are_run_in_order(tool: TeamTool) -> None:
    executor = _executor(tool, _runbook(COMMANDS))
    nasty = "$(touch owned); `id` 'x' \"y\""
    assert executor.perform(_purge(nasty), "act", 1).outcome == "done"
    assert (tool.folder / "marked").read_text() == nasty, "one argument, read by no shell"
    assert not (tool.folder / "owned").exists()
    assert tool.states() == {"shop": {"v2.0.1": 80.0, "v2.0.2": 20.0}}
    assert executor.perform(_purge(nasty), "undo", 1).outcome == "done"
    assert tool.states() == BEFORE.versions
    assert not executor.conditional(_purge(nasty), "act")


@pytest.mark.parametrize("marker", ["--help", "-c", "a\nb", "a\0b", ""])
def test_no_pattern_lets_an_option_or_a_control_character_through(
    tool: TeamTool, marker: str
) -> None:
    performance = _executor(tool, _runbook(COMMANDS)).perform(_purge(marker), "act", 1)
    assert performance.outcome == "failed"
    assert not (tool.folder / "marked").exists()


def test_a_step_that_fails_stops_those_behind_it(tool: TeamTool) -> None:
    failing = COMMANDS.replace("import sys;", "import sys; sys.exit(4);")
    performance = _executor(tool, _runbook(failing)).perform(_purge("m"), "act", 1)
    assert performance.outcome == "failed"
    assert "ended with 4" in performance.detail
    assert tool.log() == []


def test_a_command_that_leaves_versions_alone_is_done_by_its_own_word(tool: TeamTool) -> None:
    restart = _runbook(
        """
id: restart
title: Restart
parameters: [{name: service}, {name: version}]
steps: [{kind: command, name: restart, argv: ["true", "{service}"]}]
effect_probe: "{service} serves {version}"
undo: [{kind: command, name: nothing to undo, argv: ["true"]}]
"""
    )
    call = RunbookCall(runbook_id="restart", parameters={"service": "shop", "version": "v2.0.1"})
    action = rollback(
        plan=call, undo=call, effect_probe=EffectProbe(service="shop", version="v2.0.1")
    )
    executor = _executor(tool, restart)
    performance = executor.perform(action, "act", 1)
    assert performance.outcome == "done"
    assert "no probe can confirm it" in performance.detail
    assert executor.probe(action, "act") == "unknown", "nothing could tell before from after"


def test_a_command_sees_path_and_no_secret(tool: TeamTool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "secret")
    leaking = COMMANDS.replace("sys.argv[1]", "str(sorted(__import__('os').environ))")
    _executor(tool, _runbook(leaking)).perform(_purge("m"), "act", 1)
    assert "DEPLOY_TOKEN" not in (tool.folder / "marked").read_text()


def test_the_state_that_was_planned_for_is_part_of_the_probe(tool: TeamTool) -> None:
    """Half of a canary before, all of the old version after: both are known states."""
    half = WorldState(versions={"shop": {"v2.0.1": 50.0, "v2.0.0": 50.0}})
    tool.set_states(half.versions)
    assert _executor(tool).probe(rollback(preconditions=half), "act") == "not_taken"
