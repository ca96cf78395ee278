"""A database statement's template: what stays the same when its values change."""

from __future__ import annotations

import re
from functools import lru_cache

_COMMENT = re.compile(r"/\*[\s\S]*?\*/|--[^\n]*")
_STRING = re.compile(r"'(?:[^']|'')*'")
_PLACEHOLDER = re.compile(r"%\(\w+\)s|%s|\$\d+|(?<![:\w]):\w+|@\w+\b|\?\d+")
_NUMBER = re.compile(r"(?<![\w.])-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\b")
_SPACE = re.compile(r"\s+")
_LIST = re.compile(r"\(\s*\?(?:\s*,\s*\?)*\s*\)")
_ROWS = re.compile(r"\(\?\)(?:\s*,\s*\(\?\))+")


@lru_cache(maxsize=4096)
def template_of(statement: str) -> str:
    """Return the statement with values as `?`, lists of values and of rows as one, on one line.

    Quoted identifiers and names stay as they are, so two tables give two templates.
    """
    text = _COMMENT.sub(" ", statement)
    text = _STRING.sub("?", text)
    text = _PLACEHOLDER.sub("?", text)
    text = _NUMBER.sub("?", text)
    text = _SPACE.sub(" ", text).strip().rstrip(";").rstrip()
    return _ROWS.sub("(?)", _LIST.sub("(?)", text))
