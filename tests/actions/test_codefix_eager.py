"""An N+1 is fixed by eager loading: the snippet runs before and after, statements counted."""

from __future__ import annotations

import pytest

from actions.codefix_world import MODERN, classic, fix_of, run
from holdfast.actions.codefix.eager import load_eagerly
from holdfast.actions.codefix.records import CodeFix, Refusal
from holdfast.model.hypothesis import CodeSpot

FIXED = {
    "a loop over session.scalars": (
        MODERN,
        """
        def answer(session: Session):
            found = []
            for customer in session.scalars(select(Customer).order_by(Customer.id)):
                found.append((customer.name, [o.total for o in customer.orders]))
            return found
        """,
        "customer.orders]",
        2,
    ),
    "a comprehension over session.execute(…).scalars().all()": (
        MODERN,
        """
        def answer(session):
            rows = session.execute(select(Customer).where(Customer.id > 1)).scalars().all()
            return {c.name: len(c.orders) for c in rows}
        """,
        "len(c.orders)",
        2,
    ),
    "a generator expression over a 1.x query with filter_by": (
        classic(),
        """
        def answer(session):
            customers = session.query(Customer).filter_by(active=True).all()
            return sum(len(c.orders) for c in customers)
        """,
        "len(c.orders)",
        2,
    ),
    "a helper called for each item": (
        MODERN,
        """
        def totals(customer):
            return [order.total for order in customer.orders]

        def answer(session):
            customers = session.scalars(select(Customer)).all()
            return [totals(customer) for customer in customers]
        """,
        "totals(customer) for",
        2,
    ),
    "a property of the model": (
        MODERN,
        """
        def answer(session):
            return [(c.name, c.spent) for c in session.scalars(select(Customer))]
        """,
        "c.spent",
        2,
    ),
    "a method of the model, from a sorted list": (
        MODERN,
        """
        def answer(session):
            customers = sorted(session.scalars(select(Customer)), key=lambda c: c.name)
            return [c.order_ids() for c in customers]
        """,
        "c.order_ids()",
        2,
    ),
    "several relationships, the query built in steps": (
        MODERN,
        """
        def answer(session, active=None):
            query = select(Customer)
            if active is not None:
                query = query.where(Customer.active == active)
            query = query.order_by(Customer.id.desc()).limit(4)
            result = []
            for position, customer in enumerate(session.scalars(query)):
                result.append([position, len(customer.orders), customer.notes[0].text])
            return result
        """,
        "len(customer.orders)",
        3,
    ),
    "a many-to-one of a joined row": (
        MODERN,
        """
        def answer(session):
            return [order.customer.name for order in session.scalars(select(Order))]
        """,
        "order.customer.name",
        1,
    ),
    "a backref in 1.x style": (
        classic(),
        """
        def answer(session):
            names = []
            for order in session.query(Order).order_by(Order.id).all():
                names.append(order.customer.name)
            return names
        """,
        "order.customer.name",
        2,
    ),
    "nested relationships": (
        MODERN,
        """
        def answer(session):
            out = []
            for customer in session.scalars(select(Customer)):
                for order in customer.orders:
                    out.append([line.product.name for line in order.lines])
            return out
        """,
        "line.product.name",
        4,
    ),
    "a relationship below one that is already eager": (
        MODERN,
        """
        from sqlalchemy.orm import selectinload
        def answer(session):
            query = select(Customer).order_by(Customer.id).options(selectinload(Customer.orders))
            return [[len(o.lines) for o in c.orders] for c in session.scalars(query)]
        """,
        "o.lines",
        3,
    ),
    "a query made in another function": (
        classic(),
        """
        class Repository:
            def __init__(self, session):
                self.session = session

            def active(self):
                return self.session.query(Customer).filter(Customer.active.is_(True))

        def answer(session):
            repository = Repository(session)
            customers = repository.active().order_by(Customer.id).all()
            return [[o.total for o in customer.orders] for customer in customers]
        """,
        "customer.orders]",
        2,
    ),
    "a generator function, and rows with one instance": (
        MODERN,
        """
        def customers(session):
            for (customer,) in session.execute(select(Customer)).all():
                yield customer

        def answer(session):
            return [note.text for c in customers(session) for note in c.notes]
        """,
        "in c.notes",
        2,
    ),
    "a map with a lambda, over a constant query": (
        MODERN,
        """
        BY_NAME = select(Customer).order_by(Customer.name)

        def answer(session):
            return list(map(lambda c: len(c.orders), session.scalars(BY_NAME).all()))
        """,
        "len(c.orders)",
        2,
    ),
    "a test on the relationship before it is used": (
        MODERN,
        """
        def answer(session):
            out = []
            for customer in session.scalars(select(Customer)):
                if not customer.orders:
                    continue
                out.append(customer.orders[-1].total)
            return out
        """,
        "customer.orders[-1]",
        2,
    ),
}


