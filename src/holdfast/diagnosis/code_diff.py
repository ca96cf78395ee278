"""A unified diff, read into the two sides of each file: lines with their numbers, in fragments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)")
_SYMBOL = re.compile(r"(?:def|class)\s+(\w+)")


@dataclass
class Fragment:
    """Consecutive lines of one side of a file. `symbol` = the definition it stands in, if told."""

    first_line: int
    symbol: str = ""
    lines: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


@dataclass
class FileChange:
    """One file of a diff; `added` = the numbers of the lines that only the new side has."""

    path: str
    old: list[Fragment] = field(default_factory=list[Fragment])
    new: list[Fragment] = field(default_factory=list[Fragment])
    added: set[int] = field(default_factory=set[int])

    def line(self, number: int) -> str:
        """Return a line of the new side, stripped; empty where the diff does not show it."""
        for fragment in self.new:
            index = number - fragment.first_line
            if 0 <= index < len(fragment.lines):
                return fragment.lines[index].strip()
        return ""


def parse_diff(text: str) -> list[FileChange]:
    """Return the files of a unified diff, in order. What is no diff is passed over."""
    files: list[FileChange] = []
    lines = text.splitlines()
    for start, end in _file_spans(lines):
        path = _path(lines[start:end])
        if path:
            files.append(_read_file(path, lines[start:end]))
    return files


def _file_spans(lines: list[str]) -> Iterator[tuple[int, int]]:
    starts = [i for i, line in enumerate(lines) if _begins_file(lines, i, line)]
    yield from zip(starts, [*starts, len(lines)][1:], strict=True)


def _begins_file(lines: list[str], i: int, line: str) -> bool:
    followed = i + 1 < len(lines) and lines[i + 1].startswith("+++ ")
    return line.startswith("--- ") and followed


def _path(lines: list[str]) -> str:
    for line in (lines[1], lines[0]):
        name = line[4:].split("\t")[0].strip()
        if name != "/dev/null":
            return re.sub(r"^[ab]/", "", name)
    return ""


def _read_file(path: str, lines: list[str]) -> FileChange:
    change = FileChange(path)
    new_number = 0
    for line in lines[2:]:
        hunk = _HUNK.match(line)
        if hunk:
            symbol = _SYMBOL.search(hunk[3])
            name = symbol[1] if symbol else ""
            change.old.append(Fragment(int(hunk[1]), name))
            change.new.append(Fragment(int(hunk[2]), name))
            new_number = int(hunk[2])
        elif change.new:
            new_number = _take(change, line, new_number)
    return change


def _take(change: FileChange, line: str, new_number: int) -> int:
    """Put one line where it belongs; return the number of the new side's next line."""
    mark, text = line[:1], line[1:]
    if mark in (" ", "", "-"):
        change.old[-1].lines.append(text)
    if mark in (" ", "", "+"):
        change.new[-1].lines.append(text)
        if mark == "+":
            change.added.add(new_number)
        return new_number + 1
    return new_number
