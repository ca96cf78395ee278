"""Finds declarative SQLAlchemy models and their relationships, in 1.x and in 2.x style."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Lazy = Literal["lazy", "eager", "other"]
"""`lazy` = loaded when it is read; `eager` = with its parent; `other` = dynamic and the like."""

_COLLECTIONS = frozenset({"list", "List", "set", "Set", "Sequence", "Collection"})
_NOT_LISTS = frozenset({"DynamicMapped", "WriteOnlyMapped"})
_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Relationship:
    """`many` is None where the direction could not be found out; `required` = never empty."""

    name: str
    target: str
    many: bool | None
    lazy: Lazy
    required: bool = False


@dataclass
class Model:
    """A mapped class: where it stands, its relationships, and the tables its columns refer to."""

    name: str
    path: str
    node: ast.ClassDef
    table: str = ""
    bases: tuple[str, ...] = ()
    refers_to: set[str] = field(default_factory=set[str])
    relationships: dict[str, Relationship] = field(default_factory=dict[str, Relationship])


@dataclass(frozen=True)
class Models:
    """All models by class name. `ambiguous` names stand for more than one class."""

    by_name: Mapping[str, Model]
    ambiguous: frozenset[str]

    def relationship(self, model: str, name: str) -> Relationship | None:
        """Return a relationship of a model or of the classes that it derives from."""
        for each in self._lineage(model):
            if name in each.relationships:
                return each.relationships[name]
        return None

    def names_of_relationships(self) -> frozenset[str]:
        """Return every attribute name that is a relationship somewhere."""
        return frozenset(name for model in self.by_name.values() for name in model.relationships)

    def member(self, model: str, name: str) -> tuple[Model, ast.FunctionDef] | None:
        """Return a method or property of a model, and the class that defines it."""
        for each in self._lineage(model):
            for node in each.node.body:
                if isinstance(node, ast.FunctionDef) and node.name == name:
                    return each, node
        return None

    def _lineage(self, name: str) -> Iterator[Model]:
        waiting, seen = [name], set[str]()
        while waiting:
            current = waiting.pop(0)
            if current in seen or current not in self.by_name:
                continue
            seen.add(current)
            yield self.by_name[current]
            waiting.extend(self.by_name[current].bases)


def find_models(trees: Mapping[str, ast.Module]) -> Models:
    """Return the models of these modules (path → tree)."""
    found: dict[str, Model] = {}
    ambiguous: set[str] = set()
    for path, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                model = _read_class(path, node)
                if node.name in found:
                    ambiguous.add(node.name)
                found[node.name] = model
    models = {name: model for name, model in found.items() if _is_mapped(model, found)}
    _add_backrefs(models)
    for model in models.values():
        for name, relationship in model.relationships.items():
            if relationship.many is None:
                model.relationships[name] = _directed(model, relationship, models)
    return Models(models, frozenset(ambiguous & models.keys()))


def _is_mapped(model: Model, found: Mapping[str, Model]) -> bool:
    if model.table or model.relationships:
        return True
    return any(base in found and _is_mapped(found[base], found) for base in model.bases)


def _read_class(path: str, node: ast.ClassDef) -> Model:
    bases = tuple(_last_name(base) for base in node.bases if _last_name(base) != node.name)
    model = Model(node.name, path, node, bases=bases)
    for name, annotation, value in _attributes(node):
        if name == "__tablename__" and isinstance(value, ast.Constant):
            model.table = str(value.value)
        model.refers_to |= _foreign_tables(value)
        relationship = _read_relationship(name, annotation, value)
        if relationship is not None:
            model.relationships[name] = relationship
    return model


def _attributes(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr | None, ast.expr | None]]:
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            yield each.target.id, each.annotation, each.value
        elif isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
            yield each.targets[0].id, None, each.value


def _read_relationship(
    name: str, annotation: ast.expr | None, value: ast.expr | None
) -> Relationship | None:
    if not (isinstance(value, ast.Call) and _last_name(value.func) in {"relationship", "relation"}):
        return None
    wrapper, target, many, required = _read_annotation(annotation)
    argument = value.args[0] if value.args else _keyword(value, "argument")
    target = _target_name(argument) or target
    uselist = _keyword(value, "uselist")
    if isinstance(uselist, ast.Constant):
        many = bool(uselist.value)
    elif many is None and _keyword(value, "secondary") is not None:
        many = True
    elif many is None and _keyword(value, "remote_side") is not None:
        many = False
    lazy = "other" if wrapper in _NOT_LISTS else _laziness(_keyword(value, "lazy"))
    return Relationship(name, target, many, lazy, required)


def _read_annotation(annotation: ast.expr | None) -> tuple[str, str, bool | None, bool]:
    """Return the wrapper (`Mapped`), the target class, whether many, whether required."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = _parsed(annotation.value)
    if not isinstance(annotation, ast.Subscript):
        return "", "", None, False
    wrapper = _last_name(annotation.value)
    inside = annotation.slice
    if isinstance(inside, ast.Constant) and isinstance(inside.value, str):
        inside = _parsed(inside.value) or inside
    names = _NAME.findall(ast.unparse(inside))
    many = bool(_COLLECTIONS & set(names))
    optional = bool({"Optional", "None"} & set(names))
    rest = [n for n in names if n not in _COLLECTIONS | {"Optional", "None", "Union", "typing"}]
    target = rest[-1] if rest else ""
    return wrapper, target, many, not many and not optional


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return None


