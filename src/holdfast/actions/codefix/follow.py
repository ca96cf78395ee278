"""Follows values through the repository's functions, from queries to the reads of relationships.

An abstract interpretation: every function is walked with what is known of its parameters, again
and again until nothing new comes up. It knows no types beyond query, result and instance.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from holdfast.actions.codefix.events import Knowledge, Loop, Obstacle
from holdfast.actions.codefix.expressions import Expressions
from holdfast.actions.codefix.program import Program
from holdfast.actions.codefix.values import (
    NOTHING,
    Entity,
    Row,
    Unknown,
    Value,
    items,
    joined,
    listed,
    passed_on,
    union,
)

_ROUNDS_AT_MOST = 12
_LEAVING = (ast.Continue, ast.Break, ast.Return)
_EXPIRING = frozenset({"commit", "rollback", "expire", "expire_all", "refresh", "expunge_all"})


def follow(program: Program) -> Knowledge:
    """Return what is known when nothing new comes up."""
    knowledge = Knowledge()
    for _ in range(_ROUNDS_AT_MOST):
        size = knowledge.size()
        for function in program.functions.values():
            _Walk(program, knowledge, function).run()
        if knowledge.size() == size:
            knowledge.obstacles.clear()  # those of earlier rounds knew less
            for function in program.functions.values():
                _Walk(program, knowledge, function).run()
            break
    return knowledge


class _Walk(Expressions):
    """One walk through the statements of one function."""

    def run(self) -> None:
        node = self.function.node
        for name in self.function.parameters():
            self.names[name] = self.knowledge.parameters.get((self.function.key, name), NOTHING)
        self._learn_parameters()
        self.block(node.body)

    def _learn_parameters(self) -> None:
        for name, value in self.names.items():
            self.knowledge.learn_name(self.function.key, name, value)

    def block(self, statements: Sequence[ast.stmt]) -> None:
        before = self.conditions
        for statement in statements:
            self.statement(statement)
            if _may_leave(statement):
                self.conditions += 1
        self.conditions = before

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign():
                value = self.value(node.value)
                for target in node.targets:
                    self.bind(target, value)
            case ast.AnnAssign() if node.value is not None:
                self.bind(node.target, self.value(node.value))
            case ast.AugAssign():
                self.bind(node.target, self.value(node.target) | self.value(node.value))
            case ast.For() | ast.AsyncFor():
                self._loop(node)
            case ast.While():
                self._branch(node.test, [*node.body, *node.body], node.orelse)
            case ast.If():
                self._branch(node.test, node.body, node.orelse)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self.value(item.context_expr)
                self.block(node.body)
            case ast.Try():
                self._try(node)
            case ast.Return() if node.value is not None:
                self._returns(self.value(node.value))
            case ast.Expr():
                self._expression(node.value)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass
            case ast.Match():
                self._match(node)
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.value(child)

    def _returns(self, value: Value) -> None:
        self.knowledge.learn_return(self.function.key, passed_on(value, self.conditions))

    def _expression(self, node: ast.expr) -> None:
        if isinstance(node, ast.Yield) and node.value is not None:
            self._returns(listed(self.value(node.value)))
        elif isinstance(node, ast.YieldFrom):
            self._returns(self.value(node.value))
        elif not self._changes_list(node):
            self._note_expiry(node)
            self.value(node)

    def _note_expiry(self, node: ast.expr) -> None:
        match node:
            case ast.Call(ast.Attribute(_, name)) if name in _EXPIRING:
                self.knowledge.note_commit(self.function.key, in_loop=self.loops > 0)
            case _:
                pass

    def _changes_list(self, node: ast.expr) -> bool:
        """Whether it is `name.append(…)` or `name.extend(…)`; the name then stands for more."""
        match node:
            case ast.Call(ast.Attribute(ast.Name(name), "append" | "extend" as how), [argument]):
                value = self.value(argument)
                more = listed(value) if how == "append" else value
                self.set_name(name, self.names.get(name, NOTHING) | more)
                return True
            case _:
                return False

    def _loop(self, node: ast.For | ast.AsyncFor) -> None:
        for _ in range(2):  # the second time with what the first has bound
            before = dict(self.names)
            self.bind_items(node.target, node.iter)
            self.loops += 1
            self.block(node.body)
            self.loops -= 1
            self.names = joined(before, self.names)
        self.block(node.orelse)

    def _branch(
        self, test: ast.expr, body: Sequence[ast.stmt], otherwise: Sequence[ast.stmt]
    ) -> None:
        self.value(test)
        before = dict(self.names)
        self.conditions += 1
        self.block(body)
        after = self.names
        self.names = dict(before)
        self.block(otherwise)
        self.conditions -= 1
        if not isinstance(body[-1], (*_LEAVING, ast.Raise)):
            self.names = joined(after, self.names)

    def _try(self, node: ast.Try) -> None:
        before = dict(self.names)
        self.block(node.body)
        self.block(node.orelse)
        after = self.names
        self.conditions += 1
        for handler in node.handlers:
            self.names = joined(before, after)
            self.block(handler.body)
            after = joined(after, self.names)
        self.conditions -= 1
        self.names = after
        self.block(node.finalbody)

    def _match(self, node: ast.Match) -> None:
        self.value(node.subject)
        after = dict(self.names)
        self.conditions += 1
        for case in node.cases:
            self.block(case.body)
            after = joined(after, self.names)
        self.conditions -= 1
        self.names = after

    def bind_items(self, target: ast.expr, iterable: ast.expr) -> None:
        """Bind a loop's target to an item of what it runs over, and note the loop."""
        match iterable, target:
            case ast.Call(ast.Name("enumerate"), [first, *_]), ast.Tuple(elts=[_, inner]):
                self.bind_items(inner, first)
            case ast.Call(ast.Name("zip"), [*parts]), ast.Tuple(elts=[*targets]) if len(
                parts
            ) == len(targets):
                for inner, part in zip(targets, parts, strict=True):
                    self.bind_items(inner, part)
            case _:
                value = items(self.value(iterable), self.conditions)
                self._note_loop(value)
                self.bind(target, value)

    def _note_loop(self, value: Value) -> None:
        for atom in value:
            item = atom.item if isinstance(atom, Row) else atom
            if isinstance(item, Entity):
                self.knowledge.loops.add(Loop(self.function.key, item.source))

    def bind(self, target: ast.expr, value: Value) -> None:
        """Let a target stand for a value; parts of a row stand for its one instance."""
        match target:
            case ast.Name(name):
                self.set_name(name, value)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                rows = {a.item for a in value if isinstance(a, Row)}
                rest = {a for a in value if isinstance(a, Unknown)}
                for part in parts:
                    self.bind(part, frozenset({*rows, *rest}))
            case ast.Starred():
                self.bind(target.value, value)
            case _:
                self.value(target)

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Value:
        return listed(self._in_generators(node.generators, (node.elt,)))

    def dictionary(self, node: ast.DictComp) -> Value:
        return self.kept(self._in_generators(node.generators, (node.key, node.value)))

    def _in_generators(
        self, generators: Sequence[ast.comprehension], elements: Sequence[ast.expr]
    ) -> Value:
        before, conditions = dict(self.names), self.conditions
        self.loops += 1
        for generator in generators:
            self.bind_items(generator.target, generator.iter)
            for test in generator.ifs:
                self.value(test)
                self.conditions += 1
        value = passed_on(union(self.value(e) for e in elements), self.conditions)
        self.names, self.conditions = before, conditions
        self.loops -= 1
        return value

    def obstacle(self, node: ast.AST, why: str) -> None:
        line = getattr(node, "lineno", 0)
        self.knowledge.obstacles.add(Obstacle(self.function.key, line, why))


def _may_leave(node: ast.stmt) -> bool:
    """Whether what follows is not reached for every item: an `if` in it leaves the block."""
    kinds = (ast.Return,) if isinstance(node, ast.For | ast.While) else _LEAVING
    tests = [each for each in ast.walk(node) if isinstance(each, ast.If | ast.Match)]
    return any(isinstance(each, kinds) for test in tests for each in ast.walk(test))
