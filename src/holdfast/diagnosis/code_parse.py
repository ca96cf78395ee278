"""Python fragments, read as syntax trees even where they are cut off or broken.

A diff shows pieces: the body of a function without its head, half a call. What parses is kept with
its nesting; what does not is passed over, line by line.
"""

from __future__ import annotations

import ast
import re
import threading
import warnings

_CLOSERS = re.compile(r"\s*([)\]}]|else\b|elif\b|except\b|finally\b|case\b)")
_DEEPEST = 60
_TRIES = 5
_ONE_AT_A_TIME = threading.Lock()
_BLOCKS = (
    *(ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith),
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
)


def parse_fragment(lines: list[str], first_line: int) -> list[ast.stmt]:
    """Return the statements of consecutive lines; their `lineno` counts from `first_line`."""
    return _parse(lines, first_line, _DEEPEST)


def _parse(lines: list[str], first_line: int, depth: int) -> list[ast.stmt]:
    if depth == 0 or not any(line.strip() for line in lines):
        return []
    whole = _try(lines, first_line)
    if whole is not None:
        return whole
    chunks = _chunks(lines)
    if len(chunks) > 1:
        return [
            statement
            for start, end in chunks
            for statement in _parse(lines[start:end], first_line + start, depth - 1)
        ]
    return _parse_block(lines, first_line, depth)


def _parse_block(lines: list[str], first_line: int, depth: int) -> list[ast.stmt]:
    """One statement that does not parse: keep its head if that parses, and what does of its body.

    So a broken line in a loop's body does not hide that the rest stands in a loop.
    """
    head = next(i for i, line in enumerate(lines) if line.strip())
    body = _parse(lines[head + 1 :], first_line + head + 1, depth - 1)
    if not lines[head].rstrip().endswith(":"):
        return body
    indent = " " * (_indent(lines[head]) + 1)
    found = _try([*lines[: head + 1], f"{indent}pass"], first_line)
    if not found or not body:
        return body
    block = found[-1]
    if isinstance(block, _BLOCKS):
        block.body = body
        return [block]
    return body


def _try(lines: list[str], first_line: int) -> list[ast.stmt] | None:
    heads = _scaffold(lines)
    try:
        tree = _tree("\n".join([*heads, *lines]))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    ast.increment_lineno(tree, first_line - 1 - len(heads))
    return _unwrap(tree.body, len(heads))


def _tree(source: str) -> ast.Module:
    """Parse, one thread at a time.

    CPython 3.11 keeps the depth of the tree under construction in one place for all threads, and
    raises SystemError where another thread parses meanwhile (python/cpython#106905): not the
    source's fault, so it is parsed again.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the code under study may warn: it is not ours
        for _ in range(_TRIES):
            try:
                return ast.parse(source)
            except SystemError:
                continue
        return ast.parse(source)


def _scaffold(lines: list[str]) -> list[str]:
    """Return block heads for a fragment that begins inside blocks and later leaves them."""
    heads: dict[int, str] = {}
    lowest = None
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        indent = _indent(line)
        if lowest is None:
            lowest = indent
            if indent:
                heads[0] = "if True:"
        elif indent < lowest:
            lowest = indent
            opener = "try:" if re.match(r"\s*(except|finally)\b", line) else "if True:"
            heads[indent] = " " * indent + opener
    return [heads[indent] for indent in sorted(heads)]


def _unwrap(body: list[ast.stmt], heads: int) -> list[ast.stmt]:
    """Take statements out of the scaffold's blocks again."""
    if heads == 0 or not body or not isinstance(body[0], (ast.If, ast.Try)):
        return body
    first = body[0]
    inside = [*_unwrap(first.body, heads - 1), *first.orelse]
    if isinstance(first, ast.Try):
        inside += [s for handler in first.handlers for s in handler.body]
        inside += first.finalbody
    return [*inside, *body[1:]]


def _chunks(lines: list[str]) -> list[tuple[int, int]]:
    """Split at the lines of the lowest indentation; closing lines stay with what they close."""
    lowest = min(_indent(line) for line in lines if line.strip())
    starts = [
        i
        for i, line in enumerate(lines)
        if line.strip() and _indent(line) == lowest and not _CLOSERS.match(line)
    ]
    if not starts or any(line.strip() for line in lines[: starts[0]]):
        starts.insert(0, 0)
    return list(zip(starts, [*starts[1:], len(lines)], strict=True))


def _indent(line: str) -> int:
    expanded = line.expandtabs(8)
    return len(expanded) - len(expanded.lstrip())
