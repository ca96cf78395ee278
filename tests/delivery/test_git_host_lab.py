"""The lab's bad release: its guilty commit is found and reverted alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from holdfast.delivery.codehost import TestCommand
from holdfast.delivery.git_host import GitHost
from holdfast.lab.repositories import PLATFORM, make_repository

COUNTING = """
import unittest
from shopkit import connect
from sqlalchemy import event
from sqlalchemy.orm import Session
from customer_api import queries, summaries
from customer_api.seed import fill_if_empty


class StatementsTest(unittest.TestCase):
    def test_a_page_takes_at_most_six_statements(self):
        engine = connect(":memory:")
        self.addCleanup(engine.dispose)
        fill_if_empty(engine, customers=60)
        statements = []
        event.listen(engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
        with Session(engine) as session:
            summaries.page(queries.customers_page(session, 0, 50))
        self.assertLessEqual(len(statements), 6)


unittest.main()
"""
VARIABLES = {"PYTHONPATH": f"src:{PLATFORM}"}
COUNT = TestCommand(
    (sys.executable, "count_statements.py"), {"count_statements.py": COUNTING}, VARIABLES
)
OWN = TestCommand((sys.executable, "-m", "unittest", "discover", "-s", "tests"), {}, VARIABLES)


@pytest.fixture
def host(tmp_path: Path) -> GitHost:
    repository = make_repository("customer-api", tmp_path)
    return GitHost(repository, work_folder=tmp_path / "work")


def test_the_guilty_commit_is_found_and_reverting_it_alone_repairs_the_release(
    host: GitHost,
) -> None:
    guilty = host.find_guilty("bisect", "v2.3.3", "v2.3.4", COUNT)
    assert guilty.subject == "Build customer summaries in one place"
    undone = host.open("revert", "v2.3.4")
    host.revert(undone, guilty.commit)
    assert host.run_tests(undone, COUNT).passed
    assert "greeting" in (undone.folder / "src/customer_api/summaries.py").read_text()
    own = host.run_tests(undone, OWN)
    assert own.passed, own.output
