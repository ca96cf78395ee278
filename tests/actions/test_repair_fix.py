"""A fix is written, tested and left on a branch; or every way is tried and nothing is left."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from actions.repair_world import (
    BAD_QUERY,
    BRANCH,
    HIDDEN_PAGE,
    INCIDENT,
    PYTEST,
    git,
    host_of,
    make_shop,
    order_for,
)
from holdfast.actions.repair.order import FixOrder
from holdfast.actions.repair.write import write_fix
from holdfast.delivery.git_host import GitHost
from holdfast.diagnosis.code import read_diff
from holdfast.evidence.gitdiff import GitRepository
from holdfast.evidence.redact import Redactor
from holdfast.lab.repositories import PLATFORM, make_repository
from holdfast.model.evidence import Evidence, EvidenceKind, Table, Text
from holdfast.model.fix import Fix
from holdfast.model.hypothesis import Hypothesis
from holdfast.model.service import CodeSettings, Service


def named(fix: Fix, evidence: tuple[Evidence, ...]) -> dict[str, Evidence]:
    by_id = {one.id: one for one in evidence}
    assert all(one.is_whole() for one in evidence)
    return {name: by_id[evidence_id] for name, evidence_id in fix.evidence.items()}


def rows(evidence: Evidence) -> tuple[tuple[object, ...], ...]:
    assert isinstance(evidence.value, Table)
    return evidence.value.rows


def text(evidence: Evidence) -> str:
    assert isinstance(evidence.value, Text)
    return evidence.value.text


def test_the_labs_bad_release_is_fixed_by_loading_with_the_query(tmp_path: Path) -> None:
    repository = make_repository("customer-api", tmp_path)
    diff = GitRepository(repository, Redactor()).diff("v2.3.3", "v2.3.4")
    spots = tuple(f.spot for f in read_diff(diff) if f.shape == "query_in_loop")
    mechanism = Hypothesis(
        id="hyp-1", statement="Once per item.", service="a", mechanism="n_plus_one", code=spots
    )
    code = CodeSettings(
        tests=(sys.executable, "-m", "unittest", "discover", "-s", "tests"),
        variables={"PYTHONPATH": f"src:{PLATFORM}"},
    )
    service = Service(name="customer-api", repository=str(repository), code=code)
    host = GitHost(repository, work_folder=tmp_path / "work")
    main = host.head("main")

    result = write_fix(FixOrder(INCIDENT, service, mechanism, "v2.3.3", "v2.3.4"), host)

    assert result.declined == ()
    fix = result.fix
    assert fix is not None
    assert (fix.method, fix.version, fix.branch) == ("eager_loading", "v2.3.5", BRANCH)
    assert (fix.base, fix.commit) == (host.commit_of("v2.3.4"), host.head(BRANCH))
    assert fix.guilty_subject == "Build customer summaries in one place"
    assert (fix.regression.at_most, fix.regression.on_bad) == (4, 151)
    assert fix.files == ("REVIEW_CHECKLIST.md", "src/customer_api/queries.py", fix.regression.path)
    kept = named(fix, result.evidence)
    assert rows(kept["reproduction"]) == (("v2.3.3", 4), ("v2.3.4", 151), ("v2.3.5", 4))
    assert (fix.guilty_commit, False) in rows(kept["bisect"])
    assert "151 not less than or equal to 4" in text(kept["regression_on_bad"])
    assert text(kept["regression_on_fixed"]).startswith("exit 0")
    assert "Ran 10 tests" in text(kept["repository_tests"])
    assert kept["diff"].kind is EvidenceKind.DIFF
    assert "selectinload(Customer.orders)" in text(kept["diff"])
    assert host.head("main") == main
    assert host.leftovers() == (INCIDENT,)
    assert list((tmp_path / "work").iterdir()) == []
    subjects = git(repository, "log", "--format=%s", f"v2.3.4..{BRANCH}").splitlines()
    assert subjects[-1] == "Load related rows with their query, not one by one"
    assert git(repository, "log", "--format=%b", f"v2.3.4..{BRANCH}").count(INCIDENT) == 3


def test_where_loading_cannot_be_changed_the_guilty_commit_is_undone_alone(tmp_path: Path) -> None:
    """In a bare repository, as servers have it."""
    made, shop = make_shop(tmp_path / "made", page=HIDDEN_PAGE), tmp_path / "shop.git"
    git(tmp_path, "clone", "-q", "--bare", str(made), str(shop))
    host = host_of(shop)
    result = write_fix(order_for(shop, page=HIDDEN_PAGE), host)
    fix = result.fix
    assert fix is not None
    assert fix.method == "revert"
    assert fix.guilty_subject == "Find customers in a simpler way"
    assert [d.method for d in result.declined] == ["eager_loading"]
    assert "reads an attribute by a name" in result.declined[0].reason
    assert git(shop, "show", f"{BRANCH}:README") == "A small shop"
    assert "selectinload" in git(shop, "show", f"{BRANCH}:shop/queries.py")
    assert 'Revert "Find customers in a simpler way"' in git(shop, "log", "--format=%s", BRANCH)
    assert (fix.regression.at_most, fix.regression.on_bad) == (2, 21)


UNLOADED = """
from sqlalchemy import inspect
from sqlalchemy.orm import Session
import unittest

from shop import queries
from shop.models import filled


