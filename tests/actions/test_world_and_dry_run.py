"""What runs now is evidence; a dry run shows argv and conditions, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.actions.dryrun import dry_run, render
from holdfast.actions.world import read_world
from holdfast.delivery.command import CommandDeployer
from holdfast.evidence import derive
from holdfast.model.action import Risk, RunbookCall, WorldState
from holdfast.model.config import DeployerSettings
from holdfast.model.evidence import Outcome, Table
from holdfast.model.figure import Derivation
from support.action_world import AFTER, BEFORE, RUNBOOKS, rollback
from support.team_tool import TeamTool


@pytest.fixture
def tool(tmp_path: Path) -> TeamTool:
    return TeamTool(tmp_path / "team", {"shop": {"v2.0.1": 90.0, "v2.0.0": 10.0}})


def _deployer(tool: TeamTool) -> CommandDeployer:
    settings = DeployerSettings(
        name="team",
        kind="command",
        current=tool.argv("current", "{service}"),
        deploy=("deployctl", "{service}", "{version}", "--key", "{idempotency_key}"),
        rollback=("deployctl", "undo", "{service}", "{version}"),
    )
    return CommandDeployer(settings, working_folder=tool.folder)


# ---- the world -------------------------------------------------------------------------------


def test_the_world_is_read_with_its_evidence(tool: TeamTool) -> None:
    world, evidence = read_world({"shop": _deployer(tool)}, ["shop", "mail"])
    assert world == WorldState(versions={"shop": {"v2.0.1": 90.0, "v2.0.0": 10.0}})
    assert evidence.outcome is Outcome.DATA
    assert (evidence.query, evidence.source) == ("current(shop)", "command team")
    assert isinstance(evidence.value, Table)
    assert evidence.value.columns == ("service", "version", "weight_percent", "in_progress")
    assert evidence.value.rows == (
        ("shop", "v2.0.0", 10.0, False),
        ("shop", "v2.0.1", 90.0, False),
    )
    weight = Derivation(
        function="cell",
        evidence_ids=(evidence.id,),
        parameters={"column": "weight_percent", "key_column": "version", "key": "v2.0.1"},
    )
    assert derive.compute(weight, [evidence]) == 90


def test_a_deployer_that_does_not_answer_leaves_its_service_unknown(tool: TeamTool) -> None:
    tool.set_mood("unreachable")
    world, evidence = read_world({"shop": _deployer(tool)}, ["shop"])
    assert world.versions == {}
    assert evidence.outcome is Outcome.ERROR
    assert "connection refused" in evidence.error


def test_without_a_deployer_there_is_no_data() -> None:
    world, evidence = read_world({}, ["shop"])
    assert world.versions == {}
    assert evidence.outcome is Outcome.NO_DATA


# ---- the dry run -----------------------------------------------------------------------------


def test_a_dry_run_shows_what_would_be_run_and_runs_nothing(tool: TeamTool) -> None:
    tool.set_states(dict(BEFORE.versions))
    shown = dry_run(rollback(), RUNBOOKS, {"shop": _deployer(tool)})
    assert shown.possible
    assert shown.steps[0].argv == ("deployctl", "undo", "shop", "v2.0.0")
    assert shown.undo[0].argv == ("deployctl", "shop", "v2.0.1", "--key", "act-1.undo.1")
    assert [(c.condition, c.holds) for c in shown.preconditions] == [
        ("shop serves v2.0.1", True),
        ("the world is as planned", True),
    ]
    assert tool.log() == []
    assert tool.states() == BEFORE.versions


def test_its_text_names_steps_conditions_effect_probe_and_undo(tool: TeamTool) -> None:
    tool.set_states(dict(BEFORE.versions))
    text = render(dry_run(rollback(), RUNBOOKS, {"shop": _deployer(tool)}))
    for part in (
        "Would do: Roll a service back",
        "holds: shop serves v2.0.1",
        "deploy v2.0.0 of shop if v2.0.1 serves (≤ 60 s)",
        "argv: ['deployctl', 'undo', 'shop', 'v2.0.0']",
        "slow_ratio ≤ 0.05 for 10 s within 60 s",
        "asked after doubt: shop serves only v2.0.0",
        "undo 1: give all traffic back",
    ):
        assert part in text


def test_a_condition_that_does_not_hold_is_shown(tool: TeamTool) -> None:
    tool.set_states(dict(AFTER.versions))
    shown = dry_run(rollback(), RUNBOOKS, {"shop": _deployer(tool)})
    assert not shown.possible
    assert [c.holds for c in shown.preconditions] == [False, False]
    assert "does not hold: shop serves v2.0.1" in render(shown)


def test_what_is_unknown_is_shown_as_unknown_and_is_not_possible(tool: TeamTool) -> None:
    tool.set_mood("babbles")
    shown = dry_run(rollback(), RUNBOOKS, {"shop": _deployer(tool)})
    assert [c.holds for c in shown.preconditions] == [None, None]
    assert not shown.possible
    assert "unknown: shop serves v2.0.1" in render(shown)


def test_without_a_deployer_the_step_says_that_it_cannot_be_done() -> None:
    shown = dry_run(rollback(), RUNBOOKS, {})
    assert "shop has no deployer" in shown.steps[0].problem
    assert not shown.possible


def test_what_is_wrong_with_the_plan_is_shown(tool: TeamTool) -> None:
    action = rollback(risk=Risk.LOW)
    shown = dry_run(action, RUNBOOKS, {"shop": _deployer(tool)})
    assert any("risk" in problem for problem in shown.problems)
    action = rollback(undo=RunbookCall(runbook_id="none"))
    shown = dry_run(action, RUNBOOKS, {"shop": _deployer(tool)})
    assert shown.undo == ()
    assert any("no runbook none" in problem for problem in shown.problems)
