"""`holdfast canary` promotes an equal version and takes back a worse one, in a small laboratory."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_process import Done, Run, runner

from holdfast.catalog.config import load_config
from holdfast.delivery.rollout.records import Looked, Moved, RolloutResult
from holdfast.lab.deployer import LabDeployer
from holdfast.model.action import Autonomy
from holdfast.model.evidence import Evidence, Table
from holdfast.model.policy import CanaryPolicy, CanaryStep
from holdfast.surfaces.canaries import CanaryPlan
from support.small_lab import BAD, GOOD, OPTIONS, POLICY, SERVICE, SmallLab, World, small_lab

SAME = "v2.3.3-same"
SCRAPE_SECONDS, INTERVAL_SECONDS = 0.125, 0.25
CANARY = CanaryPolicy(
    steps=(CanaryStep(percent=50, duration_seconds=20),),
    interval_seconds=INTERVAL_SECONDS,
    roll_back_above=4.0,
    promote_below=8.0,
    failed_fraction_at_most=0.3,
    min_requests=30,
    watch_seconds=1.5,
    careful_below_budget_fraction=-1e6,
)
"""Margins so wide that a busy machine does not cross them; 151 statements for 4 do."""

ACTING = POLICY.model_copy(update={"canary": CANARY})
ASKING = ACTING.model_copy(
    update={"rules": (ACTING.rules[0].model_copy(update={"autonomy": Autonomy.APPROVE}),)}
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLab]:
    options = OPTIONS.model_copy(
        update={"rate_per_second": 24.0, "scrape_interval_seconds": SCRAPE_SECONDS}
    )
    with small_lab(tmp_path_factory.mktemp("canary") / "lab", options) as lab:
        repository = lab.handle.folder.repositories / SERVICE
        subprocess.run(["git", "tag", SAME, f"{GOOD}^{{commit}}"], cwd=repository, check=True)
        yield lab


@pytest.fixture
def world(lab: SmallLab, tmp_path: Path) -> Iterator[World]:
    lab.begin(healthy_seconds=1.0)
    slo = load_config(lab.handle.config_path).slos[0]
    lenient = slo.model_copy(update={"objective": 0.5, "tiers": ()})
    yield lab.world(tmp_path / "holdfast", ACTING, slos=(lenient,))
    if len(serving(lab)) > 1:  # what a test left at a share of the traffic
        LabDeployer(lab.handle.control_url).set_weights(SERVICE, {GOOD: 100.0}, timeout_seconds=20)


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(world.config_path.parent, monkeypatch, capsys)


def serving(lab: SmallLab) -> dict[str, float]:
    return LabDeployer(lab.handle.control_url).current(SERVICE).weights


def canary(*arguments: str) -> tuple[str, ...]:
    return ("canary", "--service", SERVICE, *arguments)


def records(world: World) -> list[dict[str, object]]:
    [path] = (world.data_folder / "canaries").glob("*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.long
@pytest.mark.lab
def test_an_equal_version_is_promoted_and_everything_is_on_record(
    lab: SmallLab, world: World, run: Run
) -> None:
    done = run(*canary("--version", SAME))
    assert done.code == 0, done
    lines = done.out.splitlines()
    assert lines[0] == f"Roll {SAME} of {SERVICE} out by canary"
    assert "margins: latency taken back above 4x" in done.out
    assert lines[-1].startswith(f"PROMOTED  {SAME} of {SERVICE}")
    assert serving(lab) == {SAME: 100}
    first, *others = records(world)
    assert "guard" in first
    assert {"moved", "looked", "watched", "kept", "ended"} == {one["kind"] for one in others}


@pytest.mark.long
@pytest.mark.lab
def test_a_worse_version_that_a_person_approved_is_taken_back(
    lab: SmallLab, world: World, run: Run
) -> None:
    world.write_policy(ASKING)
    done = run(*canary("--version", BAD, "--json", "--approve", "ada"))
    assert done.code == 1, done
    last = RolloutResult.model_validate_json(done.out.splitlines()[-1])
    assert last.outcome == "taken_back", last
    assert serving(lab) == {GOOD: 100}
    kinds = [json.loads(line)["kind"] for line in done.out.splitlines()]
    moved = [
        Moved.model_validate_json(line).weights
        for line, kind in zip(done.out.splitlines(), kinds, strict=True)
        if kind == "moved"
    ]
    assert moved == [{GOOD: 50, BAD: 50}, {GOOD: 100}]
    plan = CanaryPlan.model_validate(records(world)[0])
    assert [one.approver for one in plan.approvals] == ["ada"]
    assert "ada approved this plan in this state" in plan.guard.reasons


@pytest.mark.long
@pytest.mark.lab
def test_ctrl_c_takes_it_back_and_nobody_else_may_roll_out_meanwhile(
    lab: SmallLab, world: World, run: Run
) -> None:
    argv = [sys.executable, "-m", "holdfast", *canary("--version", SAME, "--json")]
    folder = world.config_path.parent
    with subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, text=True) as rollout:
        assert rollout.stdout is not None
        moved = Moved.model_validate_json(rollout.stdout.readline())
        assert moved.weights == {GOOD: 50, SAME: 50}
        Looked.model_validate_json(rollout.stdout.readline())
        second = run(*canary("--version", BAD))
        second.refused("another `holdfast canary` is rolling customer-api out")
        rollout.send_signal(signal.SIGINT)
        rest = rollout.stdout.read().splitlines()
        assert rollout.wait(20) == 130
    assert Moved.model_validate_json(rest[-1]).weights == {GOOD: 100}
    assert serving(lab) == {GOOD: 100}


@pytest.mark.long
@pytest.mark.lab
def test_a_rollout_that_was_killed_is_refused_and_can_be_taken_back(
    lab: SmallLab, world: World, run: Run
) -> None:
    shares = {GOOD: 50.0, SAME: 50.0}
    LabDeployer(lab.handle.control_url).set_weights(SERVICE, shares, timeout_seconds=20)
    run(*canary("--version", BAD)).refused("another rollout is under way, or was left so")
    done = run(*canary("--take-back", "--from", GOOD))
    assert done.code == 0, done
    assert serving(lab) == {GOOD: 100}


@pytest.mark.long
@pytest.mark.lab
def test_it_refuses_what_the_policy_does_not_let_it_do(
    lab: SmallLab, world: World, run: Run
) -> None:
    world.write_policy(ACTING.model_copy(update={"rules": ()}))
    run(*canary("--version", SAME)).refused("observe only")
    run(*canary("--version", SAME, "--approve", "ada")).refused("observe only")
    world.write_policy("rules: [")
    assert run(*canary("--version", SAME)).code == 2
    world.write_policy(ASKING)
    run(*canary("--version", SAME)).refused("nobody has approved it yet", "--approve YOUR-NAME")
    assert serving(lab) == {GOOD: 100}


@pytest.mark.long
@pytest.mark.lab
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--version", GOOD), "serves customer-api already"),
        (("--version", ""), "--version is missing"),
        (("--take-back",), "--take-back needs --from"),
    ],
)
def test_what_makes_no_sense_is_misuse(
    lab: SmallLab, run: Run, arguments: tuple[str, ...], said: str
) -> None:
    done = run(*canary(*arguments))
    assert (done.code, done.out.count("PROMOTED")) == (2, 0)
    assert said in done.err
    assert serving(lab) == {GOOD: 100}


# ---- the same and other writes, as tools -------------------------------------------------------


def call(name: str, *arguments: str) -> tuple[str, ...]:
    return ("tools", "call", name, *arguments)


def evidence(done: Done) -> Evidence:
    return Evidence.model_validate_json(done.out)


CANARY_CALL = call(
    "deploy_canary",
    f"service={SERVICE}",
    f"version={SAME}",
    "traffic_percent=50",
    "duration_minutes=0.4",
    "--json",
)
ROLLBACK_CALL = call(
    "execute_runbook",
    "runbook_id=rollback-release",
    f'params={{"service": "{SERVICE}", "from_version": "{GOOD}", "to_version": "{SAME}"}}',
    "--json",
)


@pytest.mark.long
@pytest.mark.lab
def test_a_canary_as_a_tool_is_judged_and_has_the_share_that_the_verdict_gives(
    lab: SmallLab, world: World, run: Run
) -> None:
    done = run(*CANARY_CALL)
    assert done.code == 0, done
    assert evidence(done).query.startswith(f"judge_canary(service={SERVICE!r}")
    ended = records(world)[-1]
    assert ended["outcome"] in ("held", "inconclusive")  # a busy machine may show nothing
    held = ended["outcome"] == "held"
    assert serving(lab) == ({GOOD: 50, SAME: 50} if held else {GOOD: 100})


@pytest.mark.long
@pytest.mark.lab
def test_a_runbook_as_a_tool_is_let_pass_done_probed_and_put_on_record(
    lab: SmallLab, world: World, run: Run
) -> None:
    world.write_policy(ASKING)
    run(*ROLLBACK_CALL).refused("nobody has approved it yet", "--approve YOUR-NAME")
    assert serving(lab) == {GOOD: 100}
    done = run(*ROLLBACK_CALL, "--approve", "ada")
    assert done.code == 0, done
    value = evidence(done).value
    assert isinstance(value, Table)
    assert dict(zip(value.columns, value.rows[0], strict=True))["outcome"] == "done"
    assert serving(lab) == {SAME: 100}
    [path] = (world.data_folder / "runbooks").glob("*.jsonl")
    permit, *told = [json.loads(line) for line in path.read_text().splitlines()]
    assert [one["approver"] for one in permit["approvals"]] == ["ada"]
    assert told[-1]["outcome"] == "done"


@pytest.mark.long
@pytest.mark.lab
def test_tools_that_write_are_refused_as_the_policy_says_and_what_is_typed_wrongly_is_misuse(
    lab: SmallLab, world: World, run: Run
) -> None:
    world.write_policy(ACTING.model_copy(update={"rules": ()}))
    run(*CANARY_CALL).refused("observe only")
    run(*ROLLBACK_CALL, "--approve", "ada").refused("observe only")
    far = ("endpoint=http://203.0.113.1/", "rps=5", "duration_seconds=1", "version=v1")
    run(*call("run_load_test", *far)).refused("load is sent to loopback only")
    for arguments, said in (
        (("run_load_test", "rps=5"), "needs endpoint, duration_seconds, version"),
        (("run_load_test", "speed=5"), "has no argument speed"),
        (("run_load_test", "rps=fast"), "rps=fast: Input should be a valid number"),
        (("execute_runbook", "runbook_id"), "is no argument"),
        (("dig", "a=1"), "there is no tool dig"),
    ):
        done = run(*call(*arguments))
        assert (done.code, said in done.err) == (2, True), done
    assert serving(lab) == {GOOD: 100}
    listed = run("tools").out
    assert "run_load_test(endpoint: str, rps: float" in listed
    assert "prometheus_query(query: str" in listed


@pytest.mark.long
@pytest.mark.lab
def test_tools_that_read_answer_with_what_was_measured(lab: SmallLab, run: Run) -> None:
    lab.begin(healthy_seconds=1.0)
    done = run(*call("prometheus_query", "query=count(up)", f"time_range={time.time()}"))
    assert (done.code, "value" in done.out) == (0, True), done
    done = run(*call("prometheus_query", "query=nothing_like_it", f"time_range={time.time()}"))
    assert (done.code, "no data" in done.out) == (1, True), done
