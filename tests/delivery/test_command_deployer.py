"""A team's own commands, run as real programs, deploy conditionally and never through a shell."""

from __future__ import annotations

import os
import random
import string
import time
from pathlib import Path

import pytest

from holdfast.delivery.command import CommandDeployer
from holdfast.errors import (
    ConfigError,
    DeliveryError,
    DeployerFailed,
    DeployerTimeout,
    PreconditionFailed,
)
from holdfast.model.config import DeployerSettings
from support.team_tool import TeamTool

KEY = "act-1.act.1"


@pytest.fixture
def tool(tmp_path: Path) -> TeamTool:
    return TeamTool(tmp_path / "team", {"shop": {"v2.0.1": 100.0}})


def _settings(tool: TeamTool, **changes: object) -> DeployerSettings:
    fields: dict[str, object] = {
        "name": "team",
        "kind": "command",
        "current": tool.argv("current", "{service}"),
        "deploy": tool.argv("deploy", "{service}", "{version}", "{idempotency_key}"),
        "weights": tool.argv("weights", "{service}", "{weights}"),
    }
    return DeployerSettings.model_validate(fields | changes)


def _deployer(tool: TeamTool, **changes: object) -> CommandDeployer:
    return CommandDeployer(_settings(tool, **changes), working_folder=tool.folder)


def _deploy(
    deployer: CommandDeployer,
    version: str = "v2.0.0",
    expect: str = "v2.0.1",
    *,
    service: str = "shop",
    key: str = KEY,
    timeout_seconds: float = 10.0,
) -> None:
    deployer.deploy(
        service,
        version,
        expect_version=expect,
        idempotency_key=key,
        timeout_seconds=timeout_seconds,
    )


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # an orphan that waits to be reaped runs no more


def _outlives(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return _is_alive(pid)


# ---- what it does ----------------------------------------------------------------------------


def test_current_reads_what_the_teams_tool_prints(tool: TeamTool) -> None:
    state = _deployer(tool).current("shop")
    assert state.weights == {"v2.0.1": 100.0}
    assert not state.in_progress


def test_a_deploy_passes_each_value_as_one_argument(tool: TeamTool) -> None:
    _deploy(_deployer(tool))
    assert tool.log() == [["deploy", "shop", "v2.0.0", KEY]]
    assert tool.states() == {"shop": {"v2.0.0": 100.0}}


def test_traffic_is_shared_in_percent(tool: TeamTool) -> None:
    _deployer(tool).set_weights("shop", {"v2.0.1": 90, "v2.0.2": 10}, timeout_seconds=10)
    assert tool.log() == [["weights", "shop", "v2.0.1=90,v2.0.2=10"]]


def test_endpoints_are_read_from_what_the_teams_tool_prints(tool: TeamTool) -> None:
    printed = '{"v2.0.1": "http://10.0.0.7:8080/", "v2.0.2": "https://canary.example"}'
    deployer = _deployer(tool, endpoints=("sh", "-c", 'printf %s "$1"', "{service}", printed))
    found = deployer.endpoints("shop")
    assert found == {"v2.0.1": "http://10.0.0.7:8080", "v2.0.2": "https://canary.example"}


def test_without_an_endpoints_command_no_load_test_is_possible(tool: TeamTool) -> None:
    with pytest.raises(DeployerFailed, match="no load test is possible"):
        _deployer(tool).endpoints("shop")


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "[]",
        '{"v1": 1}',
        '{"v1": "shop:8080"}',
        '{"v1": "ftp://shop"}',
        '{"v1": "http://"}',
        '{"v1": "http://me:secret@shop"}',
        '{"v1": "http://shop:99999"}',
        '{"--force": "http://shop"}',
    ],
)
def test_what_is_no_endpoint_is_refused(tool: TeamTool, printed: str) -> None:
    with pytest.raises(DeployerFailed, match="`endpoints` answered"):
        _deployer(tool, endpoints=("printf", "%s", printed)).endpoints("shop")


def test_the_same_key_a_second_time_does_nothing_more(tool: TeamTool) -> None:
    deployer = _deployer(tool)
    _deploy(deployer)
    _deploy(deployer)
    tool.set_states({"shop": {"v2.0.1": 100.0}})
    _deploy(deployer)
    assert len(tool.log()) == 1


def test_after_a_restart_the_condition_keeps_the_same_deploy_from_being_done_twice(
    tool: TeamTool,
) -> None:
    _deploy(_deployer(tool))
    with pytest.raises(PreconditionFailed, match=r"v2\.0\.1 of shop does not serve now"):
        _deploy(_deployer(tool))
    assert len(tool.log()) == 1


def test_a_deploy_is_refused_while_another_is_under_way(tool: TeamTool) -> None:
    tool.set_mood("moving")
    with pytest.raises(PreconditionFailed, match="under way"):
        _deploy(_deployer(tool))
    assert tool.log() == []


