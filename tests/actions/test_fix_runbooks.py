"""The runbooks of a fix, on a real repository and a team's real tool: done, probed, taken back."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from holdfast.actions.dryrun import dry_run
from holdfast.actions.execute import Executor
from holdfast.actions.parameters import check_parameters, filled_steps
from holdfast.actions.plan import plan_problems
from holdfast.actions.runbooks import parse_runbook
from holdfast.actions.steps import weights_of
from holdfast.delivery.command import CommandDeployer
from holdfast.delivery.git_host import GitHost
from holdfast.errors import ConfigError, InputError
from holdfast.model.action import Action, EffectProbe, Parameter, RunbookCall, WorldState
from holdfast.model.config import DeployerSettings
from holdfast.model.runbook import WeightsStep
from support.action_world import EFFECT, RUNBOOKS
from support.team_tool import TeamTool

GOOD, FIXED = "v1.0.0", "v1.0.2"
WHO = {f"GIT_{r}_{w}": "a@example.org" for r in ("AUTHOR", "COMMITTER") for w in ("NAME", "EMAIL")}


def _git(folder: Path, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, **WHO}
    argv = ["git", "-c", "core.hooksPath=/dev/null", "-C", str(folder), *arguments]
    done = subprocess.run(argv, check=True, env=environment, capture_output=True, text=True)
    return done.stdout.strip()


def _commit(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", f"Write {name}")
    return _git(folder, "rev-parse", "HEAD")


class World:
    """A repository with a fix on a branch of ours, and what runs of it."""

    def __init__(self, folder: Path) -> None:
        self.shop = folder / "shop"
        self.shop.mkdir()
        _git(self.shop, "init", "-q", "-b", "main")
        _commit(self.shop, "price.txt", "1\n")
        self.base = _commit(self.shop, "price.txt", "2\n")
        self.host = GitHost(self.shop, work_folder=folder / "work")
        workspace = self.host.open("fix", "main")
        self.fix = self.host.commit(workspace, {"price.txt": "1\n"}, "Repair the price")
        self.host.close(workspace, keep_branch=True)
        self.team = TeamTool(folder / "team", {"shop": {GOOD: 100.0}})
        settings = DeployerSettings(
            name="team",
            kind="command",
            current=self.team.argv("current", "{service}"),
            deploy=self.team.argv("deploy", "{service}", "{version}"),
            weights=self.team.argv("weights", "{service}", "{weights}"),
            endpoints=self.team.argv("endpoints", "{service}"),
        )
        self.deployers = {"shop": CommandDeployer(settings, working_folder=self.team.folder)}
        self.executor = Executor(
            self.deployers, RUNBOOKS, time.monotonic, code_hosts={"shop": self.host}
        )

    def action(
        self,
        runbook_id: str,
        probe: EffectProbe,
        before: dict[str, float] | None = None,
        **given: Parameter,
    ) -> Action:
        """Return an action as the engine plans it."""
        call = RunbookCall(runbook_id=runbook_id, parameters={"service": "shop", **given})
        return Action(
            id="act-1",
            hypothesis_id=None,
            title=RUNBOOKS[runbook_id].title,
            plan=call,
            target="shop",
            risk=RUNBOOKS[runbook_id].risk,
            blast_radius="shop",
            preconditions=WorldState(versions={"shop": before or {GOOD: 100.0}}),
            expected_effect=EFFECT,
            effect_probe=probe,
            undo=call,
            idempotency_key="act-1",
        )

    def merge(self) -> Action:
        """Return the merge of the fix."""
        probe = EffectProbe(service="shop", branch="main", commit=self.fix)
        return self.action(
            "merge-fix", probe, branch="holdfast/fix", into="main", expect_head=self.base
        )

    def withdraw(self) -> Action:
        """Return the withdrawal of the merge."""
        probe = EffectProbe(service="shop", branch="main", commit=self.base)
        return self.action(
            "withdraw-fix", probe, branch="holdfast/fix", into="main", expect_base=self.base
        )

    def stage(self) -> Action:
        """Return the start of the fixed version without traffic."""
        probe = EffectProbe(service="shop", version=FIXED)
        return self.action("stage-fix", probe, stable_version=GOOD, version=FIXED, commit=self.fix)

    def canary(self, percent: float, before: dict[str, float]) -> Action:
        """Return a step of the canary."""
        return self.action(
            "canary-step",
            EffectProbe(service="shop", version=FIXED),
            before,
            stable_version=GOOD,
            version=FIXED,
            stable_percent=100 - percent,
            percent=percent,
        )

    def price(self) -> str:
        """Return what the branch that is released from holds."""
        return _git(self.shop, "show", "main:price.txt")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


# ---- merging and taking back -----------------------------------------------------------------


def test_a_fix_is_merged_and_taken_back_by_a_new_commit(world: World) -> None:
    action = world.merge()
    assert plan_problems(action, RUNBOOKS) == ()
    assert world.executor.probe(action, "act") == "not_taken"
    assert world.executor.perform(action, "act", 1).outcome == "done"
    assert (world.price(), world.executor.probe(action, "act")) == ("1", "took_effect")
    assert world.executor.probe(action, "undo") == "not_taken"
    assert world.executor.perform(action, "undo", 1).outcome == "done"
    assert (world.price(), world.executor.probe(action, "undo")) == ("2", "took_effect")
    assert not world.host.contains("main", world.fix)
    assert world.fix in _git(world.shop, "rev-list", "main"), "nothing was rewritten"


def test_a_merge_after_a_crash_is_found_done_and_a_second_attempt_adds_nothing(
    world: World,
) -> None:
    action = world.merge()
    head = world.host.merge("holdfast/fix", "main", expect_head=world.base)
    assert world.executor.probe(action, "act") == "took_effect"
    assert world.executor.conditional(action, "act")
    assert world.executor.perform(action, "act", 2).outcome == "done"
    assert world.host.head("main") == head


def test_a_branch_that_has_moved_on_is_not_merged_into(world: World) -> None:
    _commit(world.shop, "other.txt", "new\n")
    performance = world.executor.perform(world.merge(), "act", 1)
    assert (performance.outcome, performance.drifted) == ("failed", True)
    assert "not at" in performance.detail
    assert world.price() == "2"


def test_a_withdrawal_keeps_what_others_have_added_since(world: World) -> None:
    merged = world.merge()
    world.executor.perform(merged, "act", 1)
    _commit(world.shop, "other.txt", "new\n")
    assert world.executor.perform(merged, "undo", 1).outcome == "done"
    assert world.price() == "2"
    assert _git(world.shop, "show", "main:other.txt") == "new"
    assert world.executor.probe(merged, "undo") == "took_effect"


def test_a_withdrawal_of_its_own_is_done_once(world: World) -> None:
    world.executor.perform(world.merge(), "act", 1)
    action = world.withdraw()
    assert plan_problems(action, RUNBOOKS) == ()
    assert world.executor.probe(action, "act") == "not_taken"
    assert world.executor.perform(action, "act", 1).outcome == "done"
    head = world.host.head("main")
    assert world.executor.perform(action, "act", 2).outcome == "done"
    assert world.executor.perform(action, "undo", 1).outcome == "done"
    assert (world.host.head("main"), world.price()) == (head, "2")


def test_without_a_repository_nothing_is_merged_and_nothing_is_known(world: World) -> None:
    executor = Executor(world.deployers, RUNBOOKS, time.monotonic)
    performance = executor.perform(world.merge(), "act", 1)
    assert performance.outcome == "failed"
    assert "nothing was done: the code of shop cannot be changed" in performance.detail
    assert executor.probe(world.merge(), "act") == "unknown"
    shown = dry_run(world.merge(), RUNBOOKS, world.deployers)
    assert "the code of shop cannot be changed" in shown.steps[0].problem
    assert not shown.possible
    assert dry_run(
        world.merge(), RUNBOOKS, world.deployers, code_hosts={"shop": world.host}
    ).possible


def test_a_merge_whose_probe_names_no_commit_is_refused(world: World) -> None:
    blind = world.merge().model_copy(
        update={"effect_probe": EffectProbe(service="shop", branch="main")}
    )
    assert world.executor.perform(blind, "act", 1).outcome == "failed"
    assert world.price() == "2"


# ---- starting without traffic ----------------------------------------------------------------


def test_a_fix_is_started_without_traffic_and_ended_again(world: World) -> None:
    action = world.stage()
    assert plan_problems(action, RUNBOOKS) == ()
    assert world.executor.probe(action, "act") == "not_taken"
    assert world.executor.perform(action, "act", 1).outcome == "done"
    assert world.host.commit_of(FIXED) == world.fix
    assert world.team.states() == {"shop": {GOOD: 100.0, FIXED: 0.0}}
    assert world.executor.probe(action, "undo") == "not_taken"
    assert world.executor.perform(action, "undo", 1).outcome == "done"
    assert world.team.states() == {"shop": {GOOD: 100.0}}
    assert world.executor.probe(action, "undo") == "took_effect"


def test_a_tag_without_the_start_is_no_effect_and_may_be_done_again(world: World) -> None:
    """The worker died between the two steps."""
    world.host.tag(FIXED, world.fix)
    assert world.executor.probe(world.stage(), "act") == "not_taken"
    assert world.executor.conditional(world.stage(), "act")
    assert world.executor.perform(world.stage(), "act", 2).outcome == "done"


def test_where_nobody_can_say_what_runs_the_probe_says_unknown(world: World) -> None:
    settings = DeployerSettings(
        name="team",
        kind="command",
        current=world.team.argv("current", "{service}"),
        deploy=("false",),
        weights=world.team.argv("weights", "{service}", "{weights}"),
    )
    deployer = CommandDeployer(settings, working_folder=world.team.folder)
    hosts = {"shop": world.host}
    executor = Executor({"shop": deployer}, RUNBOOKS, time.monotonic, code_hosts=hosts)
    assert executor.perform(world.stage(), "act", 1).outcome == "unknown"


def test_an_idle_version_is_ended(world: World) -> None:
    world.team.set_states({"shop": {GOOD: 100.0, FIXED: 0.0}})
    probe = EffectProbe(service="shop", version=GOOD)
    action = world.action("unstage-fix", probe, stable_version=GOOD, version=FIXED)
    assert plan_problems(action, RUNBOOKS) == ()
    assert world.executor.probe(action, "act") == "not_taken"
    assert world.executor.perform(action, "act", 1).outcome == "done"
    assert world.team.states() == {"shop": {GOOD: 100.0}}


# ---- shares of traffic -----------------------------------------------------------------------


def test_a_canary_goes_up_in_steps_and_back_from_anywhere(world: World) -> None:
    first = world.canary(12.5, {GOOD: 100.0})
    assert world.executor.perform(first, "act", 1).outcome == "done"
    assert world.team.states() == {"shop": {GOOD: 87.5, FIXED: 12.5}}
    second = world.canary(50, {GOOD: 87.5, FIXED: 12.5})
    assert world.executor.perform(second, "act", 1).outcome == "done"
    assert world.executor.perform(first, "undo", 1).outcome == "done"
    assert world.team.states() == {"shop": {GOOD: 100.0}}


def test_a_share_is_not_given_where_something_else_serves(world: World) -> None:
    world.team.set_states({"shop": {GOOD: 60.0, "v9": 40.0}})
    performance = world.executor.perform(world.canary(10, {GOOD: 100.0}), "act", 1)
    assert (performance.outcome, performance.drifted) == ("failed", True)
    assert world.team.log() == []
    world.team.set_states({"shop": {GOOD: 100.0}})
    world.team.set_mood("moving")
    performance = world.executor.perform(world.canary(10, {GOOD: 100.0}), "act", 1)
    assert "a deployment is under way" in performance.detail


def test_a_release_gives_all_traffic_and_back(world: World) -> None:
    half = {GOOD: 50.0, FIXED: 50.0}
    world.team.set_states({"shop": half})
    probe = EffectProbe(service="shop", version=FIXED)
    action = world.action("release-fix", probe, half, stable_version=GOOD, version=FIXED)
    assert plan_problems(action, RUNBOOKS) == ()
    assert world.executor.perform(action, "act", 1).outcome == "done"
    assert world.team.states() == {"shop": {FIXED: 100.0}}
    assert world.executor.perform(action, "undo", 1).outcome == "done"
    assert world.team.states() == {"shop": {GOOD: 100.0}}


def test_each_half_of_a_share_may_be_a_parameter_of_its_type() -> None:
    runbook = RUNBOOKS["canary-step"]
    given: dict[str, Parameter] = {
        "service": "shop",
        "stable_version": GOOD,
        "version": FIXED,
        "stable_percent": 87.5,
        "percent": 12.5,
    }
    (step,) = filled_steps(runbook.steps, check_parameters(runbook, given))
    assert isinstance(step, WeightsStep)
    assert weights_of(step) == {GOOD: 87.5, FIXED: 12.5}
    with pytest.raises(InputError, match="sum to 110"):
        weights_of(step.model_copy(update={"weights": f"{GOOD}=100,{FIXED}=10"}))
    with pytest.raises(InputError, match="is no number"):
        check_parameters(runbook, given | {"percent": "10"})


def test_a_parameter_of_another_type_or_with_pairs_of_its_own_is_refused() -> None:
    text = """
id: share
title: Share
parameters: [{name: old, pattern: ".*"}, {name: percent, type: TYPE}]
steps: [{kind: weights, name: share, service: shop, weights: "{old}=90,v2={percent}"}]
"""
    with pytest.raises(ConfigError, match=r"steps\[0\]\.weights: \{percent\} is a percent"):
        parse_runbook(text.replace("TYPE", "string"), Path("share.yaml"))
    runbook = parse_runbook(text.replace("TYPE", "integer"), Path("share.yaml"))
    values = check_parameters(runbook, {"old": "v1=5,v3", "percent": 10})
    with pytest.raises(InputError, match="cannot stand in weights"):
        filled_steps(runbook.steps, values)
