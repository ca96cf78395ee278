"""Alerting rules in force: Prometheus rule files in a folder, `<data folder>/rules/*.yaml`.

`holdfast watch` evaluates them at each round; a Prometheus server can load the same files
(`rule_files: ["…/rules/*.yaml"]`). They may be edited by hand: what cannot be read is a problem
that is told, and hides no other rule.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from holdfast.catalog.template import duration, parse
from holdfast.errors import ConfigError, PromQLError
from holdfast.model.prevention import AlertRule

FOLDER = "rules"
SUFFIX = ".yaml"

_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(\d+)(ms|[smhdw])")


@dataclass(frozen=True)
class RuleInForce:
    """A rule and the file that it stands in. `source` is the file's name without its ending."""

    rule: AlertRule
    path: Path

    @property
    def source(self) -> str:
        """What it came from: for Holdfast's own, the incident."""
        return self.path.name.removesuffix(SUFFIX)

    @property
    def key(self) -> str:
        """Tells it apart from all others: rules of one name are allowed."""
        labels = ",".join(f"{k}={v}" for k, v in sorted(self.rule.labels.items()))
        return f"{self.source}/{self.rule.name}{{{labels}}}"


@dataclass(frozen=True)
class RuleSet:
    """All rules in force, and what could not be read, a sentence each."""

    rules: tuple[RuleInForce, ...] = ()
    problems: tuple[str, ...] = ()


def rules_folder(data_folder: Path) -> Path:
    """Return where rules in force stand."""
    return data_folder / FOLDER


def rule_path(data_folder: Path, source: str) -> Path:
    """Return the file of the rules that came from one incident."""
    return rules_folder(data_folder) / f"{source}{SUFFIX}"


def dump_rules(group: str, rules: Sequence[AlertRule]) -> str:
    """Return a Prometheus rule file (YAML) with one group."""
    groups = [{"name": group, "rules": [plain_rule(rule) for rule in rules]}]
    return yaml.safe_dump({"groups": groups}, sort_keys=False, allow_unicode=True, width=100)


def plain_rule(rule: AlertRule) -> dict[str, object]:
    """Return a rule as it stands in a rule file."""
    plain: dict[str, object] = {"alert": rule.name, "expr": rule.expression}
    if rule.for_seconds > 0:
        plain["for"] = duration(rule.for_seconds)
    if rule.labels:
        plain["labels"] = dict(rule.labels)
    if rule.annotations:
        plain["annotations"] = dict(rule.annotations)
    return plain


def put_in_force(data_folder: Path, source: str, rules: Sequence[AlertRule]) -> Path:
    """Write the file of one incident, as a whole, and return it. Twice is the same as once."""
    path = rule_path(data_folder, source)
    content = dump_rules(f"holdfast-{source}", rules).encode()
    if path.exists() and path.read_bytes() == content:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    return path


def withdraw(data_folder: Path, source: str) -> None:
    """Remove the file of one incident, where there is one."""
    rule_path(data_folder, source).unlink(missing_ok=True)


def rules_in_force(data_folder: Path) -> RuleSet:
    """Return the rules of all files, sorted by file. A folder that is not there has none."""
    rules: list[RuleInForce] = []
    problems: list[str] = []
    for path in sorted(rules_folder(data_folder).glob(f"[!.]*{SUFFIX}")):
        try:
            rules += (RuleInForce(rule, path) for rule in read_rules(path))
        except ConfigError as error:
            problems.append(str(error))
    return RuleSet(tuple(rules), tuple(problems))


def read_rules(path: Path) -> tuple[AlertRule, ...]:
    """Return the alerting rules of a file; recording rules are Prometheus's own business.

    Raises ConfigError, naming the file, where it is no rule file or an expression is no PromQL.
    """
    try:
        document: object = yaml.safe_load(path.read_text(encoding="utf-8"))
        return tuple(_rule(plain) for plain in _alerts(document))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, _Malformed, PromQLError) as error:
        raise ConfigError(
            f"{path}: {str(error).splitlines()[0]}",
            hint="`promtool check rules` says more; the rule is not evaluated until it is mended",
        ) from error


class _Malformed(Exception):
    """What is wrong with the shape of a rule file."""


def _alerts(document: object) -> Iterator[dict[str, object]]:
    for group in _list(_mapping(document, "the file").get("groups"), "groups"):
        for rule in _list(_mapping(group, "a group").get("rules"), "rules"):
            plain = _mapping(rule, "a rule")
            if "alert" in plain:
                yield plain


def _rule(plain: dict[str, object]) -> AlertRule:
    name, expression = str(plain["alert"]), plain.get("expr")
    if not isinstance(expression, str):
        raise _Malformed(f"{name} has no expr")
    parse(expression)
    return AlertRule(
        name=name,
        expression=expression,
        for_seconds=_seconds(plain.get("for", "0s"), name),
        labels=_texts(plain.get("labels"), name),
        annotations=_texts(plain.get("annotations"), name),
    )


def _seconds(text: object, name: str) -> float:
    parts = _DURATION.findall(str(text))
    if str(text) == "0":
        return 0.0
    if not parts or "".join(f"{n}{unit}" for n, unit in parts) != str(text):
        raise _Malformed(f"{name}: `for: {text}` is no duration")
    return sum(int(number) * _UNIT_SECONDS[unit] for number, unit in parts)


def _texts(value: object, name: str) -> dict[str, str]:
    found = _mapping(value, f"labels or annotations of {name}") if value is not None else {}
    return {key: str(text) for key, text in found.items()}


def _mapping(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _Malformed(f"{what} is no mapping")
    return {str(key): item for key, item in cast("dict[object, object]", value).items()}


def _list(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise _Malformed(f"{what} is no list")
    return cast("list[object]", value)
