"""The fix of an N+1 in SQLAlchemy: the query loads what a loop over its items reads."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from holdfast.actions.codefix.choose import Load, Unsure, choose
from holdfast.actions.codefix.follow import follow
from holdfast.actions.codefix.loaders import Wanted, wanted
from holdfast.actions.codefix.program import read_program
from holdfast.actions.codefix.records import ChangedFile, CodeFix, Refusal
from holdfast.model.hypothesis import CodeSpot


def load_eagerly(files: Mapping[str, str], spots: Sequence[CodeSpot]) -> CodeFix | Refusal:
    """Return the files changed so that the relationships read at `spots` are loaded eagerly.

    `files` are the repository's Python files at the bad version (path → source); those of tests
    are left out of account. A fix was checked once more by following its own code: what it was
    to load is then known to be loaded. Everything that could not be followed is a Refusal.
    """
    sources = {path: text for path, text in files.items() if not _is_test(path)}
    try:
        loads = _loads(sources, spots)
        if isinstance(loads, Refusal):
            return loads
        fix = _apply(sources, loads)
        _check(sources, fix, spots)
    except SyntaxError as error:
        return Refusal(f"{error.filename}:{error.lineno} cannot be parsed: {error.msg}")
    except (Unsure, LookupError) as unsure:
        return Refusal(str(unsure))
    except (ValueError, RecursionError) as error:
        return Refusal(f"the code cannot be followed: {error}")
    return fix


def _loads(sources: Mapping[str, str], spots: Sequence[CodeSpot]) -> tuple[Load, ...] | Refusal:
    program = read_program(sources)
    return choose(program, follow(program), spots)


def _apply(sources: Mapping[str, str], loads: Sequence[Load]) -> CodeFix:
    from holdfast.actions.codefix.edit import edit  # libcst takes a while to import

    program = read_program(sources)
    changes: dict[str, list[Wanted]] = {}
    for load in loads:
        changes.setdefault(load.source.path, []).append(wanted(program, load))
    changed = [
        ChangedFile(path, edit(sources[path], each), tuple(w.sentence for w in each))
        for path, each in changes.items()
    ]
    remarks = tuple(remark for load in loads for remark in load.remarks)
    return CodeFix(tuple(changed), remarks)


def _check(sources: Mapping[str, str], fix: CodeFix, spots: Sequence[CodeSpot]) -> None:
    """Follow the changed code, and raise Unsure unless nothing is left to load."""
    after = {**sources, **{file.path: file.content for file in fix.files}}
    moved = [_moved(sources, after, spot) for spot in spots]
    left = _loads(after, moved)
    if not isinstance(left, Refusal) or "already loaded eagerly" not in left.reason:
        raise Unsure("the changed code could not be shown to load what is read")


def _moved(before: Mapping[str, str], after: Mapping[str, str], spot: CodeSpot) -> CodeSpot:
    """Return the place in the changed file: lines are only added, above or inside statements."""
    if before[spot.path] == after[spot.path]:
        return spot
    function = read_program({spot.path: before[spot.path]}).enclosing(spot.path, spot.line)
    name = function.key[1] if function else ""
    same = read_program({spot.path: after[spot.path]}).functions.get((spot.path, name))
    node = same.node if same else None
    line = 1 if node is None or isinstance(node, ast.Module) else node.lineno
    return spot.model_copy(update={"line": line})


def _is_test(path: str) -> bool:
    pure = PurePosixPath(path)
    inside = {"tests", "test"} & set(pure.parts[:-1])
    return bool(inside) or pure.name.startswith("test_") or pure.name == "conftest.py"
