"""Cuts the piece of a unified diff that a code spot points at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_LINES = 40
_HUNK = re.compile(r"@@ -\d+(?:,(?P<old>\d+))? \+(?P<start>\d+)(?:,(?P<new>\d+))? @@")


@dataclass(frozen=True)
class Hunk:
    """One hunk: the file's two header lines, where it starts in the new file, and its lines."""

    header: tuple[str, ...]
    path: str
    start: int
    length: int
    lines: tuple[str, ...]


def hunk_around(diff: str, path: str, line: int) -> str:
    """Return the hunk of `path` that holds `line` of the new file, with its file's header.

    Empty where the diff has no such hunk. Cut to forty lines around the line.
    """
    for hunk in hunks(diff):
        if hunk.path == path and hunk.start <= line < hunk.start + max(1, hunk.length):
            return "\n".join([*hunk.header, *_cut(hunk, line)])
    return ""


def hunks(diff: str) -> Iterator[Hunk]:
    """Yield the hunks of a unified diff; their lengths are counted, as their headers say."""
    lines = diff.splitlines()
    header: tuple[str, ...] = ()
    at = 0
    while at < len(lines):
        found = _HUNK.match(lines[at])
        if found and header:
            end = _end(lines, at, int(found["old"] or 1), int(found["new"] or 1))
            start, length = int(found["start"]), int(found["new"] or 1)
            yield Hunk(header, _path(header), start, length, tuple(lines[at:end]))
            at = end
            continue
        if lines[at].startswith("+++ ") and at > 0:
            header = (lines[at - 1], lines[at])
        at += 1


def _end(lines: list[str], at: int, old: int, new: int) -> int:
    at += 1
    while at < len(lines) and (old > 0 or new > 0) and lines[at][:1] in ("", *" +-\\"):
        old -= not lines[at].startswith(("+", "\\"))
        new -= not lines[at].startswith(("-", "\\"))
        at += 1
    return at


def _path(header: tuple[str, ...]) -> str:
    named = header[1].removeprefix("+++ ").split("\t")[0].strip()
    return named.removeprefix("b/")


def _cut(hunk: Hunk, line: int) -> tuple[str, ...]:
    if len(hunk.lines) <= MOST_LINES:
        return hunk.lines
    index = _index_of(hunk, line)
    first = max(1, min(index - MOST_LINES // 2, len(hunk.lines) - MOST_LINES))
    return (hunk.lines[0], *hunk.lines[first : first + MOST_LINES])


def _index_of(hunk: Hunk, line: int) -> int:
    """Where in the hunk the line of the new file stands."""
    at = hunk.start
    for index, text in enumerate(hunk.lines[1:], start=1):
        if at == line and not text.startswith("-"):
            return index
        at += not text.startswith("-")
    return len(hunk.lines) - 1
