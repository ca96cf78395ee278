"""Which test reproduces, what the checklist asks, and regression tests for odd tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from actions.repair_world import MODELS, order_for
from holdfast.actions.repair.checklist import ITEMS, extended
from holdfast.actions.repair.count import CountedTest, Counts
from holdfast.actions.repair.proof import OUTPUT_AT_MOST, Proof
from holdfast.actions.repair.regression import write_regression
from holdfast.actions.repair.reproduce import NoReproduction, Reproduction, choose_reproduction
from holdfast.delivery.codehost import TestCommand, TestOutcome
from holdfast.evidence.redact import Redactor
from holdfast.model.evidence import Text


def counted(name: str, statements: int, *, passed: bool = True, **more: str) -> CountedTest:
    known = {"path": "tests/test_a.py", "module": "test_a", "class_name": "ATest", **more}
    return CountedTest(
        kind="unittest",
        runner="unittest",
        executable=sys.executable,
        name=name,
        statements=statements,
        passed=passed,
        **known,  # pyright: ignore[reportArgumentType]
    )


def counts(version: str, *tests: CountedTest, exit_code: int | None = 0) -> Counts:
    outcome = TestOutcome(exit_code, "ModuleNotFoundError: shop", 1.0, "none")
    return Counts(version, outcome, {test.id: test for test in tests})


def reason(good: Counts, bad: Counts) -> str:
    found = choose_reproduction(good, bad)
    assert isinstance(found, NoReproduction)
    return found.reason


def test_the_test_whose_count_rises_most_reproduces() -> None:
    good = counts("v1", counted("test_a", 1), counted("test_b", 4), counted("test_c", 90))
    bad = counts("v2", counted("test_a", 12), counted("test_b", 151), counted("test_c", 91))
    found = choose_reproduction(good, bad)
    assert isinstance(found, Reproduction)
    assert (found.test.name, found.on_good, found.on_bad) == ("test_b", 4, 151)


@pytest.mark.parametrize(
    ("before", "after"), [(1, 5), (100, 150)], ids=["too few more", "not twice"]
)
def test_a_small_rise_reproduces_nothing_and_the_counts_are_told(before: int, after: int) -> None:
    said = reason(counts("v1", counted("test_a", before)), counts("v2", counted("test_a", after)))
    assert f"test_a.ATest.test_a, from {before} to {after}" in said


def test_only_what_passes_on_both_versions_and_can_be_named_reproduces() -> None:
    good = [counted("test_a", 1), counted("test_b", 1, passed=False)]
    bad = [counted("test_a", 99, passed=False), counted("test_b", 99), counted("test_new", 99)]
    local = counted("test_l", 1, class_name="make.<locals>.ATest")
    outside = counted("test_o", 1, path="../test_o.py")
    said = reason(
        counts("v1", *good, local, outside),
        counts("v2", *bad, local.model_copy(update={"statements": 99}), outside),
    )
    assert "no test passes at both v1 and v2" in said


def test_tests_that_count_nothing_are_told_with_their_own_words() -> None:
    silent = counts("v1", exit_code=1)
    assert "0 tests at v1" in reason(silent, silent)
    assert "ended with 1: ModuleNotFoundError: shop" in reason(silent, silent)
    assert "ran out of time" in reason(counts("v1", exit_code=None), silent)


ASKED = ITEMS["n_plus_one"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, f"learned from incidents.\n\n- {ASKED}\n"),
        ("# Ours\n\n* One\n  more\n\nThe end\n", f"* One\n  more\n* {ASKED}\n\nThe end\n"),
        ("1. One\n2. Two\n", f"2. Two\n3. {ASKED}\n"),
        ("- [x] One\n", f"- [x] One\n- [ ] {ASKED}\n"),
        ("- One\r\n", f"- One\r\n- {ASKED}\r\n"),
        ("Be kind.\n", f"Be kind.\n\n- {ASKED}\n"),
    ],
)
def test_the_checklist_gets_one_question_in_its_own_style(before: str | None, after: str) -> None:
    text = extended(before, "n_plus_one")
    assert text is not None
    assert text.endswith(after)
    assert extended(text, "n_plus_one") is None
    assert extended(text, "unheard_of") is None


def test_a_regression_test_takes_a_free_name_in_the_style_of_its_folder(tmp_path: Path) -> None:
    test = counted("test_a_Page", 1, path="pkg/tests/pages_test.py", module="tests.pages_test")
    order, tests = order_for(tmp_path), TestCommand(("make",), variables={"PYTHONPATH": "src"})
    taken = {"pkg/tests/statements_a_page_test.py"}
    regression = write_regression(Reproduction(test, 1, 9), order, tests, taken)
    assert regression.path == "pkg/tests/statements_a_page_2_test.py"
    assert "from tests import pages_test" in regression.content
    assert regression.command.argv[1:] == ("-m", "unittest", "tests.statements_a_page_2_test")
    assert regression.command.variables["PYTHONPATH"] == "pkg:src"


def test_what_tests_print_is_kept_without_secrets_and_only_its_end() -> None:
    proof = Proof("git shop", Redactor(["hunter22"]))
    printed = "x" * OUTPUT_AT_MOST + "password=hunter22 api_key='abcdef' E 3 != 4"
    outcome = TestOutcome(1, printed, 1.25, "none")
    proof.output(TestCommand(("make", "test hunter22")), "v2", outcome, "regression_on_bad")
    (kept,) = proof.evidence
    assert proof.ids == {"regression_on_bad": kept.id}
    assert kept.query == "$ make 'test REDACTED' at v2"
    assert isinstance(kept.value, Text)
    assert kept.value.text.startswith("exit 1 after 1.2 s; none\n[cut: ")
    assert kept.value.text.endswith("E 3 != 4")
    assert "hunter22" not in kept.value.text
    assert "abcdef" not in kept.value.text
    assert proof.said(outcome, 9) == " E 3 != 4".strip()


ODD = """
import asyncio
import unittest

from sqlalchemy import text
from sqlalchemy.orm import Session

from models import filled

READY = []


def setUpModule():
    READY.append("module")


class Odd(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.ready = [*READY, "class"]

    async def test_awaits(self):
        assert self.ready == ["module", "class"]
        await asyncio.sleep(0)
        with Session(filled(3)) as session:
            session.execute(text("select 1"))

    def test_skips(self):
        self.skipTest("not here")

    def test_fails(self):
        self.fail("no")
"""


@pytest.mark.parametrize(
    ("name", "at_most", "passes", "says"),
    [
        ("test_awaits", 20, True, "OK"),
        ("test_awaits", 2, False, "not less than or equal to 2"),
        ("test_skips", 2, True, "skipped=1"),
        ("test_fails", 2, False, "AssertionError: no"),
    ],
)
def test_a_regression_test_respects_fixtures_coroutines_skips_and_failures(
    tmp_path: Path, name: str, at_most: int, passes: bool, says: str
) -> None:
    (tmp_path / "models.py").write_text(MODELS)
    (tmp_path / "test_odd.py").write_text(ODD)
    test = counted(name, at_most, path="test_odd.py", module="test_odd", class_name="Odd")
    test = test.model_copy(update={"asynchronous": name == "test_awaits"})
    order = order_for(tmp_path)
    regression = write_regression(Reproduction(test, at_most, 99), order, TestCommand(()), ())
    (tmp_path / regression.path).write_text(regression.content)
    done = subprocess.run(
        regression.command.argv,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is passes, done.stderr
    assert says in done.stderr
