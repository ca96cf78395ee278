"""A setting is set back: planned with what it replaces, guarded, probed after doubt, undone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from holdfast.actions.conditions import Has, parse_condition
from holdfast.actions.dryrun import dry_run, render
from holdfast.actions.execute import Executor
from holdfast.actions.guard import decide
from holdfast.actions.plan import plan_action, plan_problems
from holdfast.actions.settle import AskPerson, Doubt, RecordDone, RetryOnce, settle
from holdfast.actions.world import SETTING_COLUMNS, read_world
from holdfast.delivery.command import CommandDeployer
from holdfast.errors import InputError
from holdfast.model.action import Action, Autonomy, EffectProbe, WorldState
from holdfast.model.config import DeployerSettings
from holdfast.model.evidence import Outcome, Table
from holdfast.model.policy import Policy, PolicyRule
from holdfast.model.runbook import Runbook, SettingStep
from support.action_world import EFFECT, NOW, RUNBOOKS
from support.settings_tool import SettingsTool
from support.team_tool import TeamTool

SERVES = {"v1": 100.0}
BAD = {"POOL_SIZE": "1", "THEME": "dark"}
WORLD = WorldState(versions={"shop": SERVES}, settings={"shop": BAD})
PARAMETERS = {"service": "shop", "key": "POOL_SIZE", "bad_value": "1", "previous_value": "20"}
POLICY = Policy(name="acts", rules=(PolicyRule(name="all", autonomy=Autonomy.ACT),))


def _hasty(runbook: Runbook) -> Runbook:
    steps = tuple(step.model_copy(update={"timeout_seconds": 0.5}) for step in runbook.steps)
    return runbook.model_copy(update={"steps": steps})


REVERT = _hasty(RUNBOOKS["revert-setting"])


def _plan(world: WorldState = WORLD, **parameters: str) -> Action:
    return plan_action(
        REVERT,
        PARAMETERS | parameters,
        action_id="act-1",
        target="shop",
        world=world,
        expected_effect=EFFECT,
        blast_radius="all requests to shop",
    )


@pytest.fixture
def tool(tmp_path: Path) -> SettingsTool:
    return SettingsTool(tmp_path / "settings", {"shop": dict(BAD)})


@pytest.fixture
def deployer(tmp_path: Path) -> CommandDeployer:
    team = TeamTool(tmp_path / "team", {"shop": dict(SERVES)})
    settings = DeployerSettings(
        name="team", kind="command", current=team.argv("current", "{service}"), deploy=("false",)
    )
    return CommandDeployer(settings, working_folder=team.folder)


@pytest.fixture
def executor(tool: SettingsTool, deployer: CommandDeployer) -> Executor:
    runbooks = {REVERT.id: REVERT}
    return Executor(
        {"shop": deployer}, runbooks, time.monotonic, settings={"shop": tool.settings()}
    )


# ---- planning --------------------------------------------------------------------------------


def test_a_plan_carries_the_value_that_it_replaces_and_no_other_setting() -> None:
    action = _plan()
    assert action.preconditions == WorldState(
        versions={"shop": SERVES}, settings={"shop": {"POOL_SIZE": "1"}}
    )
    assert action.effect_probe == EffectProbe(service="shop", setting="POOL_SIZE", value="20")
    assert action.undo == action.plan
    assert plan_problems(action, RUNBOOKS) == ()


@pytest.mark.parametrize(
    ("world", "parameters", "complaint"),
    [
        (WORLD, {"previous_value": "1"}, "POOL_SIZE is 1 already"),
        (WORLD, {"bad_value": "2"}, "shop has POOL_SIZE=2 does not hold"),
        (WorldState(versions={"shop": SERVES}), {}, "shop has POOL_SIZE=1 does not hold"),
        (WORLD, {"service": "mail"}, "changes mail, not only shop"),
        (WORLD, {"previous_value": "-1"}, "as an option"),
    ],
)
def test_what_cannot_work_is_not_planned(
    world: WorldState, parameters: dict[str, str], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        _plan(world, **parameters)


def test_an_undo_that_brings_back_something_else_is_named() -> None:
    (back,) = REVERT.undo
    assert isinstance(back, SettingStep)
    other = back.model_copy(update={"value": "7"})
    wrong = REVERT.model_copy(update={"undo": (other,)})
    assert plan_problems(_plan(), {REVERT.id: wrong}) == (
        "its undo does not set POOL_SIZE back to 1",
    )


def test_one_action_makes_one_kind_of_change() -> None:
    weights = (
        RUNBOOKS["unstage-fix"].steps[0].model_copy(update={"service": "shop", "weights": "v1=100"})
    )
    both = REVERT.model_copy(update={"steps": (*REVERT.steps, weights)})
    (problem, *_) = plan_problems(_plan(), {REVERT.id: both})
    assert "changes settings and versions" in problem


# ---- doing and undoing -----------------------------------------------------------------------


def test_a_setting_is_set_back_and_the_probe_agrees(tool: SettingsTool, executor: Executor) -> None:
    action = _plan()
    performance = executor.perform(action, "act", 1)
    assert performance.outcome == "done"
    assert "set POOL_SIZE of shop to 20 if it is 1" in performance.detail
    assert tool.state() == {"shop": {"POOL_SIZE": "20", "THEME": "dark"}}
    assert tool.log() == [["shop", "POOL_SIZE", "20", "1", "act-1.act.1"]]
    assert executor.probe(action, "undo") == "not_taken"
    assert executor.perform(action, "undo", 1).outcome == "done"
    assert tool.state() == {"shop": BAD}
    assert executor.probe(action, "undo") == "took_effect"
    assert executor.probe(action, "act") == "not_taken"


def test_what_somebody_else_has_set_back_needs_nothing(
    tool: SettingsTool, executor: Executor
) -> None:
    tool.set_state({"shop": {"POOL_SIZE": "20"}})
    assert executor.perform(_plan(), "act", 1).outcome == "not_needed"
    tool.set_state({"shop": {"POOL_SIZE": "5"}})
    performance = executor.perform(_plan(), "act", 1)
    assert (performance.outcome, performance.drifted) == ("failed", True)
    assert executor.probe(_plan(), "act") == "unknown", "neither as before nor as wanted"
    assert tool.log() == []


def test_without_a_way_to_set_it_nothing_is_done(deployer: CommandDeployer) -> None:
    executor = Executor({"shop": deployer}, {REVERT.id: REVERT}, time.monotonic)
    performance = executor.perform(_plan(), "act", 1)
    assert performance.outcome == "failed"
    assert executor.probe(_plan(), "act") == "unknown"


# ---- doubt -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mood", "outcome", "settlement"),
    [
        ("hangs", "unknown", RetryOnce),
        ("does_then_hangs", "unknown", RecordDone),
        ("does_then_fails", "unknown", RecordDone),
        ("fails", "failed", AskPerson),
        ("lies", "unknown", RetryOnce),
    ],
)
def test_doubt_is_settled_by_what_is_in_force(
    tool: SettingsTool,
    executor: Executor,
    mood: str,
    outcome: str,
    settlement: type[object],
) -> None:
    tool.set_mood(mood)
    action = _plan()
    performance = executor.perform(action, "act", 1)
    assert performance.outcome == outcome
    assert performance.outcome in ("failed", "unknown")
    doubt = Doubt(
        probe=executor.probe(action, "act"),
        told=performance.outcome,
        attempts=1,
        conditional=executor.conditional(action, "act"),
        claim_age_seconds=10,
    )
    assert isinstance(settle(doubt), settlement)


def test_a_retry_after_a_crash_does_it_once(tool: SettingsTool, executor: Executor) -> None:
    """The worker died after its write: another one, which knows nothing, is claimed again."""
    tool.set_state({"shop": {"POOL_SIZE": "20"}})
    assert executor.probe(_plan(), "act") == "took_effect"
    assert executor.perform(_plan(), "act", 2).outcome == "not_needed"
    assert tool.log() == []


# ---- the world, the guard and the dry run ----------------------------------------------------


def _decide(action: Action, world: WorldState) -> tuple[str, tuple[str, ...], bool]:
    decision = decide(
        action,
        POLICY,
        environment="production",
        budget_remaining=1.0,
        world=world,
        approvals=(),
        actions_so_far=0,
        now=NOW,
    )
    return decision.decision, decision.reasons, decision.drifted


def test_settings_are_part_of_the_world_and_of_its_evidence(
    tool: SettingsTool, deployer: CommandDeployer
) -> None:
    tool.set_state({"shop": {"POOL_SIZE": "1", "API_TOKEN": "hunter2secret"}})
    world, evidence = read_world({"shop": deployer}, ["shop"], settings={"shop": tool.settings()})
    assert world.settings["shop"]["POOL_SIZE"] == "1"
    assert isinstance(evidence.value, Table)
    assert evidence.value.columns == SETTING_COLUMNS
    assert evidence.value.rows == (
        ("shop", "v1", 100.0, False, None, None),
        ("shop", None, None, None, "API_TOKEN", "REDACTED"),
        ("shop", None, None, None, "POOL_SIZE", "1"),
    )


def test_the_guard_allows_only_where_the_replaced_value_is_known_to_be_in_force() -> None:
    action = _plan()
    assert _decide(action, WORLD)[0] == "allow"
    other = WorldState(versions=WORLD.versions, settings={"shop": {"POOL_SIZE": "5"}})
    decision, reasons, drifted = _decide(action, other)
    assert (decision, drifted) == ("deny", True)
    assert "POOL_SIZE of shop is 5; it was planned for 1" in reasons[0]


def test_the_guard_denies_where_the_settings_cannot_be_read(
    tool: SettingsTool, deployer: CommandDeployer
) -> None:
    tool.set_mood("unreachable")
    world, evidence = read_world({"shop": deployer}, ["shop"], settings={"shop": tool.settings()})
    assert evidence.outcome is Outcome.ERROR
    assert world == WorldState(versions={"shop": SERVES})
    decision, reasons, drifted = _decide(_plan(), world)
    assert (decision, drifted) == ("deny", False)
    assert "the settings of shop are unknown" in reasons[0]


def test_the_guard_denies_a_plan_that_does_not_say_what_it_replaces() -> None:
    blind = _plan().model_copy(update={"preconditions": WorldState(versions={"shop": SERVES})})
    decision, reasons, _ = _decide(blind, WORLD)
    assert decision == "deny"
    assert "does not say which POOL_SIZE of shop it replaces" in reasons[0]


def test_a_dry_run_shows_the_program_and_the_condition(
    tool: SettingsTool, deployer: CommandDeployer
) -> None:
    settings = {"shop": tool.settings()}
    shown = dry_run(_plan(), RUNBOOKS, {"shop": deployer}, settings=settings)
    assert shown.possible
    text = render(shown)
    assert "holds: shop has POOL_SIZE=1" in text
    assert "'POOL_SIZE', '20', '1', 'act-1.act.1'" in text
    assert "asked after doubt: shop has POOL_SIZE=20" in text
    assert tool.log() == []
    unable = dry_run(_plan(), RUNBOOKS, {"shop": deployer})
    assert not unable.possible
    assert "no way to set settings of shop" in unable.steps[0].problem
    assert [condition.holds for condition in unable.preconditions] == [None, None]


def test_a_condition_on_a_setting_is_read_and_evaluated() -> None:
    found = parse_condition("shop has POOL_SIZE=1", "here")
    assert found == Has("shop", "POOL_SIZE", "1")
    assert found.holds(WORLD) is True
    assert Has("shop", "POOL_SIZE", "2").holds(WORLD) is False
    assert Has("shop", "ABSENT", "1").holds(WORLD) is False
    assert Has("mail", "POOL_SIZE", "1").holds(WORLD) is None
