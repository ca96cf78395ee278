"""What expressions stand for: names, attributes, calls, and the queries among them."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from dataclasses import replace

from holdfast.actions.codefix.calls import Callee, find_callee
from holdfast.actions.codefix.events import Knowledge, Read
from holdfast.actions.codefix.program import MODULE, Function, FunctionKey, Program
from holdfast.actions.codefix.queries import on_list, on_query, on_session
from holdfast.actions.codefix.roots import query_root
from holdfast.actions.codefix.values import (
    NOTHING,
    Entity,
    Instance,
    Many,
    Query,
    Row,
    Rows,
    Unknown,
    Value,
    listed,
    passed_on,
    union,
    unknown,
)

_SAME_ITEMS = frozenset({"list", "sorted", "tuple", "set", "reversed", "iter"})
_ONE_ITEM = frozenset({"next", "max", "min"})


class Expressions(ABC):
    """Evaluates expressions in one function, noting every read of a relationship."""

    def __init__(self, program: Program, knowledge: Knowledge, function: Function) -> None:
        self.program = program
        self.knowledge = knowledge
        self.function = function
        self.names: dict[str, Value] = {}
        self.conditions: int = 0
        self.loops: int = 0

    @abstractmethod
    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Value:
        """Return what a comprehension stands for."""

    @abstractmethod
    def dictionary(self, node: ast.DictComp) -> Value:
        """Return what a comprehension of a dictionary stands for."""

    @abstractmethod
    def bind(self, target: ast.expr, value: Value) -> None:
        """Let a target stand for a value."""

    @abstractmethod
    def obstacle(self, node: ast.AST, why: str) -> None:
        """Note something that cannot be followed."""

    def set_name(self, name: str, value: Value) -> None:
        """Let a name stand for a value, here and in functions that stand inside this one."""
        self.names[name] = value
        self.knowledge.learn_name(self.function.key, name, value)

    def value(self, node: ast.expr) -> Value:
        """Return what an expression may stand for."""
        root = query_root(self.program, self.function.path, node)
        if root is not None:
            return root
        match node:
            case ast.Name():
                return self._name(node.id)
            case ast.Attribute():
                return self.attribute(node, node.attr, self.value(node.value))
            case ast.Call():
                return self._call(node)
            case ast.Await() | ast.Starred():
                return self.value(node.value)
            case ast.NamedExpr():
                value = self.value(node.value)
                self.bind(node.target, value)
                return value
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return self.comprehension(node)
            case ast.DictComp():
                return self.dictionary(node)
            case ast.Subscript():
                return self._subscript(node)
            case ast.Lambda():
                return self._lambda(node)
            case _:
                return self._composed(node)

    def _composed(self, node: ast.expr) -> Value:
        match node:
            case ast.IfExp():
                self.value(node.test)
                return self._conditionally(node.body, node.orelse)
            case ast.BoolOp():
                return self.value(node.values[0]) | self._conditionally(*node.values[1:])
            case ast.BinOp(op=ast.Add()):
                return self.value(node.left) | self.value(node.right)
            case ast.List() | ast.Tuple() | ast.Set():
                return union(
                    self.value(e) if isinstance(e, ast.Starred) else listed(self.value(e))
                    for e in node.elts
                )
            case ast.Dict():
                return self.kept(union(self.value(v) for v in node.values))
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.value(child)
                return NOTHING

    def _conditionally(self, *nodes: ast.expr) -> Value:
        self.conditions += 1
        value = union(self.value(node) for node in nodes)
        self.conditions -= 1
        return value

    def kept(self, value: Value) -> Value:
        """Return what a dictionary with such values stands for."""
        return unknown("it is kept in a dictionary") if value else NOTHING

    def _name(self, name: str) -> Value:
        if name in self.names:
            return self.names[name]
        scope: FunctionKey | None = self.function.parent
        while scope is not None:
            if (scope, name) in self.knowledge.names:
                return self.knowledge.names[scope, name]
            scope = self.program.functions[scope].parent
        found = self.program.names_of(self.function.path, name)
        if found is None:
            return NOTHING
        return self.knowledge.names.get(((found[0], MODULE), found[1]), NOTHING)

    def attribute(self, node: ast.expr, name: str, base: Value) -> Value:
        """Return what an attribute of a value stands for; a read relationship is noted."""
        if not self._is_model(node):
            self._note_opaque(node, name, base)
        return union(self._attribute_of(node, name, atom) for atom in base)

    def _attribute_of(self, node: ast.expr, name: str, atom: object) -> Value:
        match atom:
            case Entity():
                return self._read(node, name, atom)
            case Row(item):
                return frozenset({item}) if name == item.model else NOTHING
            case Instance():
                return unknown(f"it is kept on an object (`.{name}`)")
            case Unknown():
                return frozenset({atom})
            case _:
                return NOTHING

    def _is_model(self, node: ast.expr) -> bool:
        """Whether it is an attribute of a model's class, as queries name it."""
        match node:
            case ast.Attribute(ast.Name(name) | ast.Attribute(ast.Name(), name)):
                found = self.program.names_of(self.function.path, name)
                return (found[1] if found else name) in self.program.models.by_name
            case _:
                return False

    def _note_opaque(self, node: ast.expr, name: str, base: Value) -> None:
        if name not in self.program.models.names_of_relationships():
            return
        whys = [atom.why for atom in base if isinstance(atom, Unknown)]
        if whys or not base:
            subject = ast.unparse(node.value) if isinstance(node, ast.Attribute) else "an item"
            why = whys[0] if whys else "no query that it could come from is seen"
            self.obstacle(node, f"where `{subject}` comes from is not known: {why}")

    def _read(self, node: ast.expr, name: str, item: Entity) -> Value:
        models = self.program.models
        relationship = models.relationship(item.model, name)
        conditional = item.maybe or self.conditions > item.bound_at
        if relationship is None:
            member = models.member(item.model, name)
            if member is None:
                return NOTHING
            key = (member[0].path, f"{member[0].name}.{name}")
            if not self.program.functions[key].decorators():
                return NOTHING
            return self.call(Callee(key, bound=True), [frozenset({item})], {})
        self.knowledge.reads.add(
            Read(self.function.key, node.lineno, node.col_offset, item, name, conditional)
        )
        if len(item.through) >= 3 or relationship.target not in models.by_name:
            return unknown(f"what `{name}` leads to")
        single = item.single and relationship.many is False
        over = (*item.through, name)
        child = Entity(relationship.target, item.source, over, single, conditional, self.conditions)
        return frozenset({Many(child) if relationship.many else child})

    def _subscript(self, node: ast.Subscript) -> Value:
        base = self.value(node.value)
        self.value(node.slice)
        if isinstance(node.slice, ast.Slice):
            return base
        found = set[object]()
        for atom in base:
            match atom:
                case Many(item):
                    found.add(replace(item, single=True))
                case Rows(item):
                    found.add(Row(replace(item, single=True)))
                case Row(item):
                    found.add(item)
                case _:
                    found.add(Unknown(f"`{ast.unparse(node)}`"))
        return frozenset(found) or unknown(f"`{ast.unparse(node)}`")  # pyright: ignore

    def _lambda(self, node: ast.Lambda, *arguments: Value) -> Value:
        before = dict(self.names)
        self.names.update(zip((a.arg for a in node.args.args), arguments, strict=False))
        value = self.value(node.body) if arguments else NOTHING
        self.names = before
        return value

    def _call(self, node: ast.Call) -> Value:
        if isinstance(node.func, ast.Name):
            built_in = self._built_in(node, node.func.id)
            if built_in is not None:
                return built_in
        receiver = NOTHING
        callee = self._callee(node.func)
        if callee is None and isinstance(node.func, ast.Attribute):
            receiver = self.value(node.func.value)
            callee = self._method(node.func.attr, receiver)
        arguments = [self.value(argument) for argument in node.args]
        named = {k.arg: self.value(k.value) for k in node.keywords}
        if callee is not None:
            first = [passed_on(receiver, 0)] if callee.bound and receiver else []
            if callee.bound and not first:
                first = [NOTHING]
            return self.call(callee, [*first, *arguments], named)
        if isinstance(node.func, ast.Attribute):
            return self._library_method(node, node.func.attr, receiver, arguments)
        return unknown(f"what `{ast.unparse(node.func)}` returns")

    def _callee(self, called: ast.expr) -> Callee | None:
        """Return the function that is called, unless a variable hides its name."""
        if isinstance(called, ast.Name) and called.id in self.names:
            return None
        return find_callee(self.program, self.function, called)

    def _method(self, name: str, receiver: Value) -> Callee | None:
        for atom in receiver:
            if isinstance(atom, Instance):
                key = (atom.path, f"{atom.name}.{name}")
                if key in self.program.functions:
                    return Callee(key, bound=True)
            if isinstance(atom, Entity):
                member = self.program.models.member(atom.model, name)
                if member is not None:
                    return Callee((member[0].path, f"{member[0].name}.{name}"), bound=True)
        return None

    def call(self, callee: Callee, arguments: list[Value], named: dict[str | None, Value]) -> Value:
        """Return what a function of the repository returns, told what it is given."""
        if callee.makes is not None:
            return frozenset({callee.makes})
        function = self.program.functions[callee.key]
        for name, value in zip(function.parameters(), arguments, strict=False):
            given = passed_on(value, self.conditions)
            self.knowledge.learn_parameter(callee.key, name, given)
        for name, value in named.items():
            if name is not None:
                given = passed_on(value, self.conditions)
                self.knowledge.learn_parameter(callee.key, name, given)
        if callee.key in self.knowledge.commits:
            self.knowledge.note_commit(self.function.key, in_loop=self.loops > 0)
        if callee.is_cached:
            return unknown("it comes from a cache")
        return self.knowledge.returns.get(callee.key, NOTHING)

    def _built_in(self, node: ast.Call, name: str) -> Value | None:
        match name, node.args:
            case "getattr", [subject, ast.Constant(value=str(attribute)), *_]:
                return self.attribute(node, attribute, self.value(subject))
            case "getattr", [subject, *_]:
                if self.value(subject):
                    self.obstacle(node, f"`{ast.unparse(node)}` reads an attribute by a name")
                return unknown(f"`{ast.unparse(node)}`")
            case (("map" | "filter"), [called, iterable]):
                return self._mapped(name, called, iterable)
            case _, [iterable, *_] if name in _SAME_ITEMS | _ONE_ITEM:
                value = self.value(iterable)
                self._key_function(node, value)
                one = {replace(a.item, single=True) for a in value if isinstance(a, Many)}
                return value if name in _SAME_ITEMS else frozenset(one)
            case _:
                return None

    def _key_function(self, node: ast.Call, value: Value) -> None:
        for keyword in node.keywords:
            if keyword.arg == "key":
                self._apply(keyword.value, value)

    def _mapped(self, name: str, called: ast.expr, iterable: ast.expr) -> Value:
        value = self.value(iterable)
        result = self._apply(called, value)
        return listed(result) if name == "map" else value

    def _apply(self, called: ast.expr, iterable: Value) -> Value:
        """Call a function for each item."""
        each: Value = frozenset(
            replace(a.item, bound_at=self.conditions) for a in iterable if isinstance(a, Many)
        )
        if isinstance(called, ast.Lambda):
            return self._lambda(called, each)
        callee = self._callee(called)
        if callee is not None:
            return self.call(callee, [each], {})
        return unknown(f"what `{ast.unparse(called)}` returns")

    def _library_method(
        self, node: ast.Call, name: str, receiver: Value, arguments: list[Value]
    ) -> Value:
        if arguments:
            from_session = on_session(name, arguments[0])
            if from_session is not None:
                return from_session
        found = NOTHING
        for atom in receiver:
            if isinstance(atom, Query):
                found |= on_query(self.knowledge, atom, node, name)
            elif isinstance(atom, Many | Rows):
                found |= on_list(atom, name)
        return found or unknown(f"what `{ast.unparse(node.func)}` returns")
