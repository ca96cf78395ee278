"""Queries, lazy loads and helpers that query: what must not stand inside a loop over items."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast.diagnosis.code_walk import Loop, Place, called_name, chain, names_in, words

_ALWAYS = words(
    "execute executemany scalars scalar scalar_one scalar_one_or_none exec_driver_sql "
    "fetchone fetchall fetchmany fetchrow fetchval fetch_one fetch_all fetch_val find_one"
)
"""Methods that ask a database, whatever they are called on."""

_ON_A_SESSION = words(
    "get query first all one one_or_none filter filter_by count exists find select refresh "
    "load values aggregate fetch run raw"
)
"""Methods that ask a database where they are called on something that looks like one."""

_SESSION = re.compile(
    r"(^|_)(session|sess|db|database|conn|connection|cursor|cur|engine|tx|transaction|objects|"
    r"dbsession|collection)$",
    re.IGNORECASE,
)

_EAGER = words(
    "selectinload joinedload subqueryload immediateload contains_eager prefetch_related "
    "select_related prefetch"
)
_COLLECTING = words("len sum list sorted any all max min tuple set enumerate reversed")
_RETRY = re.compile(r"attempt|retr|tries|^_$", re.IGNORECASE)
_ORMS = ("sqlalchemy", "sqlmodel", "django.db", "peewee", "tortoise", "pony.orm", "mongoengine")


@dataclass(frozen=True)
class SideFacts:
    """What all files of one side say together."""

    relations: frozenset[str]
    """Attributes that load other rows: declared so, or loaded eagerly somewhere."""
    eager: frozenset[str]
    """Those that this side loads beforehand."""
    helpers: frozenset[str]
    """Functions that query, directly or through others."""
    uses_orm: bool


@dataclass(frozen=True)
class Found:
    """A suspicious place; `key` is the same on both sides where it did not change."""

    place: Place
    key: str
    why: str


def gather(places: Sequence[Place]) -> SideFacts:
    """Return what the files of one side say together."""
    eager = frozenset(_eager_names(places))
    return SideFacts(
        relations=frozenset(_declared(places)) | eager,
        eager=eager | frozenset(_eager_declarations(places)),
        helpers=frozenset(_querying(places)),
        uses_orm=any(_imports_orm(place.node) for place in places),
    )


def queries_in_loops(
    places: Sequence[Place], facts: SideFacts, relations: frozenset[str]
) -> Iterator[Found]:
    """Yield what asks once per item. `relations` are those that either side knows."""
    from_queries = _variables_from_queries(places, facts)
    gone_over = frozenset(id(node) for place in places for node in _gone_over(place.node))
    for place in places:
        loops = tuple(loop for loop in place.loops if not _is_retry(loop))
        if not loops:
            continue
        if isinstance(place.node, ast.Call):
            yield from _call_in_loop(place, place.node, facts)
        elif isinstance(place.node, ast.Attribute):
            if not _is_loaded_lazily(place, place.node, facts):
                continue
            rows = facts.uses_orm or _goes_over_rows(place, place.node, from_queries)
            if place.node.attr in relations or (rows and id(place.node) in gone_over):
                why = f"{place.node.attr} is loaded lazily for each item of a loop"
                yield Found(place, ast.unparse(place.node), why)


def is_query(call: ast.Call) -> bool:
    """Whether a call asks a database."""
    if not isinstance(call.func, ast.Attribute):
        return False
    receiver = chain(call.func.value)
    looks_like_session = any(_SESSION.search(name) for name in receiver)
    if call.func.attr in _ALWAYS:
        return "executor" not in receiver and "pool" not in receiver
    return call.func.attr in _ON_A_SESSION and looks_like_session


def _call_in_loop(place: Place, call: ast.Call, facts: SideFacts) -> Iterator[Found]:
    name = called_name(call)
    text = ast.unparse(call)
    if _is_batched(call, place.loop_variables):
        return
    if is_query(call):
        yield Found(place, text, "a query runs once for each item of a loop")
    elif name in facts.helpers:
        yield Found(place, text, f"{name}, which queries, is called once for each item of a loop")
    elif name and not isinstance(call.func, ast.Attribute) and _takes_session(call):
        yield Found(place, text, f"{name} is given a session once for each item of a loop")


def _is_loaded_lazily(place: Place, node: ast.Attribute, facts: SideFacts) -> bool:
    """Whether it may load rows: an attribute of a loop's item that is not loaded beforehand."""
    read = isinstance(node.ctx, ast.Load) and node.attr not in facts.eager
    return read and _loop_of(node, place) is not None