def _laziness(lazy: ast.expr | None) -> Lazy:
    if lazy is None:
        return "lazy"
    if not isinstance(lazy, ast.Constant):
        return "other"
    if lazy.value in ("select", True):
        return "lazy"
    return "eager" if lazy.value in ("joined", "selectin", "subquery", False) else "other"


def _target_name(argument: ast.expr | None) -> str:
    if isinstance(argument, ast.Lambda):
        argument = argument.body
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value.rsplit(".", 1)[-1]
    return _last_name(argument)


def _foreign_tables(value: ast.expr | None) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(value) if value is not None else ():
        if isinstance(node, ast.Call) and _last_name(node.func) == "ForeignKey" and node.args:
            first = node.args[0]
            text = str(first.value) if isinstance(first, ast.Constant) else ast.unparse(first)
            found.add(text.rsplit(".", 1)[0])
    return found


def _add_backrefs(models: Mapping[str, Model]) -> None:
    for model in models.values():
        for _, _, value in _attributes(model.node):
            if isinstance(value, ast.Call) and _last_name(value.func) == "relationship":
                _add_backref(model, value, models)


def _add_backref(model: Model, call: ast.Call, models: Mapping[str, Model]) -> None:
    backref = _keyword(call, "backref")
    target = models.get(_target_name(call.args[0] if call.args else None))
    if backref is None or target is None:
        return
    lazy: Lazy = "lazy"
    uselist: ast.expr | None = None
    if isinstance(backref, ast.Call) and backref.args:
        lazy = _laziness(_keyword(backref, "lazy"))
        uselist = _keyword(backref, "uselist")
        backref = backref.args[0]
    if not (isinstance(backref, ast.Constant) and isinstance(backref.value, str)):
        return
    many = True if _keyword(call, "secondary") is not None else None
    if isinstance(uselist, ast.Constant):
        many = bool(uselist.value)
    name = backref.value
    target.relationships.setdefault(name, Relationship(name, model.name, many, lazy))


def _directed(
    model: Model, relationship: Relationship, models: Mapping[str, Model]
) -> Relationship:
    """Return the relationship with its direction, as far as the foreign keys tell it."""
    target = models.get(relationship.target)
    if target is None:
        return relationship
    to_target = bool({target.table, target.name} & model.refers_to)
    from_target = bool({model.table, model.name} & target.refers_to)
    if to_target == from_target:
        return relationship
    return replace(relationship, many=from_target)


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == name), None)


def _last_name(node: ast.expr | None) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return ""
