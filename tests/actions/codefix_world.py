"""Runs a snippet on a real SQLite database, and counts the statements that it sends."""

from __future__ import annotations

import sys
import textwrap
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session

from holdfast.actions.codefix.eager import load_eagerly
from holdfast.actions.codefix.records import CodeFix, Refusal
from holdfast.model.hypothesis import CodeSpot

MODERN = """
from __future__ import annotations
from typing import Optional
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

class Base(DeclarativeBase):
    pass

class Product(Base):
    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    active: Mapped[bool]
    orders: Mapped[list[Order]] = relationship(back_populates="customer", order_by="Order.id")
    notes: Mapped[list["Note"]] = relationship(order_by="Note.id")

    @property
    def spent(self) -> int:
        return sum(order.total for order in self.orders)

    def order_ids(self) -> list[int]:
        return [order.id for order in self.orders]

class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    text: Mapped[str]

class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    total: Mapped[int]
    customer: Mapped[Customer] = relationship(back_populates="orders")
    lines: Mapped[list[Line]] = relationship(order_by="Line.id")

class Line(Base):
    __tablename__ = "lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    product_id: Mapped[Optional[int]] = mapped_column(ForeignKey("products.id"))
    product: Mapped[Optional[Product]] = relationship()
"""

CLASSIC = """
from sqlalchemy import Boolean, Column, ForeignKey, Integer, String
from sqlalchemy.orm import Session, backref, declarative_base, relationship

Base = declarative_base()

class Product(Base):
    __tablename__ = "products"
    id = Column(Integer, primary_key=True)
    name = Column(String)

class Customer(Base):
    __tablename__ = "customers"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    active = Column(Boolean)
    orders = relationship("Order", backref="customer", order_by="Order.id")
    notes = relationship("Note", lazy="{lazy}", order_by="Note.id")

class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    customer_id = Column(Integer, ForeignKey("customers.id"))
    text = Column(String)

class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    customer_id = Column(Integer, ForeignKey("customers.id"))
    total = Column(Integer)
    lines = relationship("Line", order_by="Line.id")

class Line(Base):
    __tablename__ = "lines"
    id = Column(Integer, primary_key=True)
    order_id = Column(Integer, ForeignKey("orders.id"))
    product_id = Column(Integer, ForeignKey("products.id"))
    product = relationship(Product, backref=backref("lines", lazy="dynamic"))
"""

CUSTOMERS, ORDERS_EACH, LINES_EACH = 6, 2, 2


def classic(lazy: str = "select") -> str:
    """Return the models in 1.x style, with the laziness of `Customer.notes`."""
    return CLASSIC.replace("{lazy}", lazy)


def fix_of(models: str, snippet: str, *, spot: str) -> tuple[str, CodeFix | Refusal]:
    """Return the whole source and the fix for the line that holds `spot`."""
    source = f"{models}\n{textwrap.dedent(snippet)}"
    line = next(i for i, text in enumerate(source.splitlines(), 1) if spot in text)
    return source, load_eagerly({"shop.py": source}, [CodeSpot(path="shop.py", line=line)])


def run(source: str) -> tuple[object, int]:
    """Return what `answer(session)` returns on a filled database, and its statements."""
    with _module(source) as module, _database(module) as engine:
        statements: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            statements.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        with Session(engine) as session:
            return module.answer(session), len(statements)


@contextmanager
def _module(source: str) -> Iterator[Any]:
    module = types.ModuleType("shop_under_test")
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, "shop.py", "exec"), module.__dict__)
        yield module
    finally:
        del sys.modules[module.__name__]


@contextmanager
def _database(module: Any) -> Iterator[Engine]:
    engine = create_engine("sqlite://")
    try:
        module.Base.metadata.create_all(engine)
        with Session(engine) as session:
            _fill(module, session)
        yield engine
    finally:
        engine.dispose()


def _fill(module: Any, session: Session) -> None:
    session.add_all([module.Product(id=i, name=f"product {i}") for i in range(1, 25)])
    for number in range(1, CUSTOMERS + 1):
        customer = module.Customer(id=number, name=f"c{number}", active=number % 2 == 0)
        session.add(customer)
        session.flush()
        session.add(module.Note(customer_id=number, text=f"note {number}"))
        for nth in range(ORDERS_EACH):
            order = module.Order(id=number * 10 + nth, customer_id=number, total=number + nth)
            session.add(order)
            session.flush()
            for each in range(LINES_EACH):
                product = 1 + (number * ORDERS_EACH + nth * LINES_EACH + each) % 24
                session.add(module.Line(order_id=order.id, product_id=product))
    session.commit()
