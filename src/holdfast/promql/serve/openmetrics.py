"""Reads OpenMetrics text whose samples have timestamps, as a backfill of Prometheus's takes it.

Specification: OpenMetrics 1.0, "Text Format". Metadata and exemplars are not kept. A sample without
a timestamp is refused: of when it speaks is not known.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from holdfast.errors import InputError
from holdfast.promql.exposition import ExpositionError, parse_series
from holdfast.promql.samples import StoredSeries

Progress = Callable[[int], None]
"""Hears, now and then, how many samples were read so far."""

_PROGRESS_EVERY = 1_000_000
_SAMPLE = re.compile(
    r'([^\s{"]*(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?) (\S+)(?: (\S+))?(?: # .*)?\Z', re.DOTALL
)
_NUMBER = re.compile(r"[+-]?(?:[0-9.]+(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)\Z", re.IGNORECASE)
_COMMENT = re.compile(r"# (?:(?:TYPE|HELP|UNIT) \S+ |EOF\Z)")
_NO_TIME = 2**53


class _Column:
    """One series while it is read: times in milliseconds and values, as they came."""

    __slots__ = ("labels", "times_ms", "values")

    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = labels
        self.times_ms = array("q")
        self.values = array("d")


class OpenMetricsReader:
    """Collects the series of several files; `series()` gives them once all are read."""

    def __init__(self, on_progress: Progress | None = None) -> None:
        self._on_progress = on_progress
        self._by_text: dict[str, _Column] = {}
        self._by_labels: dict[frozenset[tuple[str, str]], _Column] = {}
        self._line = 0
        self.samples = 0
        """How many were read so far."""

    def read(self, path: Path) -> None:
        """Read a file. Raises InputError naming file, line and reason; OSError."""
        self._line = 0
        try:
            with path.open(encoding="utf-8", newline="\n") as lines:
                self._read_lines(lines)
        except _Malformed as problem:
            raise InputError(f"{path}, line {self._line}: {problem}") from None
        except UnicodeDecodeError as problem:
            raise InputError(f"{path}, after line {self._line}: no UTF-8: {problem}") from None

    def _read_lines(self, lines: Iterable[str]) -> None:
        ended = False
        for line in lines:
            self._line += 1
            ended = self._take(line, ended=ended)
        if not ended:
            raise _Malformed("the last line is not `# EOF`: the file was cut off")

    def series(self) -> list[StoredSeries]:
        """Return what was read, each series ascending in time.

        Raises InputError where a series has two values at one time.
        """
        return [_stored(column) for column in self._by_labels.values()]

    def _take(self, line: str, *, ended: bool) -> bool:
        """Take one line; return whether it is the end."""
        if not ended and self._of_known_series(line):
            return False
        if not line.endswith("\n") and line != "# EOF":
            raise _Malformed("the line has no end: the file was cut off")
        line = line.rstrip("\n")
        if ended:
            raise _Malformed("there is text after `# EOF`")
        if line.startswith("#"):
            if not _COMMENT.match(line):
                raise _Malformed(f"{line[:120]!r} is neither TYPE, HELP, UNIT nor EOF")
            return line == "# EOF"
        self._sample(line)
        return False

    def _of_known_series(self, line: str) -> bool:
        """Take a plain sample of a series that was met; all else is looked at by `_sample`."""
        text, *rest = line.rsplit(" ", 2)
        column = self._by_text.get(text)
        if column is None or len(rest) != 2 or "_" in line[len(text) :] or line[-1] != "\n":
            return False
        try:
            value, milliseconds = float(rest[0]), float(rest[1]) * 1000
        except ValueError:
            return False
        if not -_NO_TIME < milliseconds < _NO_TIME:
            return False
        self._keep(column, value, round(milliseconds))
        return True

    def _sample(self, line: str) -> None:
        found = _SAMPLE.match(line)
        if found is None:
            raise _Malformed(f"no sample can be read from {line[:120]!r}")
        text, value, time = found.groups()
        if time is None:
            raise _Malformed(f"the sample {line[:120]!r} has no timestamp")
        column = self._by_text.get(text)
        if column is None:
            column = self._meet(text)
        self._keep(column, _number(value, "value"), _milliseconds(time))

    def _keep(self, column: _Column, value: float, time_ms: int) -> None:
        column.values.append(value)
        column.times_ms.append(time_ms)
        self.samples += 1
        if self._on_progress is not None and self.samples % _PROGRESS_EVERY == 0:
            self._on_progress(self.samples)

    def _meet(self, text: str) -> _Column:
        try:
            labels = parse_series(text)
        except ExpositionError as error:
            raise _Malformed(str(error)) from None
        column = self._by_labels.setdefault(frozenset(labels.items()), _Column(labels))
        self._by_text[text] = column
        return column


class _Malformed(ValueError):
    """What is wrong with a line."""


def _number(text: str, what: str) -> float:
    if _NUMBER.match(text):
        try:
            return float(text)
        except ValueError:
            pass  # such as 1.2.3: told below
    raise _Malformed(f"the {what} {text[:60]!r} is no number")


def _milliseconds(text: str) -> int:
    milliseconds = _number(text, "timestamp") * 1000
    if not -_NO_TIME < milliseconds < _NO_TIME:
        raise _Malformed(f"the timestamp {text[:60]!r} is no time in Unix seconds")
    return round(milliseconds)


def _stored(column: _Column) -> StoredSeries:
    times = np.frombuffer(column.times_ms, dtype=np.int64)
    values = np.frombuffer(column.values, dtype=np.float64)
    steps = np.diff(times)
    if (steps <= 0).any():
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
        doubled = np.flatnonzero(np.diff(times) == 0)
        if doubled.size:
            at = times[doubled[0]] / 1000
            raise InputError(
                f"the series {column.labels} has two values at {at:g} s",
                hint="one series may be in one file, once",
            )
    return StoredSeries(column.labels, times, values)


def read_openmetrics(
    paths: Iterable[Path], on_progress: Progress | None = None
) -> list[StoredSeries]:
    """Return the series of OpenMetrics files, those of one label set joined.

    Raises InputError naming file, line and reason; OSError where a file cannot be read.
    """
    reader = OpenMetricsReader(on_progress)
    for path in paths:
        reader.read(path)
    return reader.series()
