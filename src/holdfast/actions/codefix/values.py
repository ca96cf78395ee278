"""What an expression may stand for while code is followed from a query to its readers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Source:
    """Where a query begins: `select(Model)`, `session.query(Model)` or `Model.query`.

    Lines count from 1, columns from 0 in characters; `model_text` is how the model is written.
    `by_key` = no query that could be given options: an item is fetched by its primary key.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    block_column: int
    model: str
    model_text: str
    by_key: bool = False


@dataclass(frozen=True)
class Entity:
    """An instance of a model that came from `source` over the relationships in `through`.

    `single` = it was fetched alone; `maybe` = it got here for some items only; `bound_at` = how
    many conditions enclosed the place where it was bound.
    """

    model: str
    source: Source
    through: tuple[str, ...] = ()
    single: bool = False
    maybe: bool = False
    bound_at: int = 0


@dataclass(frozen=True)
class Many:
    """Something iterable whose items are such instances."""

    item: Entity


@dataclass(frozen=True)
class Row:
    """A result row with one instance in it."""

    item: Entity


@dataclass(frozen=True)
class Rows:
    """Something iterable whose items are such rows."""

    item: Entity


@dataclass(frozen=True)
class Query:
    """A statement that has not been executed."""

    source: Source


@dataclass(frozen=True)
class Instance:
    """An object of a class of the repository that is no model."""

    path: str
    name: str


@dataclass(frozen=True)
class Unknown:
    """Something that cannot be followed, and why."""

    why: str


Atom = Entity | Many | Row | Rows | Query | Instance | Unknown
Value = frozenset[Atom]
"""All that an expression may stand for; empty = plain data, or nothing known."""

NOTHING: Value = frozenset()


def unknown(why: str) -> Value:
    """Return the value that cannot be followed."""
    return frozenset({Unknown(why)})


def union(values: Iterable[Value]) -> Value:
    """Return what any of these may stand for."""
    return frozenset[Atom]().union(*values)


def joined(first: dict[str, Value], second: dict[str, Value]) -> dict[str, Value]:
    """Return what names stand for after either of two ways."""
    names = first.keys() | second.keys()
    return {name: first.get(name, NOTHING) | second.get(name, NOTHING) for name in names}


def items(value: Value, conditions: int) -> Value:
    """Return what one item of an iterable stands for, bound under so many conditions."""
    found: set[Atom] = set()
    for atom in value:
        match atom:
            case Many(item):
                found.add(replace(item, bound_at=conditions))
            case Rows(item):
                found.add(Row(replace(item, bound_at=conditions)))
            case Query(source):
                found.add(Entity(source.model, source, bound_at=conditions))
            case Unknown():
                found.add(atom)
            case _:
                found.add(Unknown("it is iterated over, but is no list of query results"))
    return frozenset(found)


def listed(value: Value) -> Value:
    """Return what a list of such items stands for."""
    found: set[Atom] = set()
    for atom in value:
        match atom:
            case Entity():
                found.add(Many(replace(atom, bound_at=0)))
            case Row(item):
                found.add(Rows(replace(item, bound_at=0)))
            case Unknown():
                found.add(atom)
            case _:
                found.add(Unknown("it is kept in a list of lists"))
    return frozenset(found)


def passed_on(value: Value, conditions: int) -> Value:
    """Return a value as another function receives it from under so many conditions."""
    found: set[Atom] = set()
    for atom in value:
        if isinstance(atom, Entity):
            maybe = atom.maybe or conditions > atom.bound_at
            atom = replace(atom, maybe=maybe, bound_at=0)
        found.add(atom)
    return frozenset(found)
