"""docs/backtest.md is executed: its commands, its incidents file, its Python."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from in_process import Run, runner
from test_cli_backtest import write_rules

from holdfast.slo.history import EventHistory
from holdfast.slo.replay.incident_file import read_incidents
from support.past import SHOP, record_past, write_openslo

PAGE = (Path(__file__).parents[2] / "docs" / "backtest.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [
    line.split("#")[0].strip()
    for kind, text in BLOCKS
    if kind == "sh"
    for line in text.strip().splitlines()
]


def block(kind: str) -> str:
    return next(text for of, text in BLOCKS if of == kind)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record_past(tmp_path_factory.mktemp("docs") / "recording")


@pytest.fixture
def run(
    tmp_path: Path,
    recording: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    write_openslo(tmp_path / "slo.yaml")
    write_rules(tmp_path / "rules.yaml")
    (tmp_path / "incidents.yaml").write_text(block("yaml"))
    config: Mapping[str, object] = {
        "metrics": {"kind": "recorder", "path": str(recording)},
        "services": [{"name": "shop"}],
        "slos": ["slo.yaml"],
    }
    (tmp_path / "holdfast.yaml").write_text(json.dumps(config))
    return runner(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_runs_as_written(run: Run, command: str) -> None:
    done = run(*shlex.split(command)[1:])
    assert done.code == 0, done
    assert "checkout answers" in done.out


def test_there_are_examples_of_all_three_commands() -> None:
    assert {command.split()[1] for command in COMMANDS} == {"backtest", "simulate", "tune"}


def test_the_example_of_an_incidents_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "incidents.yaml"
    path.write_text(block("yaml"))
    [found] = read_incidents(path)
    assert (found.title, found.service) == ("checkout down", "shop")


def test_the_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    total = np.full(4 * 1440, 1000.0)
    bad = np.zeros(4 * 1440)
    bad[3000:3060] = 500.0
    exec(block("python"), {"slo": SHOP, "history": EventHistory(0, 60, bad, total)})
    assert "count=1 of=1 fraction=1.0" in capsys.readouterr().out
