"""What a method of a statement, a session or a result makes of a query."""

from __future__ import annotations

import ast

from holdfast.actions.codefix.events import Knowledge
from holdfast.actions.codefix.values import (
    Atom,
    Entity,
    Many,
    Query,
    Row,
    Rows,
    Source,
    Value,
    unknown,
)

KEEPS_ENTITY = frozenset(
    {
        *("where", "filter", "filter_by", "order_by", "limit", "offset", "distinct", "slice"),
        *("group_by", "having", "join", "outerjoin", "with_for_update", "autoflush"),
        *("options", "execution_options", "populate_existing"),
    }
)
SINGLE = frozenset(
    {
        *("first", "one", "one_or_none", "get"),
        *("scalar", "scalar_one", "scalar_one_or_none"),
    }
)
_SAME_LIST = frozenset({"all", "unique", "fetchall", "copy"})
_LOADERS = frozenset({"joinedload", "selectinload", "subqueryload", "contains_eager"})
STREAMING = frozenset({"yield_per", "partitions", "stream", "stream_scalars"})


def on_query(knowledge: Knowledge, query: Query, call: ast.Call, method: str) -> Value:
    """Return what a method of a statement returns; its options and steps are noted."""
    source = query.source
    if method in KEEPS_ENTITY:
        steps = knowledge.steps.get(source, frozenset())
        knowledge.steps[source] = steps | {method}
        if method == "options":
            _note_options(knowledge, source, call)
        return frozenset({query})
    if method in STREAMING:
        knowledge.blocked[source] = f"its results are streamed (`{method}`)"
        return unknown(f"`{method}` streams results")
    item = Entity(source.model, source)
    if method == "all":
        return frozenset({Many(item)})
    if method in SINGLE:
        return frozenset({Entity(source.model, source, single=True)})
    if method.startswith(("union", "except", "intersect")):
        return unknown(f"queries are merged by `{method}`")
    return unknown(f"what `{method}` makes of the query")


def on_session(method: str, argument: Value) -> Value | None:
    """Return what a session's method makes of a statement; None where it is no such method."""
    queries = [atom for atom in argument if isinstance(atom, Query)]
    others: frozenset[Atom] = frozenset(a for a in argument if not isinstance(a, Query))
    made: set[Atom] = set()
    for query in queries:
        item = Entity(query.source.model, query.source)
        if method == "scalars":
            made.add(Many(item))
        elif method == "execute":
            made.add(Rows(item))
        elif method == "scalar":
            made.add(Entity(item.model, item.source, single=True))
        else:
            return unknown(f"what `{method}` makes of the query") if queries else None
    is_execution = method in {"scalars", "execute", "scalar"}
    return frozenset(made) | others if queries or (is_execution and others) else None


def on_list(atom: Many | Rows, method: str) -> Value:
    """Return what a method of a result or a list returns."""
    item = atom.item
    if method in _SAME_LIST:
        return frozenset({atom})
    if method in {"scalars", "mappings"} and isinstance(atom, Rows) and method == "scalars":
        return frozenset({Many(item)})
    if method in SINGLE | {"pop"}:
        alone = Entity(item.model, item.source, item.through, single=True)
        scalar = isinstance(atom, Many) or method.startswith("scalar")
        return frozenset({alone if scalar else Row(alone)})
    if method in STREAMING:
        return unknown(f"`{method}` streams results")
    return unknown(f"what `{method}` returns")


def _note_options(knowledge: Knowledge, source: Source, call: ast.Call) -> None:
    for argument in call.args:
        read = _loaded_paths(argument)
        if read is None:
            text = ast.unparse(argument)
            knowledge.blocked[source] = f"its option `{text}` cannot be read"
        else:
            known = knowledge.options.get(source, frozenset())
            knowledge.options[source] = known | read[0]


def _loaded_paths(
    option: ast.expr,
) -> tuple[frozenset[tuple[str, ...]], tuple[str, ...]] | None:
    """Return what a loader option loads eagerly and where it leads; None where it is not plain."""
    if not isinstance(option, ast.Call):
        return None
    found: frozenset[tuple[str, ...]] = frozenset()
    prefix: tuple[str, ...] = ()
    if isinstance(option.func, ast.Attribute) and isinstance(option.func.value, ast.Call):
        inner = _loaded_paths(option.func.value)
        if inner is None:
            return None
        found, prefix = inner
    name = option.func.attr if isinstance(option.func, ast.Attribute) else ""
    name = option.func.id if isinstance(option.func, ast.Name) else name
    if name in {"load_only", "defer", "undefer"}:
        return found, prefix
    if name not in _LOADERS | {"defaultload"} or not option.args:
        return None
    for argument in option.args:
        step = _attribute_names(argument)
        if step is None:
            return None
        for part in step:
            prefix = (*prefix, part)
            found |= {prefix} if name in _LOADERS else frozenset()
    return found, prefix


def _attribute_names(argument: ast.expr) -> tuple[str, ...] | None:
    if isinstance(argument, ast.Attribute) and isinstance(argument.value, ast.Name | ast.Attribute):
        return (argument.attr,)
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return tuple(argument.value.split("."))
    return None