class LoadingTest(unittest.TestCase):
    def test_orders_are_loaded_by_nobody_else(self):
        with Session(filled()) as session:
            first = queries.customers(session)[0]
            self.assertIn("orders", inspect(first).unloaded)
"""


def test_a_fix_whose_tests_fail_is_thrown_away_and_so_is_one_that_conflicts(
    tmp_path: Path,
) -> None:
    """Eager loading breaks a test of the team's, and the guilty lines were changed since."""
    shop = make_shop(
        tmp_path / "shop",
        last={
            "tests/test_loading.py": UNLOADED,
            "shop/queries.py": BAD_QUERY.replace("select(Customer)", "select(Customer).limit(50)"),
            "REVIEW_CHECKLIST.md": "* Is it tested?\n",
        },
    )
    host, before = host_of(shop), git(shop, "for-each-ref")
    result = write_fix(order_for(shop), host)
    assert result.fix is None
    assert [d.method for d in result.declined] == ["eager_loading", "revert"]
    assert "the repository's tests fail with it" in result.declined[0].reason
    assert "test_orders_are_loaded_by_nobody_else" in result.declined[0].reason
    assert "conflicts in shop/queries.py" in result.declined[1].reason
    assert any(
        "FAILED (failures=1)" in text(e)
        for e in result.evidence
        if e.value and isinstance(e.value, Text)
    )
    assert host.leftovers() == ()
    assert git(shop, "for-each-ref") == before
    assert list((tmp_path / "work").iterdir()) == []


PYTEST_TESTS = {
    "pyproject.toml": """
[tool.pytest.ini_options]
addopts = "--strict-markers"
filterwarnings = ["error"]
pythonpath = ["."]
""",
    "tests/conftest.py": """
import pytest
from sqlalchemy.orm import Session
from shop.models import filled


@pytest.fixture
def session():
    engine = filled()
    with Session(engine) as session:
        yield session
    engine.dispose()
""",
    "tests/pages_test.py": """
import pytest
from shop import pages, queries


class TestPages:
    @pytest.mark.parametrize("first", [0, 1], ids=["all", 'but "one"'])
    def test_a_page(self, session, first):
        assert len(pages.show(session)[first:]) == 20 - first


def test_customers(session):
    assert len(queries.customers(session)) == 20
""",
    "REVIEW_CHECKLIST.md": "# Ours\n\n1. [ ] Is it tested?\n",
}


def test_a_repository_of_pytest_functions_is_fixed_with_a_test_of_its_kind(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "shop", tests=PYTEST_TESTS)
    host = host_of(shop)
    result = write_fix(order_for(shop, PYTEST), host)
    fix = result.fix
    assert fix is not None, result.declined
    assert fix.method == "eager_loading"
    assert fix.regression.path == "tests/statements_a_page_test.py"
    assert fix.regression.name == "test_it_sends_at_most_2_statements"
    assert "3 passed" not in text(named(fix, result.evidence)["repository_tests"])
    assert "4 passed" in text(named(fix, result.evidence)["repository_tests"])
    assert "2. [ ] Loops over loaded rows" in git(shop, "show", f"{BRANCH}:REVIEW_CHECKLIST.md")


def test_without_a_test_on_the_slow_path_nothing_is_written_and_the_counts_are_kept(
    tmp_path: Path,
) -> None:
    shop = make_shop(tmp_path / "shop", bad_query=BAD_QUERY)
    order = order_for(shop)
    harmless = FixOrder(INCIDENT, order.service, order.mechanism, "v1.0.0", "v1.0.0")
    result = write_fix(harmless, host_of(shop))
    assert result.fix is None
    assert result.declined[0].method == "any"
    assert (
        "of 2 tests that pass on both versions none sends clearly more statements"
        in result.declined[0].reason
    )
    (counts,) = result.evidence
    test = "test_pages.PagesTest.test_customers_are_found"
    assert (test, "v1.0.0", 2, True) in rows(counts)
    assert host_of(shop).leftovers() == ()


@pytest.mark.parametrize(
    ("mechanism", "service", "reason"),
    [
        ("cpu_regression", {}, "cpu_regression"),
        ("n_plus_one", {"repository": None}, "no repository"),
        ("n_plus_one", {"code": None}, "no `code` settings"),
        ("n_plus_one", {"code": CodeSettings()}, "no command that runs"),
    ],
)
def test_what_cannot_be_tried_at_all_is_said(
    tmp_path: Path, mechanism: str, service: dict[str, object], reason: str
) -> None:
    order = order_for(tmp_path, mechanism=mechanism)
    bare = order.service.model_copy(update=service)
    asked = FixOrder(INCIDENT, bare, order.mechanism, "v1.0.0", "v1.0.1")
    result = write_fix(asked, host_of(tmp_path))
    assert result.fix is None
    assert [d.method for d in result.declined] == ["any"]
    assert reason in result.declined[0].reason


def test_versions_that_are_not_in_the_repository_and_tests_that_cannot_be_started_are_said(
    tmp_path: Path,
) -> None:
    shop = make_shop(tmp_path / "shop")
    order = order_for(shop, ("no-such-program",))
    unknown = FixOrder(INCIDENT, order.service, order.mechanism, "v1.0.0", "v9")
    assert "has no version 'v9'" in write_fix(unknown, host_of(shop)).declined[0].reason
    said = write_fix(order, host_of(shop)).declined[0].reason
    assert "ended with 127: no-such-program cannot be started" in said
