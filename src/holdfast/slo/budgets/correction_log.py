"""Corrections in a file that is only appended to: JSON lines in a hash chain, and its head beside.

Each line holds the hash of the one before, so that one that was changed, removed or reordered is
noticed; the head (`<file>.head`: how many, and the last hash) notices the last ones' removal.
A line that was written when the head was not (a crash between) is kept: it follows the head.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from holdfast.errors import ChainBroken, InputError, NotFound
from holdfast.ledger.chain import GENESIS
from holdfast.model.base import Record, content_hash, has_hash
from holdfast.model.budget import Correction
from holdfast.slo.budgets.recurrence import check_recurrence

FILE = "corrections.jsonl"


class LoggedCorrection(Record):
    """One line of the file."""

    correction: Correction
    correction_hash: str
    previous_hash: str
    hash: str


class LogHead(Record):
    """What the file must at least hold."""

    count: int
    hash: str


def append_correction(path: Path, correction: Correction) -> LoggedCorrection:
    """Append and sync one correction; the folder is made where it is missing.

    Raises ChainBroken where the file was tampered with, InputError for a recurrence that cannot
    be used and for an id that is taken, NotFound where it withdraws what is not there.
    """
    check_recurrence(correction)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        known = read_log(path)
        _check_new(correction, [line.correction for line in known])
        line = _line(correction, known[-1].hash if known else GENESIS)
        _append(path, line.model_dump_json())
        _write_head(path, LogHead(count=len(known) + 1, hash=line.hash))
    return line


def read_corrections(path: Path) -> tuple[Correction, ...]:
    """Return the corrections in force. No file = none. Raises ChainBroken, InputError."""
    return in_force([line.correction for line in read_log(path)])


def in_force(corrections: Sequence[Correction]) -> tuple[Correction, ...]:
    """Return those that no later entry has withdrawn."""
    gone = {each.withdraws for each in corrections if each.withdraws}
    return tuple(each for each in corrections if each.id not in gone and not each.withdraws)


def withdrawal(of: Correction, *, id: str, reason: str, author: str, at: datetime) -> Correction:
    """Return the entry that takes a correction back."""
    return of.model_copy(
        update={
            "id": id,
            "withdraws": of.id,
            "reason": reason,
            "author": author,
            "created_at": at,
        }
    )


def read_log(path: Path) -> tuple[LoggedCorrection, ...]:
    """Return all lines, checked. Raises ChainBroken naming the first line that is not whole."""
    head = _read_head(path)
    if not path.exists():
        if head is not None:
            raise ChainBroken(
                f"{path} is gone, and {head.count} corrections with it", hint="restore the file"
            )
        return ()
    lines = tuple(_parse(path, number, text) for number, text in _texts(path))
    _check_chain(path, lines)
    _check_head(path, lines, head)
    return lines


# ---- the chain ---------------------------------------------------------------------------------


def _line(correction: Correction, previous: str) -> LoggedCorrection:
    own = content_hash(correction)
    return LoggedCorrection(
        correction=correction,
        correction_hash=own,
        previous_hash=previous,
        hash=content_hash({"correction_hash": own, "previous_hash": previous}),
    )


def _check_chain(path: Path, lines: Sequence[LoggedCorrection]) -> None:
    previous = GENESIS
    for number, line in enumerate(lines, start=1):
        where = f"{path}, line {number} ({line.correction.id})"
        if line.previous_hash != previous:
            raise ChainBroken(f"{where}: a line before it was removed, added or moved")
        chained = {"correction_hash": line.correction_hash, "previous_hash": previous}
        if not has_hash(line.correction, line.correction_hash) or line.hash != content_hash(
            chained
        ):
            raise ChainBroken(f"{where}: it was changed", hint="restore the file")
        previous = line.hash


def _check_head(path: Path, lines: Sequence[LoggedCorrection], head: LogHead | None) -> None:
    if head is None:
        if len(lines) > 1:  # with one line, its head may not have been written yet
            raise ChainBroken(f"{_head_path(path)} is gone", hint="restore it beside the file")
        return
    if len(lines) < head.count:
        raise ChainBroken(
            f"{path} has {len(lines)} of {head.count} corrections: the last were removed",
            hint="restore the file",
        )
    if head.count and lines[head.count - 1].hash != head.hash:
        raise ChainBroken(f"{path} is not the file that {_head_path(path)} belongs to")


def _check_new(correction: Correction, known: Sequence[Correction]) -> None:
    if correction.id in {each.id for each in known}:
        raise InputError(f"{correction.id} is in the file already")
    if correction.withdraws and correction.withdraws not in {each.id for each in in_force(known)}:
        raise NotFound(f"{correction.withdraws} is no correction in force")


# ---- files -------------------------------------------------------------------------------------


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """All ended lines: one that a crash tore has no end, and nobody was told that it is in."""
    *ended, _ = path.read_text(encoding="utf-8").split("\n")
    yield from enumerate(ended, start=1)


def _parse(path: Path, number: int, text: str) -> LoggedCorrection:
    try:
        return LoggedCorrection.model_validate_json(text)
    except ValidationError as error:
        raise ChainBroken(
            f"{path}, line {number}: it is no correction: {error.errors()[0]['msg']}",
            hint="restore the file; corrections are only added by `holdfast slo correct`",
        ) from error


def _head_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.head")


def _read_head(path: Path) -> LogHead | None:
    head = _head_path(path)
    if not head.exists():
        return None
    try:
        return LogHead.model_validate_json(head.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise ChainBroken(f"{head}: it cannot be read as a head", hint="restore it") from error


def _write_head(path: Path, head: LogHead) -> None:
    beside = path.with_name(f".{path.name}.head.{os.getpid()}.new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(head.model_dump_json() + "\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(_head_path(path))


def _append(path: Path, text: str) -> None:
    with path.open("ab") as file:
        written = path.read_bytes()
        file.truncate(written.rfind(b"\n") + 1)  # a torn line, if there is one
        file.write(text.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """One writer at a time."""
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
