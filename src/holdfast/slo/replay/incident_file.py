"""Reads past incidents from a file that a person keeps: YAML, JSON or CSV.

Each entry has start and end (times with a zone), and may have title, severity, service, slo. YAML
and JSON: a list, or a mapping with the list under `incidents`. CSV: the names stand in its first
line. A bad entry is refused by line and field.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import cast

import yaml
from pydantic import ValidationError

from holdfast.catalog.documents import read_text, refusal
from holdfast.errors import ConfigError
from holdfast.model.replay import PastIncident

FIELDS = ("start", "end", "title", "severity", "service", "slo")
_REQUIRED = ("start", "end")

Entry = tuple[int, dict[str, object]]
"""The line where it stands, and its fields."""


def read_incidents(path: Path) -> tuple[PastIncident, ...]:
    """Return the incidents of a file, oldest first.

    Raises ConfigError naming the file, and the line and field of each entry that is wrong.
    """
    text = read_text(path, "file of incidents")
    entries = _csv(text, path) if path.suffix.lower() == ".csv" else _yaml(text, path)
    found: list[PastIncident] = []
    mistakes: list[str] = []
    for line, fields in entries:
        try:
            found.append(_incident(fields))
        except _Wrong as wrong:
            mistakes += (f"line {line}, {mistake}" for mistake in wrong.mistakes)
    if mistakes:
        raise refusal(path, mistakes)
    if not found:
        raise ConfigError(f"{path}: there is no incident in it", hint="give start and end of one")
    return tuple(sorted(found, key=lambda one: (one.start, one.end)))


class _Wrong(Exception):
    """What is wrong with an entry, a sentence each."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


def _incident(fields: dict[str, object]) -> PastIncident:
    unknown = [name for name in fields if name not in FIELDS]
    missing = [name for name in _REQUIRED if fields.get(name) in (None, "")]
    wrong = [f"{name}: unknown field; known are {', '.join(FIELDS)}" for name in unknown]
    wrong += [f"{name}: missing" for name in missing]
    if wrong:
        raise _Wrong(*wrong)
    given = {k: _plain(k, v) for k, v in fields.items() if v not in (None, "")}
    try:
        return PastIncident.model_validate(given)
    except ValidationError as error:
        raise _Wrong(
            *(_sentence(detail["loc"], detail["msg"]) for detail in error.errors())
        ) from error


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    said = message.removeprefix("Value error, ")
    return f"{location[0]}: {said}" if location else said


def _plain(name: str, value: object) -> object:
    """A number is no time here: whether it means seconds or milliseconds is not known."""
    if name not in _REQUIRED:
        return str(value)
    if isinstance(value, datetime):
        return value
    if isinstance(value, date) or not isinstance(value, str):
        raise _Wrong(f"{name}: {value!s} is no time, write 2026-01-31T12:00:00Z")
    return value.strip()


def _yaml(text: str, path: Path) -> Iterator[Entry]:
    try:
        root = cast(
            "yaml.Node | None",
            yaml.compose(text, Loader=yaml.SafeLoader),  # pyright: ignore[reportUnknownMemberType]
        )
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        where = f"line {mark.line + 1}: " if mark else ""
        raise ConfigError(
            f"{path}: {where}this is neither YAML nor JSON", hint="correct that line"
        ) from error
    listed = _listed(root)
    if listed is None:
        raise ConfigError(
            f"{path}: a list of incidents is needed, or one under `incidents`",
            hint="begin each with `- start: 2026-01-31T12:00:00Z`",
        )
    for node in listed.value:
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(f"{path}: line {line}: an incident is a mapping of fields")
        yield line, _fields(node, path)


def _listed(root: yaml.Node | None) -> yaml.SequenceNode | None:
    if isinstance(root, yaml.MappingNode):
        inside = [value for key, value in root.value if key.value == "incidents"]
        root = inside[0] if inside else None
    return root if isinstance(root, yaml.SequenceNode) else None


def _fields(node: yaml.MappingNode, path: Path) -> dict[str, object]:
    """A time keeps the text that was written: YAML's own reader would drop that it has no zone."""
    found: dict[str, object] = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in found:
            raise ConfigError(f"{path}: line {line}, {name}: it stands twice")
        if not isinstance(value, yaml.ScalarNode):
            raise ConfigError(f"{path}: line {line}, {name}: one value is needed")
        time = value.tag.endswith((":timestamp", ":str"))
        found[name] = str(value.value) if time else _scalar(value)
    return found


def _scalar(node: yaml.ScalarNode) -> object:
    return cast("object", yaml.safe_load(node.value))


def _csv(text: str, path: Path) -> Iterator[Entry]:
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    names = reader.fieldnames or ()
    absent = [name for name in _REQUIRED if name not in names]
    if absent:
        raise ConfigError(
            f"{path}: line 1, {absent[0]}: no such column",
            hint=f"the first line names the columns: {','.join(FIELDS)}",
        )
    for row in reader:
        if None in row:
            raise ConfigError(f"{path}: line {reader.line_num}: more values than columns")
        yield reader.line_num, dict(row)