@pytest.mark.parametrize(
    ("version", "expect", "verb"),
    [
        ("v2.0.0", "v2.0.1", "rollback"),
        ("v2.9.0", "v2.10.0", "rollback"),
        ("v2.0.2", "v2.0.1", "deploy"),
        ("4f9c2e1", "v2.0.1", "deploy"),
        ("v1", "8ab01cd", "deploy"),
    ],
)
def test_the_rollback_command_is_used_where_the_numbers_say_earlier(
    tool: TeamTool, version: str, expect: str, verb: str
) -> None:
    tool.set_states({"shop": {expect: 100.0}})
    rollback = tool.argv("rollback", "{service}", "{version}")
    _deploy(_deployer(tool, rollback=rollback), version, expect)
    assert tool.log()[0][0] == verb


# ---- what goes wrong -------------------------------------------------------------------------


def test_a_failing_command_tells_its_last_lines_without_the_secret(tool: TeamTool) -> None:
    tool.set_mood("fails")
    with pytest.raises(DeployerFailed, match="ended with 3") as raised:
        _deploy(_deployer(tool))
    assert "quota exceeded" in str(raised.value)
    assert "hunter2secret" not in str(raised.value)


def test_a_hanging_command_is_ended_with_its_whole_group(tool: TeamTool) -> None:
    tool.set_mood("hangs")
    began = time.monotonic()
    with pytest.raises(DeployerTimeout, match=r"within 0\.5 s") as raised:
        _deploy(_deployer(tool), timeout_seconds=0.5)
    assert time.monotonic() - began < 3
    assert "probe" in raised.value.hint
    assert not any(_outlives(pid, 2.0) for pid in tool.hung_pids())


def test_a_timed_out_key_may_be_tried_again(tool: TeamTool) -> None:
    deployer = _deployer(tool)
    tool.set_mood("hangs")
    with pytest.raises(DeployerTimeout):
        _deploy(deployer, timeout_seconds=0.5)
    tool.set_mood("")
    _deploy(deployer)
    assert tool.states() == {"shop": {"v2.0.0": 100.0}}


def test_a_program_that_does_not_exist_is_named(tool: TeamTool) -> None:
    deployer = _deployer(tool, current=("/nowhere/deployctl", "{service}"))
    with pytest.raises(DeployerFailed, match=r"/nowhere/deployctl.*cannot be started"):
        deployer.current("shop")


@pytest.mark.parametrize(
    "printed",
    [
        "fine",
        "",
        "[]",
        '{"weights": {"v1": 100}}',
        '{"weights": {"v1": 60}, "in_progress": false}',
        '{"weights": {"v1": "100"}, "in_progress": false}',
        '{"weights": {"v1": NaN}, "in_progress": false}',
        '{"weights": {"v1": 150, "v2": -50}, "in_progress": false}',
        '{"weights": {"--force": 100}, "in_progress": false}',
        '{"weights": {}, "in_progress": false}',
        '{"weights": {"v1": 100}, "in_progress": "no"}',
        '{"weights": {"v1": 100}, "in_progress": false, "healthy": true}',
    ],
)
def test_what_is_no_state_is_never_read_as_one(tool: TeamTool, printed: str) -> None:
    deployer = _deployer(tool, current=("printf", "%s", printed))
    with pytest.raises(DeployerFailed, match="`current` answered"):
        deployer.current("shop")


def test_endless_output_is_capped_and_refused(tool: TeamTool) -> None:
    flood = ("python3", "-c", "print('x' * 3_000_000)")
    with pytest.raises(DeployerFailed, match="more than can be a state"):
        _deployer(tool, current=flood).current("shop")


