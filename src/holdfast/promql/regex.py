"""RE2 patterns, as Go and so Prometheus write them, in Python's `re`.

Python's engine has another dialect: flags in the middle of a group, `\\z`, `\\Q..\\E`, POSIX
classes and ASCII-only `\\d \\w \\s` are translated here; look-around and back-references, which
RE2 does not have, and Unicode classes, which Python does not have, are refused by name.
"""

from __future__ import annotations

import re
from functools import lru_cache

from holdfast.errors import PromQLError, PromQLUnsupported

_ASCII_CLASS = {"d": "0-9", "w": "0-9A-Za-z_", "s": "\\t\\n\\f\\r "}
_POSIX_CLASS = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "space": "\\t\\n\\v\\f\\r ",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
    "punct": "!-/:-@\\[-`{-~",
}
_FLAGS = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_TEMPLATE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))", re.ASCII)


@lru_cache(maxsize=1024)
def compile_anchored(pattern: str) -> re.Pattern[str]:
    """Return the compiled pattern, to be used with `fullmatch`; `.` matches newlines.

    Raises PromQLError if it is no RE2 pattern, PromQLUnsupported if it cannot be translated.
    """
    try:
        return re.compile(_Translation(pattern).text(), re.DOTALL)
    except re.error as error:
        raise PromQLError(f"invalid regular expression {pattern!r}: {error}") from error


def expand(template: str, match: re.Match[str]) -> str:
    """Return the template with `$1`, `${name}` and `$$` replaced, as Go's `Expand` does."""

    def group(found: re.Match[str]) -> str:
        if found[1]:
            return "$"
        name = found[2] or found[3]
        key: int | str = int(name) if name.isdigit() else name
        known = key <= match.re.groups if isinstance(key, int) else key in match.re.groupindex
        return (match[key] or "") if known else ""

    return _TEMPLATE.sub(group, template)


class _Translation:
    """One pass over a pattern; flags that open mid-group close where their group closes."""

    def __init__(self, pattern: str) -> None:
        self._rest = pattern
        self._pattern = pattern
        self._open_flags: list[int] = [0]

    def text(self) -> str:
        parts: list[str] = []
        while self._rest:
            parts.append(self._next())
        return "".join(parts) + ")" * self._open_flags[0]

    def _take(self, count: int) -> str:
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def _next(self) -> str:
        if self._rest[0] == "\\":
            return self._escape(in_class=False)
        if self._rest[0] == "[":
            return self._class()
        if self._rest[0] == "(":
            return self._group()
        if self._rest[0] == ")":
            self._take(1)
            flags = self._open_flags.pop() if len(self._open_flags) > 1 else 0
            return ")" * (flags + 1)
        if self._rest[0] == "$":
            self._take(1)
            return "\\Z"
        return self._take(1)

    def _group(self) -> str:
        flags = _FLAGS.match(self._rest)
        if flags is None:
            return self._capture()
        self._take(flags.end())
        on, off, end = flags[1], flags[2] or "", flags[3]
        if "U" in on + off or "m" in on + off:
            raise self._refusal("the flags U and m")
        if end == ":":
            self._open_flags.append(0)
        else:
            self._open_flags[-1] += 1
        return f"(?{on}{'-' + off if off else ''}:"

    def _capture(self) -> str:
        self._open_flags.append(0)
        if not self._rest.startswith("(?"):
            return self._take(1)
        named = re.match(r"\(\?P?<(\w+)>", self._rest)
        if named is None:
            raise PromQLError(f"invalid regular expression {self._pattern!r}: unknown group")
        self._take(named.end())
        return f"(?P<{named[1]}>"

    def _class(self) -> str:
        out = self._take(2 if self._rest.startswith("[^") else 1)
        if self._rest.startswith("]"):
            out += "\\" + self._take(1)
        while self._rest and self._rest[0] != "]":
            out += self._class_item()
        return out + self._take(1)

    def _class_item(self) -> str:
        posix = re.match(r"\[:(\^?)(\w+):\]", self._rest)
        if posix is not None:
            if posix[1] or posix[2] not in _POSIX_CLASS:
                raise self._refusal(f"the class {posix[0]}")
            self._take(posix.end())
            return _POSIX_CLASS[posix[2]]
        if self._rest[0] == "\\":
            return self._escape(in_class=True)
        item = self._take(1)
        return "\\" + item if item in "[&~|" else item

    def _escape(self, *, in_class: bool) -> str:
        taken = self._take(2)
        letter = taken[1:]
        if letter == "Q":
            literal, _, self._rest = self._rest.partition("\\E")
            return re.escape(literal)
        if letter in _ASCII_CLASS:
            return _ASCII_CLASS[letter] if in_class else f"[{_ASCII_CLASS[letter]}]"
        if letter.lower() in _ASCII_CLASS and not in_class:
            return f"[^{_ASCII_CLASS[letter.lower()]}]"
        if letter == "z" and not in_class:
            return "\\Z"
        if letter and letter in "pPCDWSbB":
            raise self._refusal(taken)
        if letter.isdigit() and letter != "0":
            raise PromQLError(f"invalid regular expression {self._pattern!r}: {taken}")
        return self._hex() if letter == "x" else taken

    def _hex(self) -> str:
        code = re.match(r"\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2})", self._rest)
        if code is None:
            raise PromQLError(f"invalid regular expression {self._pattern!r}: \\x")
        self._take(code.end())
        return re.escape(chr(int(code[1] or code[2], 16)))

    def _refusal(self, what: str) -> PromQLUnsupported:
        return PromQLUnsupported(
            f"regular expression {self._pattern!r}: {what} not evaluated here",
            hint="write the characters out",
        )
