"""Bytes escaped in strings: `"\\xff"` is one byte in Go, where the parser reads a character.

A byte that is no UTF-8 becomes a lone surrogate, as Python's `surrogateescape` has it, so that what
asks for a label name can tell it from a character.
"""

from __future__ import annotations

import re
from dataclasses import replace

from holdfast.errors import PromQLUnsupported
from holdfast.promql.tree import Aggregation, Binary, Call, Negation, Node, Subquery, Text

_HIGH_BYTE = re.compile(r"\\x[89a-fA-F][0-9a-fA-F]|\\[23][0-7]{2}")
_CODE_POINT = re.compile(r"\\[uU][0-9a-fA-F]{4}")


def with_bytes(node: Node, promql: str) -> Node:
    """Return the tree with the strings of function calls as Go reads them.

    Raises PromQLUnsupported where the text writes such bytes beside characters that are not ASCII.
    """
    if not _HIGH_BYTE.search(promql):
        return node
    if not promql.isascii() or _CODE_POINT.search(promql):
        raise PromQLUnsupported("escaped bytes beside other characters", hint="write characters")
    return _read(node)


def _read(node: Node) -> Node:
    match node:
        case Text(value):
            return Text(value.encode("latin-1").decode("utf-8", "surrogateescape"))
        case Call(_, args):
            return replace(node, args=tuple(map(_read, args)))
        case Aggregation(_, expr, param):
            return replace(node, expr=_read(expr), param=None if param is None else _read(param))
        case Binary(_, left, right):
            return replace(node, left=_read(left), right=_read(right))
        case Negation(expr) | Subquery(expr):
            return replace(node, expr=_read(expr))
        case _:
            return node
