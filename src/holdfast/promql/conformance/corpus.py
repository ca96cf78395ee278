"""Reads Prometheus's promqltest files: what to load, what to ask, what to expect.

The format is described in Prometheus's promql/promqltest/README.md. Native histograms are read as
samples that only say that they are there: a query that needs what they hold must be refused.
The words of expected errors are not kept.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import promql_parser

from holdfast.errors import InputError
from holdfast.promql.samples import STALE_NAN

Labels = dict[str, str]

_EVAL_INSTANT = re.compile(r"eval(_fail|_warn|_info|_ordered)?\s+instant\s+at\s+(\S+)\s+(.*)")
_EVAL_RANGE = re.compile(
    r"eval(_fail|_warn|_info)?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.*)"
)
_RANGE_VECTOR = re.compile(r"expect range vector from (\S+) to (\S+) step (\S+)")
_EXPECT_NOTE = re.compile(r"expect (no_)?(warn|info)(?:\s+(msg|regex):\s*(.*))?")
_DURATION = re.compile(r"(\d+)(ms|[smhdwy])")
_UNIT_MS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}
_REPEAT = re.compile(r"^(.*?)(?:([+-])([^x+-]+(?:e[+-]?\d+)?))?x(\d+)$")


@dataclass(frozen=True)
class Histogram:
    """A native histogram sample, unread."""

    text: str


NATIVE = Histogram("{{}}")
"""A native histogram of which nothing more is known."""

Cell = float | Histogram | None
"""A value of a sequence; `None` is a gap."""


@dataclass
class Expected:
    """One expected series, or the expected scalar (no labels, `scalar` true)."""

    labels: Labels
    cells: list[Cell]
    scalar: bool = False


@dataclass(frozen=True)
class ExpectedNote:
    """A warning or an info that is expected, or must not be there."""

    level: str
    """`warn` or `info`."""
    present: bool
    kind: str | None
    """`msg` or `regex`; None where any will do."""
    text: str


@dataclass
class Load:
    """Series to add: each value is one step after the other."""

    step_seconds: float
    series: list[tuple[Labels, list[Cell]]] = field(default_factory=list[tuple[Labels, list[Cell]]])
    native_from_classic: bool = False
    start_timestamps: bool = False
    """Some series say when they began, which is not read."""


@dataclass
class Eval:
    """A query and its expected answer. An instant query has `start == end`."""

    line: int
    expr: str
    start: float
    end: float
    step: float | None
    fails: bool = False
    ordered: bool = False
    string: str | None = None
    range_vector: tuple[float, float, float] | None = None
    expected: list[Expected] = field(default_factory=list[Expected])
    notes: list[ExpectedNote] = field(default_factory=list[ExpectedNote])


class Clear:
    """Forget everything that was loaded."""


Command = Load | Eval | Clear


def read_corpus(path: Path) -> Iterator[Command]:
    """Yield the commands of a file in order."""
    command: Command | None = None
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        started = _start(line, number)
        if started is None:
            _continue(command, line, f"{path.name}:{number}")
            continue
        if command is not None:
            yield command
        command = started
    if command is not None:
        yield command


def _start(line: str, number: int) -> Command | None:
    if line == "clear":
        return Clear()
    if re.match(r"load(_with_nhcb)?\s", line):
        name, step = line.split()
        return Load(seconds(step), native_from_classic=name == "load_with_nhcb")
    if found := _EVAL_INSTANT.match(line):
        at = seconds(found[2])
        asked = Eval(number, found[3], at, at, None, found[1] == "_fail", found[1] == "_ordered")
        return _noted(asked, found[1])
    if found := _EVAL_RANGE.match(line):
        start, end, step = (seconds(found[place]) for place in (2, 3, 4))
        return _noted(Eval(number, found[5], start, end, step, found[1] == "_fail"), found[1])
    return None


def _noted(asked: Eval, suffix: str | None) -> Eval:
    if suffix in ("_warn", "_info"):
        asked.notes.append(ExpectedNote(suffix[1:], True, None, ""))
    return asked


def _continue(command: Command | None, line: str, where: str) -> None:
    if isinstance(command, Load):
        _series_line(command, line)
    elif isinstance(command, Eval) and not line.startswith("eval"):
        _expect(command, line, where)
    else:
        raise _unread(line, where)


def _unread(line: str, where: str) -> InputError:
    return InputError(f"{where}: {line!r} is no line of a PromQL test")


def _series_line(command: Load, line: str) -> None:
    labels, rest = split_series(line)
    if rest.startswith("@st"):
        command.start_timestamps = True
    else:
        command.series.append((labels, cells(rest)))


def _expect(command: Eval, line: str, where: str) -> None:
    if not line.startswith("expect "):
        command.expected.append(_expected(line))
    elif line.startswith("expect fail"):
        command.fails = True
    elif line == "expect ordered":
        command.ordered = True
    elif line.startswith("expect string "):
        command.string = _string(line.removeprefix("expect string "))
    elif found := _RANGE_VECTOR.match(line):
        command.range_vector = (seconds(found[1]), seconds(found[2]), seconds(found[3]))
    elif found := _EXPECT_NOTE.fullmatch(line):
        command.notes.append(ExpectedNote(found[2], found[1] is None, found[3], found[4] or ""))
    else:
        raise _unread(line, where)


def _string(quoted: str) -> str:
    literal = promql_parser.parse(quoted)
    if not isinstance(literal, promql_parser.StringLiteral):
        raise InputError(f"{quoted} is no string")
    return literal.val


def _expected(line: str) -> Expected:
    try:
        return Expected({}, [number(line)], scalar=True)
    except ValueError:
        labels, rest = split_series(line)
        return Expected(labels, cells(rest))


def seconds(text: str) -> float:
    """Read a duration such as `1h30m`, or a number of seconds."""
    parts = _DURATION.findall(text)
    if not parts or not text.lstrip("-")[-1].isalpha():
        return float(text)
    total_ms = sum(int(count) * _UNIT_MS[unit] for count, unit in parts)
    return (-1 if text.startswith("-") else 1) * total_ms / 1000


def number(text: str) -> float:
    """Read a number as Go does; the text `stale` is the staleness marker."""
    return STALE_NAN if text == "stale" else float(text)


def split_series(line: str) -> tuple[Labels, str]:
    """Split `name{labels} values` into labels and values."""
    found = re.match(r"([^\s{@]*)(\{(?:[^\"'`}]|\"(?:\\.|[^\"\\])*\"|'[^']*'|`[^`]*`)*\})?", line)
    if found is None:
        raise InputError(f"{line!r} is no series")
    selector = promql_parser.parse(found[0]) if found[0] != "{}" else None
    labels: Labels = {}
    if isinstance(selector, promql_parser.VectorSelector):
        labels = {m.name: m.value for m in selector.matchers.matchers if m.value}
        if selector.name:
            labels["__name__"] = selector.name
    return labels, line[found.end() :].strip()


def cells(text: str) -> list[Cell]:
    """Read a sequence of values: `1 2+3x4 _ _x2 stale {{histogram}}x3`."""
    out: list[Cell] = []
    for token in re.findall(r"(?:\{\{.*?\}\}|[^\s{])+", text):
        out += _token_cells(token)
    return out


def _token_cells(token: str) -> list[Cell]:
    if "{{" in token:
        times = re.search(r"x(\d+)$", token)
        count = 1 if times is None else int(times[1]) + 1
        return [Histogram(token)] * count
    if token == "_":
        return [None]
    if found := re.fullmatch(r"_x(\d+)", token):
        return [None] * int(found[1])
    found = _REPEAT.match(token)
    if found is None:
        return [number(token)]
    first = number(found[1])
    delta = 0.0 if found[3] is None else float(found[2] + found[3])
    return list(_progression(first, delta, int(found[4])))


def _progression(first: float, delta: float, times: int) -> Iterator[float]:
    value = first
    for _ in range(times + 1):
        yield value
        value += delta


def almost_equal(expected: float, got: float, epsilon: float = 1e-6) -> bool:
    """Compare as Prometheus's tests do (util/almost): relative to the sum of the magnitudes."""
    if math.isnan(expected) or math.isnan(got):
        return math.isnan(expected) and math.isnan(got)
    if expected == got:
        return True
    if expected == 0 or got == 0:
        return abs(expected - got) < epsilon * 2.3e-308
    return abs(expected - got) / min(abs(expected) + abs(got), 1.7e308) < epsilon
