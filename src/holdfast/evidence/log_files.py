"""Reads a window of time out of JSON-lines files, without reading the files from their beginning.

Lines of a file are nearly in order of time (a few seconds apart where threads write): the start of
the window is found by bisection over byte offsets. Files are chosen by name (globs) and by their
time of last change, so that rotated files take part as long as they reach into the window.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import BinaryIO

from holdfast.errors import QueryRefused, SourceUnavailable
from holdfast.evidence.log_time import unix_seconds

DISORDER_SECONDS = 10.0
"""How far a line may stand from its place in time."""

_BISECT_DOWN_TO_BYTES = 64 * 1024
_BYTES_AT_MOST = 1024 * 1024 * 1024

LogLine = Mapping[str, object]
"""One parsed line: a JSON object as it was written."""


def lines_between(
    paths: Iterable[str], time_field: str, start: float, end: float, *, having: str = ""
) -> Iterator[tuple[float, LogLine]]:
    """Yield (Unix seconds, line) for start <= time <= end, file by file.

    With `having`, only lines that carry a field of that name; the others are not even parsed.

    Raises SourceUnavailable where no file matches, QueryRefused where a file that reaches into
    the window has no line of JSON with a time, or where the window is too large to be read.
    """
    patterns = tuple(paths)
    files = sorted({f for pattern in patterns for f in glob.glob(pattern, recursive=True)})
    if not files:
        raise SourceUnavailable(f"no log file matches {', '.join(patterns)}")
    for file in files:
        if os.path.isfile(file) and os.path.getmtime(file) >= start:
            with open(file, "rb") as opened:
                yield from _window_of_file(opened, time_field, start, end, _mark(having))


def _mark(field: str) -> bytes:
    """Return what a line's bytes hold where it carries the field, as far as that is sure."""
    return json.dumps(field).encode() if field and field.isascii() else b""


def _window_of_file(
    file: BinaryIO, time_field: str, start: float, end: float, mark: bytes
) -> Iterator[tuple[float, LogLine]]:
    def timed(raw: bytes) -> tuple[float, LogLine] | None:
        return _parse(raw, time_field)

    begin = _offset_of(file, timed, start - DISORDER_SECONDS)
    read = understood = 0
    for raw in _whole_lines(file, begin):
        if mark not in raw:
            continue
        found = timed(raw)
        read += len(raw)
        understood += found is not None
        if read > _BYTES_AT_MOST:
            raise QueryRefused(f"the window holds over {_BYTES_AT_MOST} bytes of {file.name}")
        if found is None or not start <= found[0] <= end:
            if found is not None and found[0] > end + DISORDER_SECONDS:
                break
            continue
        yield found
    if read and not understood:
        raise QueryRefused(
            f"{file.name} holds no JSON lines with the field {time_field!r}",
            hint="a time is RFC 3339 or Unix seconds; logs.time_field names it",
        )


def _offset_of(
    file: BinaryIO, timed: Callable[[bytes], tuple[float, LogLine] | None], wanted: float
) -> int:
    """Return an offset before the first line of that time or later, near it."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while high - low > _BISECT_DOWN_TO_BYTES:
        middle = (low + high) // 2
        found = next((t for raw in _whole_lines(file, middle) if (t := timed(raw))), None)
        if found is None or found[0] >= wanted:
            high = middle
        else:
            low = middle
    return low


def _whole_lines(file: BinaryIO, offset: int) -> Iterator[bytes]:
    """Yield the lines that begin at or after the offset; one still being written is left out."""
    if offset:
        file.seek(offset - 1)
        file.readline()
    else:
        file.seek(0)
    for raw in file:
        if raw.endswith(b"\n"):
            yield raw


def _parse(raw: bytes, time_field: str) -> tuple[float, LogLine] | None:
    try:
        line: object = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(line, dict):
        return None
    at = unix_seconds(line.get(time_field))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return None if at is None else (at, line)  # pyright: ignore[reportUnknownVariableType]
