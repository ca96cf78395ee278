"""What docs/gate.md says is what happens: its commands, its output, its policy, its exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from in_process import Run, runner

from holdfast.slo.files.policy import load_budget_policy
from holdfast.surfaces.cli.gating import FROZEN, OPEN, UNKNOWN, WRONG_INPUT
from support.gate_world import Trouble, record, write_world

PAGE = (Path(__file__).parents[2] / "docs" / "gate.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCKS if found == kind]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    write_world(tmp_path)
    return runner(tmp_path, monkeypatch, capsys)


def arguments(command: str) -> list[str]:
    return [a.strip('"') for a in re.findall(r'"[^"]*"|\S+', command)][1:]


def without_names(text: str) -> list[str]:
    named = re.sub(r"exception exc\S+", "exception EXC", text)
    return re.sub(r"until [-\d]+ [\d:]+ UTC", "until TIME", named).splitlines()


def test_its_commands_print_what_it_shows(tmp_path: Path, run: Run) -> None:
    record(tmp_path / "store", [Trouble(5400, 600, 0.15)])
    commands, outputs = blocks("text"), blocks("output")
    frozen = run(*arguments(commands[0]))
    assert frozen.code == 1
    assert without_names(frozen.out) == outputs[0].splitlines()
    opened = run(*arguments(commands[1]))
    assert opened.code == 0, opened
    assert without_names(opened.out)[:3] == outputs[1].splitlines()
    assert run(*arguments(commands[2])).code == 0


def test_its_policy_is_a_policy(tmp_path: Path, run: Run) -> None:
    record(tmp_path / "store", [Trouble(5400, 600, 0.012)])
    policy = tmp_path / "error-budget-policy.yaml"
    policy.write_text(blocks("yaml")[0])
    assert load_budget_policy(policy).exceptions.approvers == ("ada", "grace")
    done = run("gate", "--service", "shop")
    assert done.code == 0, done
    assert "stage normal (100 to 25 %) allows feature" in done.out


def test_its_exit_codes_are_those_of_the_program() -> None:
    told = dict(re.findall(r"^\| (\d) \| (\w+)", PAGE, re.MULTILINE))
    assert told == {str(OPEN): "open", str(FROZEN): "frozen", str(WRONG_INPUT): "something"} | {
        str(UNKNOWN): "a"
    }