def test_a_service_left_running_in_the_background_does_not_keep_the_deploy_waiting(
    tool: TeamTool, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    starts_a_service = ("sh", "-c", 'sleep 3 & echo $! > "$1"', "sh", str(started))
    began = time.monotonic()
    _deploy(_deployer(tool, deploy=starts_a_service))
    assert time.monotonic() - began < 2
    pid = int(started.read_text())
    assert _is_alive(pid), "what a deploy starts is meant to stay"
    os.kill(pid, 9)


def test_without_a_weights_command_traffic_cannot_be_shared(tool: TeamTool) -> None:
    with pytest.raises(DeployerFailed, match="no `weights` command"):
        _deployer(tool, weights=()).set_weights("shop", {"v2.0.1": 100}, timeout_seconds=5)


# ---- what must not get through ---------------------------------------------------------------

INJECTIONS = [
    "; rm -rf /",
    "$(touch /tmp/owned)",
    "`id`",
    "v1 && true",
    "--force",
    "-rf",
    "v1\nv2",
    "v1\n",
    "v1\0",
    "",
    " v1",
    "{version}",
    "{service}",
    "../../etc/passwd",
    "a/../b",
    "/etc/passwd",
    "v1=100,v2",
    "vé",
    "v1" + "0" * 300,
]


@pytest.mark.parametrize("value", INJECTIONS)
def test_an_unsafe_value_is_refused_before_anything_runs(tool: TeamTool, value: str) -> None:
    deployer = _deployer(tool)
    with pytest.raises(DeployerFailed, match="refused"):
        _deploy(deployer, value)
    with pytest.raises(DeployerFailed, match="refused"):
        _deploy(deployer, "v1", value)
    with pytest.raises(DeployerFailed, match="refused"):
        _deploy(deployer, service=value)
    with pytest.raises(DeployerFailed, match="refused"):
        _deploy(deployer, key=value)
    with pytest.raises(DeployerFailed, match="refused"):
        deployer.set_weights("shop", {value: 100.0}, timeout_seconds=5)
    assert tool.log() == []


def test_whatever_is_accepted_arrives_as_exactly_one_argument(tool: TeamTool) -> None:
    """Random values: each is refused, or reaches the argv whole and unchanged."""
    seeded = random.Random(20261123)
    deployer = _deployer(tool)
    alphabet = string.ascii_letters + string.digits + "._-+/" + " ;$`\n'\"{}|&*\\=,\0é"
    accepted = 0
    for _ in range(3000):
        value = "".join(seeded.choices(alphabet, k=seeded.randint(0, 6)))
        try:
            argv = deployer.deploy_argv("shop", value, expect_version="v0", idempotency_key="k")
        except DeliveryError:
            continue
        accepted += 1
        assert argv[-2] == value
        assert not set(value) & set(" ;$`\n'\"{}|&*\\=,\0é")
        assert value[0].isalnum()
    assert accepted > 100


@pytest.mark.parametrize(
    "weights",
    [
        {},
        {"v1": 50.0},
        {"v1": 100.0, "v2": 1.0},
        {"v1": float("nan")},
        {"v1": -1.0, "v2": 101.0},
    ],
)
def test_weights_that_are_no_whole_are_refused(tool: TeamTool, weights: dict[str, float]) -> None:
    with pytest.raises(DeployerFailed, match="weight"):
        _deployer(tool).set_weights("shop", weights, timeout_seconds=5)
    assert tool.log() == []


def test_only_path_and_the_named_variables_reach_the_tool(
    tool: TeamTool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "wanted")
    monkeypatch.setenv("OTHER_SECRET", "kept out")
    seen = tmp_path / "environment"
    deploy = ("sh", "-c", 'env > "$1"', "sh", str(seen))
    _deploy(_deployer(tool, deploy=deploy, environment=("DEPLOY_TOKEN", "NOT_SET")))
    names = {line.split("=")[0] for line in seen.read_text().splitlines()}
    assert {"PATH", "DEPLOY_TOKEN"} <= names
    assert names <= {"PATH", "DEPLOY_TOKEN", "PWD", "SHLVL", "_", "OLDPWD"}  # sh adds its own


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"current": ()}, r"deployers: team\.current: the first argument"),
        ({"deploy": ()}, r"deployers: team\.deploy: the first argument"),
        ({"deploy": ("{version}", "x")}, "must be the program"),
        ({"deploy": ("deployctl", "{image}")}, r"\{image\} is not known here"),
        ({"current": ("deployctl", "{version}")}, r"\{version\} is not known here"),
        ({"deploy": ("sh", "-c", "deploy {version}")}, "shell script"),
        ({"deploy": ("env", "bash", "-ec", "deploy {version}")}, "shell script"),
        ({"rollback": ("/bin/dash", "-c", "{service}")}, "shell script"),
        ({"weights": ("deployctl", "{version}")}, r"\{version\} is not known here"),
        ({"kind": "lab"}, "no command deployer"),
    ],
)
def test_an_unsafe_template_is_refused_when_it_is_read(
    tool: TeamTool, changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        _deployer(tool, **changes)


def test_a_shell_may_get_a_value_as_an_argument(tool: TeamTool) -> None:
    deploy = ("sh", "-c", 'exec "$@"', "sh", *tool.argv("deploy", "{service}", "{version}"))
    _deploy(_deployer(tool, deploy=deploy))
    assert tool.log() == [["deploy", "shop", "v2.0.0"]]


def test_braces_of_another_language_stay_as_they_are(tool: TeamTool) -> None:
    deploy = tool.argv(
        "deploy", "{service}", "{version}", "jsonpath={.status}", "{{x}}"[1:-1] + "}"
    )
    with pytest.raises(ConfigError):
        _deployer(tool, deploy=deploy)
    _deploy(_deployer(tool, deploy=tool.argv("deploy", "{service}", "{version}", "{.status}")))
    assert tool.log()[0][-1] == "{.status}"
