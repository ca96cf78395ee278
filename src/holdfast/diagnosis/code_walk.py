"""A walk through statements that knows, at each expression, in which loops and which function."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True)
class Loop:
    """One loop around an expression: what it goes over (None for `while`), and its variables."""

    line: int
    source: ast.expr | None
    variables: frozenset[str]


@dataclass(frozen=True)
class Place:
    """A node with its surroundings, outermost loop first."""

    node: ast.AST
    symbol: str
    loops: tuple[Loop, ...] = ()

    @property
    def line(self) -> int:
        """The node's line."""
        return int(getattr(self.node, "lineno", 0))

    @property
    def loop_variables(self) -> frozenset[str]:
        """The variables of all loops around it."""
        return frozenset(name for loop in self.loops for name in loop.variables)


def walk(statements: Iterable[ast.stmt], symbol: str) -> Iterator[Place]:
    """Yield every node once, with the loops of its own function around it."""
    for statement in statements:
        yield from _visit(Place(statement, symbol))


def _visit(place: Place) -> Iterator[Place]:
    yield place
    node = place.node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        outer = place.symbol if node.col_offset else ""  # a hunk's heading ends at the margin
        inside = Place(node, _qualified(outer, node.name))
        yield from _children(inside, [*node.decorator_list, *node.body])
    elif isinstance(node, ast.Lambda):
        yield from _children(place, [node.body])
    elif isinstance(node, (ast.For, ast.AsyncFor)):
        yield from _children(place, [node.iter])
        yield from _children(_within(place, node.iter, node.target), node.body)
        yield from _children(place, node.orelse)
    elif isinstance(node, ast.While):
        looped = replace(place, loops=(*place.loops, Loop(node.lineno, None, frozenset())))
        yield from _children(looped, [node.test, *node.body])
        yield from _children(place, node.orelse)
    elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        yield from _comprehension(place, node)
    else:
        yield from _children(place, ast.iter_child_nodes(node))


def _comprehension(place: Place, node: Comprehension) -> Iterator[Place]:
    inside = place
    for generator in node.generators:
        yield from _children(inside, [generator.iter])
        inside = _within(inside, generator.iter, generator.target)
        yield from _children(inside, generator.ifs)
    results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    yield from _children(inside, results)


def _within(place: Place, source: ast.expr, target: ast.expr) -> Place:
    loop = Loop(source.lineno, source, frozenset(names_in(target)))
    return replace(place, loops=(*place.loops, loop))


def _children(place: Place, nodes: Iterable[ast.AST]) -> Iterator[Place]:
    for node in nodes:
        yield from _visit(replace(place, node=node))


def _qualified(symbol: str, name: str) -> str:
    return f"{symbol}.{name}" if symbol and symbol != name else name


def names_in(node: ast.AST) -> set[str]:
    """Return the plain names that stand in a node."""
    return {found.id for found in ast.walk(node) if isinstance(found, ast.Name)}


def called_name(call: ast.Call) -> str:
    """Return the last part of what is called: `f` of `a.b.f(x)`; empty where it has none."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def chain(node: ast.expr) -> list[str]:
    """Return the names along a chain of attributes and calls: a.b(x).c → [a, b, c]."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [*chain(node.value), node.attr]
    if isinstance(node, ast.Call):
        return chain(node.func)
    if isinstance(node, (ast.Await, ast.Subscript, ast.Starred)):
        return chain(node.value)
    return []


def words(text: str) -> frozenset[str]:
    """Return the words of a text as a set: a table of names that stays readable."""
    return frozenset(text.split())
