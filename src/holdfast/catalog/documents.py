"""Reads YAML files into records; every mistake names the file, the field and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TypeVar, cast

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from holdfast.errors import ConfigError
from holdfast.model.base import Record

RecordType = TypeVar("RecordType", bound=Record)


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML would keep the last of two equal keys; here a second one is a mistake."""


def _mapping_without_duplicates(
    loader: _UniqueKeyLoader, node: yaml.MappingNode
) -> dict[Hashable, object]:
    seen: set[str] = set()
    for key, _ in node.value:
        name = str(key.value)
        if name in seen:
            raise yaml.MarkedYAMLError(
                problem=f"the key {name!r} stands twice", problem_mark=key.start_mark
            )
        seen.add(name)
    return loader.construct_mapping(node, deep=True)


_UniqueKeyLoader.add_constructor(
    yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_without_duplicates
)


def read_text(path: Path, what: str) -> str:
    """Return the file's text. `what` says what was looked for, for the error."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such {what}", hint="give its path, or write it"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(
            f"{path}: the {what} cannot be read: {why}", hint="make it a readable UTF-8 text file"
        ) from error


def parse_documents(text: str, path: Path) -> list[object]:
    """Return all YAML documents of a text; empty ones are left out."""
    try:
        loaded = list(yaml.load_all(text, Loader=_UniqueKeyLoader))  # a SafeLoader
    except yaml.YAMLError as error:
        raise ConfigError(
            f"{path}: this is not YAML: {_yaml_problem(error)}", hint="correct that line"
        ) from error
    return [cast("object", document) for document in loaded if document is not None]


def parse_mapping(text: str, path: Path) -> dict[str, object]:
    """Return the one mapping that the text holds."""
    documents = parse_documents(text, path)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        found = {0: "nothing", 1: "something else"}.get(len(documents), "several documents")
        raise ConfigError(
            f"{path}: one mapping of fields is needed, {found} was found",
            hint="write `field: value` lines",
        )
    return cast("dict[str, object]", documents[0])


def validate(record: type[RecordType], data: object, path: Path) -> RecordType:
    """Return the record, or raise ConfigError that lists every field that is wrong."""
    try:
        return record.model_validate(data)
    except ValidationError as error:
        lines = [_sentence(record, detail) for detail in error.errors()]
        raise refusal(path, lines) from error


def refusal(path: Path, mistakes: Sequence[str]) -> ConfigError:
    """Return the error for one or more mistakes in a file."""
    if len(mistakes) == 1:
        return ConfigError(f"{path}: {mistakes[0]}")
    return ConfigError(f"{path}: {len(mistakes)} mistakes:" + "".join(f"\n  {m}" for m in mistakes))


def field_path(location: Sequence[str | int]) -> str:
    """Return `services[2].signals.slow_ratio` for a location."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path or "the whole file"


def _sentence(record: type[Record], detail: ErrorDetails) -> str:
    where = field_path(detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown field; {_suggestion(record, str(detail['loc'][-1]))}"
    if detail["type"] == "missing":
        return f"{where}: missing; it has no default, so give it a value"
    wrong = detail["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list")
    if detail["type"] == "value_error" and isinstance(detail["input"], dict):
        return f"{where}: {wrong}"  # of several fields: the message names them
    return f"{where}: {wrong}; given was {detail['input']!r}"


def _suggestion(record: type[Record], name: str) -> str:
    close = difflib.get_close_matches(name, sorted(_field_names(record)), n=1)
    return f"did you mean {close[0]!r}?" if close else "remove it, or correct its name"


def _field_names(record: type[Record]) -> set[str]:
    """All field names of the record and the records inside it, by its JSON schema."""
    schema = record.model_json_schema()
    definitions = cast("dict[str, dict[str, dict[str, object]]]", schema.get("$defs", {}))
    names = set(cast("dict[str, object]", schema.get("properties", {})))
    return names.union(*(part.get("properties", {}) for part in definitions.values()))


def _yaml_problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return str(error)