@pytest.mark.parametrize("name", FIXED)
def test_it_loads_eagerly_and_answers_the_same(name: str) -> None:
    models, snippet, spot, statements = FIXED[name]
    source, fix = fix_of(models, snippet, spot=spot)
    assert isinstance(fix, CodeFix), fix
    before, counted_before = run(source)
    after, counted_after = run(fix.files[0].content)
    assert after == before
    assert counted_after == statements < counted_before
    assert fix.sentences


DECLINED = {
    "a dynamic attribute name": (
        MODERN,
        """
        def answer(session, what="orders"):
            return [len(getattr(c, what)) for c in session.scalars(select(Customer))]
        """,
        "getattr(c, what)",
        "reads an attribute by a name",
    ),
    "items of unknown origin": (
        MODERN,
        """
        def answer(customers):
            return [len(c.orders) for c in customers]
        """,
        "len(c.orders)",
        "no query that it could come from is seen",
    ),
    "already eager": (
        MODERN,
        """
        from sqlalchemy.orm import selectinload
        def answer(session):
            query = select(Customer).options(selectinload(Customer.orders))
            return [len(c.orders) for c in session.scalars(query)]
        """,
        "len(c.orders)",
        "already loaded eagerly",
    ),
    "eager by the model": (
        classic("selectin"),
        """
        def answer(session):
            return [len(c.notes) for c in session.query(Customer).all()]
        """,
        "len(c.notes)",
        "already loaded eagerly",
    ),
    "raw SQL": (
        MODERN,
        """
        from sqlalchemy import text
        def answer(session):
            query = select(Customer).from_statement(text("select * from customers"))
            return [len(c.orders) for c in session.scalars(query)]
        """,
        "len(c.orders)",
        "from_statement",
    ),
    "a dynamic relationship": (
        classic("dynamic"),
        """
        def answer(session):
            return [c.notes.count() for c in session.query(Customer).all()]
        """,
        "c.notes.count()",
        "dynamic",
    ),
    "a write-only relationship": (
        classic("write_only"),
        """
        def answer(session):
            return [c.notes for c in session.query(Customer).all()]
        """,
        "c.notes for",
        "write-only",
    ),
    "items that may come from a cache": (
        MODERN,
        """
        CACHE = {}
        def customers(session):
            if "all" in CACHE:
                return CACHE["all"]
            return session.scalars(select(Customer)).all()
        def answer(session):
            return [len(c.orders) for c in customers(session)]
        """,
        "len(c.orders)",
        "CACHE",
    ),
    "a cached function": (
        MODERN,
        """
        from functools import lru_cache
        @lru_cache
        def customers(session):
            return session.scalars(select(Customer)).all()
        def answer(session):
            return [len(c.orders) for c in customers(session)]
        """,
        "len(c.orders)",
        "cache",
    ),
    "two queries merged": (
        MODERN,
        """
        def answer(session):
            old = session.scalars(select(Customer).where(Customer.id < 3)).all()
            new = session.scalars(select(Customer).where(Customer.id > 4)).all()
            return [len(c.orders) for c in [*old, *new]]
        """,
        "len(c.orders)",
        "more than one query",
    ),
    "a condition for each item": (
        MODERN,
        """
        def answer(session):
            found = []
            for c in session.scalars(select(Customer)):
                if c.active:
                    found.append(len(c.orders))
            return found
        """,
        "len(c.orders)",
        "under a condition",
    ),
    "a helper that may return before it reads": (
        MODERN,
        """
        def count(c):
            if not c.active:
                return 0
            return len(c.orders)
        def answer(session):
            return [count(c) for c in session.scalars(select(Customer))]
        """,
        "count(c) for",
        "only under conditions",
    ),
    "a way out of the loop that is deeper inside": (
        MODERN,
        """
        def answer(session, strict=True):
            found = []
            for c in session.scalars(select(Customer)):
                if strict:
                    if not c.active:
                        continue
                found.append(len(c.orders))
            return found
        """,
        "len(c.orders)",
        "under a condition",
    ),
    "a variable that hides a function": (
        MODERN,
        """
        def load(session):
            return session.scalars(select(Customer)).all()
        def answer(session, load):
            return [len(c.orders) for c in load(session)]
        """,
        "len(c.orders)",
        "what `load` returns",
    ),
    "a query written out for each item": (
        classic(),
        """
        def answer(session):
            found = []
            for c in session.query(Customer).all():
                found.append(session.query(Order).filter_by(customer_id=c.id).count())
            return found
        """,
        "filter_by(",
        "no relationship is seen being read",
    ),
    "a commit in the loop": (
        MODERN,
        """
        def answer(session):
            for c in session.scalars(select(Customer)).all():
                c.name = str(len(c.orders))
                session.commit()
        """,
        "len(c.orders)",
        "commits",
    ),
    "a helper that commits, called in the loop": (
        MODERN,
        """
        def keep(session, customer, number):
            customer.name = str(number)
            session.commit()
        def answer(session):
            for c in session.scalars(select(Customer)).all():
                keep(session, c, len(c.orders))
        """,
        "len(c.orders)",
        "commits",
    ),
    "a query whose results are streamed": (
        MODERN,
        """
        def answer(session):
            return [len(c.orders) for c in session.query(Customer).yield_per(2)]
        """,
        "len(c.orders)",
        "stream",
    ),
    "options that cannot be read": (
        MODERN,
        """
        def answer(session, *wanted):
            query = select(Customer).options(*wanted)
            return [len(c.orders) for c in session.scalars(query)]
        """,
        "len(c.orders)",
        "cannot be read",
    ),
    "a name that is taken": (
        MODERN,
        """
        def selectinload(x):
            return x
        def answer(session):
            return [len(c.orders) for c in session.scalars(select(Customer))]
        """,
        "len(c.orders)",
        "is taken",
    ),
}


