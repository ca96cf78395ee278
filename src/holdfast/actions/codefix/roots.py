"""Where queries begin: `select(Model)`, `session.query(Model)`, `Model.query`, `session.get`."""

from __future__ import annotations

import ast

from holdfast.actions.codefix.program import Program
from holdfast.actions.codefix.values import Entity, Query, Source, Value, unknown


def query_root(program: Program, path: str, node: ast.expr) -> Value | None:
    """Return the query that an expression begins; None where it begins none."""
    match node:
        case ast.Call(func, [first, *rest]) if _is_begin(program, path, func):
            model = _model(program, path, first)
            if rest or model is None:
                return unknown(f"`{ast.unparse(node)}` is not of one model")
            return frozenset({Query(_source(program, path, node, model, first))})
        case ast.Attribute(base, "query"):
            model = _model(program, path, base)
            if model is not None:
                return frozenset({Query(_source(program, path, node, model, base))})
        case ast.Call(ast.Attribute(_, "get"), [first, _, *_]):
            model = _model(program, path, first)
            if model is not None:
                source = _source(program, path, node, model, first, by_key=True)
                return frozenset({Entity(model, source, single=True)})
        case ast.Call(ast.Name("text") | ast.Attribute(_, "text"), [_, *_]):
            return unknown("it is raw SQL")
        case _:
            pass
    return None


def _is_begin(program: Program, path: str, func: ast.expr) -> bool:
    match func:
        case ast.Name("select" as name):
            return program.is_library_name(path, name, "sqlalchemy")
        case ast.Attribute(ast.Name(name), "select"):
            return program.is_library_name(path, name, "sqlalchemy")
        case ast.Attribute(_, "query"):
            return True
        case _:
            return False


def _model(program: Program, path: str, node: ast.expr) -> str | None:
    """Return the model that an expression names, if exactly one class has that name."""
    match node:
        case ast.Name(name):
            place = program.names_of(path, name)
            name = place[1] if place else name
        case ast.Attribute(ast.Name(), name):
            pass
        case _:
            return None
    models = program.models
    return name if name in models.by_name and name not in models.ambiguous else None


def _source(
    program: Program,
    path: str,
    node: ast.expr,
    model: str,
    named: ast.expr,
    *,
    by_key: bool = False,
) -> Source:
    lines = program.modules[path].source.splitlines()
    end_line = node.end_lineno or node.lineno
    return Source(
        path,
        node.lineno,
        _characters(lines[node.lineno - 1], node.col_offset),
        end_line,
        _characters(lines[end_line - 1], node.end_col_offset or 0),
        _block_column(program.modules[path].tree, node),
        model,
        ast.unparse(named),
        by_key,
    )


def _characters(line: str, offset_bytes: int) -> int:
    return len(line.encode()[:offset_bytes].decode(errors="ignore"))


def _block_column(tree: ast.Module, node: ast.expr) -> int:
    """Return how far the statement around an expression is indented."""
    column = 0
    for each in ast.walk(tree):
        if isinstance(each, ast.stmt) and each.lineno <= node.lineno <= (each.end_lineno or 0):
            column = max(column, each.col_offset)
    return column
