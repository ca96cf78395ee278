"""Warnings kept: `<data folder>/warnings.jsonl`, one line where one began and one where it ended.

Lines are appended and flushed to disk before anything else is done with them. A line that a crash
cut off is left as it is, and told; nothing behind it is lost.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from holdfast.errors import LedgerError
from holdfast.model.base import Record, UtcTime, canonical_json
from holdfast.slo.rule_state import RuleWarning

FILE = "warnings.jsonl"


class WarningEntry(Record):
    """A warning began or ended at a time."""

    event: Literal["began", "ended"]
    at: UtcTime
    warning: RuleWarning


@dataclass(frozen=True)
class WarningLog:
    """What a file says. `problems` name the lines that cannot be read."""

    entries: tuple[WarningEntry, ...]
    problems: tuple[str, ...]

    @property
    def open(self) -> tuple[RuleWarning, ...]:
        """Warnings that began and did not end."""
        found: dict[str, RuleWarning] = {}
        for entry in self.entries:
            key = entry.warning.model_dump_json(include={"name", "source", "labels", "since"})
            if entry.event == "began":
                found[key] = entry.warning
            else:
                found.pop(key, None)
        return tuple(found.values())


def append(data_folder: Path, entries: Iterable[WarningEntry]) -> None:
    """Append entries and flush them to disk. Raises LedgerError where that cannot be done."""
    lines = b"".join(canonical_json(e.model_dump(mode="json")) + b"\n" for e in entries)
    if not lines:
        return
    path = data_folder / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            if file.tell() and _is_cut(file.fileno(), file.tell()):
                file.write(b"\n")
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise LedgerError(
            f"{path} cannot be written: {error.strerror}", hint="see that the disk has room"
        ) from error


def read(data_folder: Path) -> WarningLog:
    """Return what the file says; no file is an empty log. Raises LedgerError."""
    path = data_folder / FILE
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise LedgerError(
            f"{path} cannot be read: {error.strerror}", hint="it must be a file of Holdfast's"
        ) from error
    entries: list[WarningEntry] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(WarningEntry.model_validate_json(line))
        except ValidationError:
            problems.append(f"{path}: line {number} is no warning: it was cut off, or changed")
    return WarningLog(tuple(entries), tuple(problems))


def _is_cut(descriptor: int, size: int) -> bool:
    return os.pread(descriptor, 1, size - 1) != b"\n"
