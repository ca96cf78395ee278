"""How eager loading is written: `selectinload(Customer.orders)`, and what must be imported."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from holdfast.actions.codefix.choose import Load, Path, Unsure
from holdfast.actions.codefix.models import Relationship
from holdfast.actions.codefix.program import Program
from holdfast.actions.codefix.values import Source

ORM = "sqlalchemy.orm"


@dataclass(frozen=True)
class Wanted:
    """What is to be written behind a query's beginning, with (module, name) of its imports."""

    source: Source
    options: tuple[str, ...]
    imports: frozenset[tuple[str, str]]
    sentence: str


def wanted(program: Program, load: Load) -> Wanted:
    """Return the options of a query. Raises Unsure where a name cannot be imported safely."""
    imports: set[tuple[str, str]] = set()
    options = tuple(_option(program, load, path, imports) for path in load.paths)
    _refuse_taken_names(program, load.source.path, imports)
    names = ", ".join(f"{load.source.model}.{'.'.join(path)}" for path in load.paths)
    sentence = (
        f"{load.source.path}: the query of {load.source.model} loads {names} with its items, "
        "instead of one statement for each item."
    )
    return Wanted(load.source, options, frozenset(imports), sentence)


def _option(program: Program, load: Load, path: Path, imports: set[tuple[str, str]]) -> str:
    model, owner = load.source.model, load.source.model_text
    written: list[str] = []
    for position, name in enumerate(path):
        relationship = program.models.relationship(model, name)
        if relationship is None:
            raise Unsure(f"{model} has no relationship {name}")
        loader = (
            "defaultload" if path[: position + 1] in load.known else _loader(relationship, load)
        )
        if not _has_star(program, load.source.path):
            imports.add((ORM, loader))
        written.append(f"{loader}({owner}.{name})")
        model = relationship.target
        if position + 1 < len(path):
            owner = _name_of_model(program, load.source, model, imports)
    return ".".join(written)


def _loader(relationship: Relationship, load: Load) -> str:
    """Return `joinedload` for one row that is always there, joined to a plain query."""
    one = relationship.many is False and relationship.required
    return "joinedload" if one and load.joins else "selectinload"


def _name_of_model(
    program: Program, source: Source, model: str, imports: set[tuple[str, str]]
) -> str:
    """Return how a further model is written in the query's file, importing it if need be."""
    module = program.modules[source.path]
    if program.models.by_name[model].path == source.path:
        return model
    if "." in source.model_text:
        prefix = source.model_text.rsplit(".", 1)[0]
        same_file = program.models.by_name[source.model].path == program.models.by_name[model].path
        if same_file:
            return f"{prefix}.{model}"
    at_top = _top_imports(module.tree)
    if model in at_top:
        return model
    origin = at_top.get(source.model_text)
    same = program.models.by_name[source.model].path == program.models.by_name[model].path
    if origin is None or not same or model in module.classes:
        raise Unsure(f"{source.path}: {model} cannot be imported safely")
    imports.add((origin, model))
    return model


def _top_imports(tree: ast.Module) -> dict[str, str]:
    """Return name → module (with its leading dots) of what the file imports at its top."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.asname is None:
                    found[alias.name] = "." * node.level + (node.module or "")
    return found


def _has_star(program: Program, path: str) -> bool:
    return program.modules[path].imports.get("*", ("", ""))[0] == ORM


def _refuse_taken_names(program: Program, path: str, imports: set[tuple[str, str]]) -> None:
    module = program.modules[path]
    for origin, name in imports:
        known = module.imports.get(name)
        defined = (path, name) in program.functions or name in module.classes
        if origin == ORM and (defined or (known is not None and known[0] != ORM)):
            raise Unsure(f"{path}: the name {name} is taken")
