"""A small team's repository with a release that asks the database once per item."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from holdfast.actions.repair.order import FixOrder
from holdfast.delivery.git_host import GitHost
from holdfast.model.hypothesis import CodeSpot, Hypothesis
from holdfast.model.service import CodeSettings, Service

INCIDENT = "inc-01abc-1x"
BRANCH = f"holdfast/{INCIDENT}"
UNITTEST = (sys.executable, "-m", "unittest", "discover", "-s", "tests")
PYTEST = (sys.executable, "-m", "pytest", "-q", "tests")
VARIABLES = {"PYTHONPATH": ".", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

VARIABLES = {"PYTHONPATH": ".", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

MODELS = """
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    orders: Mapped[list["Order"]] = relationship(order_by="Order.id")


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))


def filled(customers=20):
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(Customer(orders=[Order(), Order()]) for _ in range(customers))
        session.commit()
    return engine
"""
GOOD_QUERY = """
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from shop.models import Customer


def customers(session):
    return session.scalars(select(Customer).options(selectinload(Customer.orders))).all()
"""
BAD_QUERY = """
from sqlalchemy import select

from shop.models import Customer


def customers(session):
    return session.scalars(select(Customer)).all()
"""
PAGE = """
from shop import queries


def show(session):
    return page(queries.customers(session))


def page(customers):
    return [{"id": c.id, "orders": [order.id for order in c.orders]} for c in customers]
"""
HIDDEN_PAGE = """
from shop import queries

NAME = "orders"


def show(session):
    return page(queries.customers(session))


def page(customers):
    return [{"id": c.id, NAME: [row.id for row in getattr(c, NAME)]} for c in customers]
"""
TESTS = """
import unittest

from sqlalchemy.orm import Session

from shop import pages, queries
from shop.models import filled


class PagesTest(unittest.TestCase):
    def setUp(self):
        self.engine = filled()
        self.addCleanup(self.engine.dispose)

    def test_a_page_has_every_customer(self):
        with Session(self.engine) as session:
            page = pages.show(session)
        self.assertEqual(len(page), 20)

    def test_customers_are_found(self):
        with Session(self.engine) as session:
            self.assertEqual(len(queries.customers(session)), 20)
"""


def git(folder: Path, *arguments: str) -> str:
    who = {
        f"GIT_{r}_{w}": "a@example.org" for r in ("AUTHOR", "COMMITTER") for w in ("NAME", "EMAIL")
    }
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, **who}
    argv = ["git", "-c", "core.hooksPath=/dev/null", "-C", str(folder), *arguments]
    done = subprocess.run(argv, check=True, env=environment, capture_output=True, text=True)
    return done.stdout.strip()


def change(folder: Path, subject: str, files: Mapping[str, str]) -> str:
    """Commit these files (path → content) and return the commit."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", subject)
    return git(folder, "rev-parse", "HEAD")


def make_shop(
    folder: Path,
    *,
    page: str = PAGE,
    good_query: str = GOOD_QUERY,
    bad_query: str = BAD_QUERY,
    tests: Mapping[str, str] | None = None,
    last: Mapping[str, str] | None = None,
) -> Path:
    """Return a repository: v1.0.0 is good, v1.0.1 has a guilty commit among harmless ones."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    shop = {"shop/__init__.py": "", "shop/models.py": MODELS, "shop/pages.py": page}
    own = tests or {"tests/test_pages.py": TESTS}
    change(folder, "Begin", {**shop, "shop/queries.py": good_query, **own})
    git(folder, "tag", "v1.0.0")
    change(folder, "Harmless one", {"README": "A shop\n"})
    change(folder, "Find customers in a simpler way", {"shop/queries.py": bad_query})
    change(folder, "Harmless two", {"README": "A small shop\n"})
    if last:
        change(folder, "On top", last)
    git(folder, "tag", "v1.0.1")
    return folder


def order_for(
    shop: Path,
    tests: tuple[str, ...] = UNITTEST,
    *,
    page: str = PAGE,
    mechanism: str = "n_plus_one",
) -> FixOrder:
    """Return the order that a diagnosis would give: the loop over a page is the place."""
    line = next(i for i, text in enumerate(page.splitlines(), 1) if "for c in" in text)
    found = Hypothesis(
        id="hyp-1",
        statement="v1.0.1 of shop asks the database once per item where v1.0.0 asked once.",
        service="shop",
        mechanism=mechanism,
        code=(CodeSpot(path="shop/pages.py", line=line),),
    )
    code = CodeSettings(tests=tests, variables=VARIABLES, timeout_seconds=60)
    service = Service(name="shop", repository=str(shop), code=code)
    return FixOrder(INCIDENT, service, found, "v1.0.0", "v1.0.1")


def host_of(shop: Path) -> GitHost:
    return GitHost(shop, work_folder=shop.parent / "work")