@pytest.mark.parametrize("name", DECLINED)
def test_it_declines_where_it_is_not_sure(name: str) -> None:
    models, snippet, spot, reason = DECLINED[name]
    _, fix = fix_of(models, snippet, spot=spot)
    assert isinstance(fix, Refusal), fix
    assert reason in fix.reason


def test_a_file_that_cannot_be_parsed_is_named() -> None:
    fix = load_eagerly({"shop.py": "def ("}, [CodeSpot(path="shop.py", line=1)])
    assert fix == Refusal("shop.py:1 cannot be parsed: invalid syntax")


def test_a_further_model_is_imported_and_all_other_text_stays() -> None:
    queries = (
        '"""Queries."""\n\n'
        "from sqlalchemy import select  # the statement\n"
        "from sqlalchemy.orm import (\n    Session,\n)\n\n"
        "from shop.models import Customer\n\n\n"
        "def page( session:Session ) :   # odd spaces\n"
        "    for customer in session.scalars(select(Customer)):\n"
        "        for order in customer.orders:\n"
        "            print( order.lines )\n"
    )
    files = {"src/shop/models.py": MODERN, "src/shop/queries.py": queries}
    fix = load_eagerly(files, [CodeSpot(path="src/shop/queries.py", line=14)])
    assert isinstance(fix, CodeFix), fix
    expected = (
        queries.replace("import Customer\n", "import Customer, Order\n")
        .replace("    Session,\n", "    Session,\n    selectinload,\n")
        .replace(
            "select(Customer)",
            "select(Customer).options(\n"
            "        selectinload(Customer.orders).selectinload(Order.lines),\n    )",
        )
    )
    assert fix.files[0].content == expected
