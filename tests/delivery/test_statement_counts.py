"""Statements are counted for each test, whatever runs it and however the network is kept away."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from holdfast.delivery.codehost import TestCommand, TestOutcome
from holdfast.delivery.sandbox import namespaces_permitted, run_confined

TESTS = """
import subprocess
import sys
import unittest

import pytest
from sqlalchemy import create_engine, text

ENGINE = create_engine("sqlite://")


def send(times):
    with ENGINE.connect() as connection:
        for _ in range(times):
            connection.execute(text("select 1"))


class CaseTest(unittest.TestCase):
    def setUp(self):
        send(7)

    def test_two(self):
        send(2)

    def test_it_fails_after_three(self):
        send(3)
        self.fail("as it should")


@pytest.fixture
def prepared():
    send(9)


@pytest.mark.parametrize("times", [4, 5])
def test_function(prepared, times):
    send(times)
"""
HIDDEN = 'print("the team\'s own start-up")\n'


def run(folder: Path, *arguments: str, namespace: bool) -> tuple[TestOutcome, dict[str, int]]:
    (folder / "test_it.py").write_text(TESTS)
    home = folder / "home"
    home.mkdir()
    command = TestCommand(
        (sys.executable, *arguments),
        variables={"PYTHONPATH": ".", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        statements_file="counts.jsonl",
    )
    outcome = run_confined(folder, command, home, namespace=namespace)
    lines = (folder / "counts.jsonl").read_text().splitlines()
    return outcome, {found["name"]: found["statements"] for found in map(json.loads, lines)}


def test_only_what_a_unittest_does_itself_counts_and_a_hidden_start_up_still_runs(
    tmp_path: Path,
) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDDEN)
    outcome, counts = run(tmp_path, "-m", "unittest", "test_it", namespace=False)
    assert counts == {"test_two": 2, "test_it_fails_after_three": 3}
    assert outcome.exit_code == 1
    assert "the team's own start-up" in outcome.output


def test_pytest_counts_functions_and_methods_alike(tmp_path: Path) -> None:
    namespace = namespaces_permitted()
    outcome, counts = run(tmp_path, "-m", "pytest", "-q", "test_it.py", namespace=namespace)
    assert counts == {
        "test_two": 2,
        "test_it_fails_after_three": 3,
        "test_function[4]": 4,
        "test_function[5]": 5,
    }
    assert "1 failed, 3 passed" in outcome.output
    assert "as it should" in outcome.output
