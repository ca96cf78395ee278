"""Reads a Prometheus rule file whole, as a replay needs it: alerts and what they are recorded from.

`slo/rule_files.py` reads the alerts that Holdfast evaluates live; here recording rules,
`keep_firing_for`, and which alerts are pages, matter as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from holdfast.catalog.documents import parse_mapping, read_text
from holdfast.catalog.template import parse
from holdfast.errors import ConfigError, PromQLError
from holdfast.model.replay import Action

_UNIT_SECONDS = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "w": 604_800.0,
    "y": 31_536_000.0,
}
_DURATION = re.compile(r"(\d+)(ms|[smhdwy])")
_ACTION_LABELS = ("severity", "sloth_severity", "action", "priority")
_PAGES = frozenset({"page", "critical", "p1", "paging"})


@dataclass(frozen=True)
class RecordingRule:
    """A rule that records a series under a name."""

    name: str
    expression: str
    labels: dict[str, str]


@dataclass(frozen=True)
class ReplayedRule:
    """An alerting rule. `name` tells it apart from all others of its file."""

    name: str
    expression: str
    for_seconds: float
    keep_seconds: float
    labels: dict[str, str]
    action: Action


@dataclass(frozen=True)
class RuleFile:
    """All rules of a file, in order."""

    path: Path
    alerts: tuple[ReplayedRule, ...]
    records: tuple[RecordingRule, ...]

    @property
    def name(self) -> str:
        """The file's name, without its folder."""
        return self.path.name


def read_rule_file(path: Path) -> RuleFile:
    """Return the rules of a file.

    Raises ConfigError naming the file, the rule and the field, and where it has no alert.
    """
    document = parse_mapping(read_text(path, "rule file"), path)
    records: list[RecordingRule] = []
    plain: list[tuple[str, dict[str, object]]] = []
    for where, rule in _rules(document, path):
        name = rule.get("alert", rule.get("record"))
        if not isinstance(name, str) or ("alert" in rule) == ("record" in rule):
            raise ConfigError(f"{path}: {where}: either alert or record names a rule")
        if "alert" in rule:
            plain.append((f"{path}: {where}, {name}", rule))
        else:
            at = f"{path}: {where}, {name}"
            records.append(RecordingRule(name, _expression(rule, at), _labels(rule, at)))
    if not plain:
        raise ConfigError(f"{path}: there is no alerting rule in it")
    names = _names([(str(rule["alert"]), _labels(rule, at)) for at, rule in plain])
    alerts = (_alert(name, rule, at) for name, (at, rule) in zip(names, plain, strict=True))
    return RuleFile(path, tuple(alerts), tuple(records))


def seconds_of(duration: object, where: str) -> float:
    """Return the seconds of a Prometheus duration such as 1h30m. Raises ConfigError."""
    text = str(duration).strip()
    found = _DURATION.findall(text)
    if text == "0":
        return 0.0
    if not found or "".join(number + unit for number, unit in found) != text:
        raise ConfigError(f"{where}: {text!r} is no duration", hint="write for example 5m or 1h30m")
    return sum(int(number) * _UNIT_SECONDS[unit] for number, unit in found)


def action_of(labels: dict[str, str]) -> Action:
    """Return whether an alert pages: by its severity, or where it says none."""
    said = [labels[name].lower() for name in _ACTION_LABELS if name in labels]
    return "page" if not said or any(value in _PAGES for value in said) else "ticket"


def _alert(name: str, rule: dict[str, object], where: str) -> ReplayedRule:
    labels = _labels(rule, where)
    return ReplayedRule(
        name=name,
        expression=_expression(rule, where),
        for_seconds=seconds_of(rule.get("for", "0s"), f"{where}: for"),
        keep_seconds=seconds_of(rule.get("keep_firing_for", "0s"), f"{where}: keep_firing_for"),
        labels=labels,
        action=action_of(labels),
    )


def _names(rules: list[tuple[str, dict[str, str]]]) -> list[str]:
    """Alert names; where one stands twice, with the labels in which its rules differ."""
    often = Counter(name for name, _ in rules)
    found: list[str] = []
    for name, labels in rules:
        if often[name] > 1:
            others = [of for other, of in rules if other == name]
            differ = [k for k in sorted(labels) if len({o.get(k) for o in others}) > 1]
            name += f" {{{', '.join(f'{k}={labels[k]}' for k in differ)}}}" if differ else ""
        while name in found:
            name += "'"
        found.append(name)
    return found


def _rules(document: dict[str, object], path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    for number, group in enumerate(_list(document.get("groups"), f"{path}: groups")):
        at = f"groups[{number}]"
        rules = _list(_mapping(group, f"{path}: {at}").get("rules") or [], f"{path}: {at}.rules")
        for place, rule in enumerate(rules):
            where = f"{at}.rules[{place}]"
            yield where, _mapping(rule, f"{path}: {where}")


def _expression(rule: dict[str, object], where: str) -> str:
    expression = rule.get("expr")
    if not isinstance(expression, str | int | float):
        raise ConfigError(f"{where}: expr: missing")
    try:
        parse(str(expression))
    except PromQLError as error:
        raise ConfigError(f"{where}: expr: {error}") from error
    return str(expression).strip()


def _labels(rule: dict[str, object], where: str) -> dict[str, str]:
    given = rule.get("labels")
    found = {} if given is None else _mapping(given, f"{where}: labels")
    return {key: str(value) for key, value in found.items()}


def _mapping(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: a mapping is needed")
    return {str(key): item for key, item in cast("dict[object, object]", value).items()}


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise ConfigError(f"{where}: a list is needed", hint="is it a Prometheus rule file?")
    return cast("list[object]", value)
