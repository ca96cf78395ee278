"""Decides which relationships of which query are to be loaded eagerly, or that it is not sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.actions.codefix.events import Knowledge, Read
from holdfast.actions.codefix.program import FunctionKey, Program
from holdfast.actions.codefix.records import Refusal
from holdfast.actions.codefix.values import Source
from holdfast.model.hypothesis import CodeSpot

Path = tuple[str, ...]
_JOINS_WELL = frozenset({"where", "filter", "filter_by", "order_by", "options"})


@dataclass(frozen=True)
class Load:
    """Relationships of a query to load eagerly; a path that begins with others implies them.

    `known` = what the query loads already; `remarks` = what is left as it is, and why.
    """

    source: Source
    paths: tuple[Path, ...]
    known: frozenset[Path]
    joins: bool
    remarks: tuple[str, ...] = ()


class Unsure(Exception):
    """Ends the decision with a reason."""


def choose(
    program: Program, knowledge: Knowledge, spots: Sequence[CodeSpot]
) -> tuple[Load, ...] | Refusal:
    """Return what to load for these places, or why nothing is."""
    try:
        functions = [_function(program, spot) for spot in spots]
        if not functions:
            return Refusal("no place in the code is given")
        _refuse_obstacles(knowledge, functions)
        sources = _sources(knowledge, functions)
        return tuple(_load(program, knowledge, source, functions) for source in sources)
    except Unsure as unsure:
        return Refusal(str(unsure))


def _function(program: Program, spot: CodeSpot) -> FunctionKey:
    function = program.enclosing(spot.path, spot.line)
    if function is None:
        raise Unsure(f"{spot.path} is not among the files")
    return function.key


def _refuse_obstacles(knowledge: Knowledge, functions: Sequence[FunctionKey]) -> None:
    reached = _reached(knowledge, functions)
    found = [o for o in knowledge.obstacles if o.function in reached]
    if found:
        first = min(found, key=lambda o: (o.function, o.line, o.why))
        raise Unsure(f"{first.function[0]}:{first.line}: {first.why}")


def _reached(knowledge: Knowledge, functions: Sequence[FunctionKey]) -> set[FunctionKey]:
    """Return the functions that touch items of the queries that these functions touch."""
    sources = _touched(knowledge, functions)
    others = {read.function for read in knowledge.reads if read.item.source in sources}
    return {*functions, *others}


def _touched(knowledge: Knowledge, functions: Sequence[FunctionKey]) -> set[Source]:
    reads = {r.item.source for r in knowledge.reads if r.function in functions}
    return reads | {loop.source for loop in knowledge.loops if loop.function in functions}


def _sources(knowledge: Knowledge, functions: Sequence[FunctionKey]) -> list[Source]:
    """Return the queries whose items have relationships read one by one."""
    touched = _touched(knowledge, functions)
    reads = [r for r in knowledge.reads if r.item.source in touched and not r.item.single]
    if not reads:
        raise Unsure("no relationship is seen being read on the items of a query")
    places: dict[tuple[FunctionKey, int, int], set[Source]] = {}
    for read in reads:
        places.setdefault((read.function, read.line, read.column), set()).add(read.item.source)
    for (function, line, _), sources in places.items():
        if len(sources) > 1:
            raise Unsure(f"{function[0]}:{line}: the items come from more than one query")
    return sorted({r.item.source for r in reads}, key=lambda s: (s.path, s.line, s.column))


def _load(
    program: Program, knowledge: Knowledge, source: Source, functions: Sequence[FunctionKey]
) -> Load:
    where = f"{source.path}:{source.line}"
    reads = [r for r in knowledge.reads if r.item.source == source and not r.item.single]
    if source.by_key:
        raise Unsure(f"{where}: the items hang on one that is fetched by its key, without a query")
    if source in knowledge.blocked:
        raise Unsure(f"{where}: {knowledge.blocked[source]}")
    if any(read.function in knowledge.expiring for read in reads):
        raise Unsure(f"{where}: the loop commits or expires, which drops what was loaded")
    known = knowledge.options.get(source, frozenset())
    lazy = [read for read in reads if _is_lazy(program, read, known)]
    if not lazy:
        raise Unsure(f"{where}: what is read is already loaded eagerly")
    certain = {read.through for read in lazy if not read.conditional}
    doubtful = sorted({read.through for read in lazy} - certain)
    for read in lazy:
        if read.through in doubtful and read.function in functions:
            raise Unsure(f"{read.function[0]}:{read.line}: `{read.relationship}` is read under a "
                         "condition, perhaps for few items")  # fmt: skip
    if not certain:
        raise Unsure(f"{where}: relationships are read only under conditions")
    remarks = tuple(f"{'.'.join(path)} is read only under a condition: left" for path in doubtful)
    joins = knowledge.steps.get(source, frozenset()) <= _JOINS_WELL
    return Load(source, _leaves(certain), known, joins, remarks)


def _is_lazy(program: Program, read: Read, known: frozenset[Path]) -> bool:
    relationship = program.models.relationship(read.item.model, read.relationship)
    where = f"{read.function[0]}:{read.line}"
    if relationship is None or relationship.lazy == "other":
        raise Unsure(
            f"{where}: `{read.relationship}` is a dynamic or write-only relationship, or one "
            "whose loading cannot be read"
        )
    if relationship.many is None:
        raise Unsure(f"{where}: the direction of `{read.relationship}` cannot be found out")
    return relationship.lazy == "lazy" and read.through not in known


def _leaves(paths: set[Path]) -> tuple[Path, ...]:
    """Return the paths that no longer path begins with."""
    longer = {path[:n] for path in paths for n in range(1, len(path))}
    return tuple(sorted(paths - longer))