def _loop_of(node: ast.Attribute, place: Place) -> Loop | None:
    if not isinstance(node.value, ast.Name):
        return None
    name = node.value.id
    return next((loop for loop in reversed(place.loops) if name in loop.variables), None)


def _goes_over_rows(
    place: Place, node: ast.Attribute, from_queries: frozenset[tuple[str, str]]
) -> bool:
    loop = _loop_of(node, place)
    if loop is None or loop.source is None:
        return False
    calls = [n for n in ast.walk(loop.source) if isinstance(n, ast.Call)]
    named = any((place.symbol, name) in from_queries for name in names_in(loop.source))
    return named or any(is_query(call) for call in calls)


def _gone_over(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, (ast.For, ast.AsyncFor)):
        yield node.iter
    elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        yield from (generator.iter for generator in node.generators)
    elif isinstance(node, ast.Call) and called_name(node) in _COLLECTING:
        yield from (argument for argument in node.args if isinstance(node.func, ast.Name))


def _variables_from_queries(
    places: Sequence[Place], facts: SideFacts
) -> frozenset[tuple[str, str]]:
    """Return (function, variable) where the variable was assigned the rows of a query."""
    found: set[tuple[str, str]] = set()
    for place in places:
        node = place.node
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            calls = [n for n in ast.walk(node.value) if isinstance(n, ast.Call)]
            if any(is_query(call) or called_name(call) in facts.helpers for call in calls):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {(place.symbol, name) for t in targets for name in names_in(t)}
    return frozenset(found)


def _querying(places: Sequence[Place]) -> set[str]:
    """Return the names of functions that query, following calls until nothing is added."""
    calls_of: dict[str, set[str]] = {}
    found: set[str] = set()
    for place in places:
        name = place.symbol.rpartition(".")[2]
        if name and isinstance(place.node, ast.Call):
            calls_of.setdefault(name, set()).add(called_name(place.node))
            if is_query(place.node):
                found.add(name)
    nodes = [place.node for place in places]
    defined = {n.name for n in nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
    while True:
        more = {n for n, called in calls_of.items() if called & found & defined} - found
        if not more:
            return found & defined
        found |= more


def _is_batched(call: ast.Call, variables: frozenset[str]) -> bool:
    """Whether the loop goes over batches: its variable is a list that the query takes at once."""
    return any(
        isinstance(node, ast.Call)
        and called_name(node) in ("in_", "any_")
        and names_in(node) & variables
        for node in ast.walk(call)
    ) or any(keyword.arg and keyword.arg.endswith("__in") for keyword in call.keywords)


def _is_retry(loop: Loop) -> bool:
    source = loop.source
    counted = isinstance(source, ast.Call) and called_name(source) == "range"
    return counted and any(_RETRY.search(name) for name in loop.variables)


def _takes_session(call: ast.Call) -> bool:
    return any(isinstance(a, ast.Name) and _SESSION.search(a.id) for a in call.args)


def _eager_names(places: Sequence[Place]) -> Iterator[str]:
    for place in places:
        if isinstance(place.node, ast.Call) and called_name(place.node) in _EAGER:
            for argument in place.node.args:
                if isinstance(argument, ast.Attribute):
                    yield argument.attr
                elif isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield from argument.value.split("__")


def _declared(places: Sequence[Place]) -> Iterator[str]:
    for place in places:
        node = place.node
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and _is_relationship(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (name for target in targets for name in names_in(target))


def _eager_declarations(places: Sequence[Place]) -> Iterator[str]:
    for place in places:
        node = place.node
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and _is_relationship(node.value):
            value = node.value
            eager = isinstance(value, ast.Call) and any(
                k.arg == "lazy"
                and isinstance(k.value, ast.Constant)
                and k.value.value in ("selectin", "joined", "subquery", "immediate", False)
                for k in value.keywords
            )
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (name for target in targets if eager for name in names_in(target))


def _is_relationship(value: ast.expr | None) -> bool:
    wanted = ("relationship", "ForeignKey", "ManyToManyField", "ForeignKeyField", "backref")
    return isinstance(value, ast.Call) and called_name(value) in wanted


def _imports_orm(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").startswith(_ORMS)
    return isinstance(node, ast.Import) and any(a.name.startswith(_ORMS) for a in node.names)
