"""Reads runbooks from YAML: those that come with Holdfast, and a team's own folders."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from holdfast.actions.conditions import parse_condition
from holdfast.actions.parameters import check_value, is_whole, words_of
from holdfast.catalog.documents import parse_mapping, read_text, refusal, validate
from holdfast.delivery.parameters import check_template, placeholders
from holdfast.errors import ConfigError, InputError, NotFound
from holdfast.model.runbook import CommandStep, Runbook, RunbookParameter, Step, WeightsStep

LIBRARY = Path(__file__).parent / "library"
"""The runbooks that come with Holdfast."""


def load_runbooks(folders: Iterable[Path] = ()) -> dict[str, Runbook]:
    """Return all runbooks by id: Holdfast's own and those of the folders (`*.yaml`, `*.yml`).

    Raises ConfigError, naming file and field, for the first mistake or a second runbook of one id.
    """
    found: dict[str, Runbook] = {}
    files: dict[str, Path] = {}
    for path in _files((LIBRARY, *folders)):
        runbook = load_runbook(path)
        if runbook.id in found:
            raise ConfigError(
                f"{path}: id: {runbook.id} is also the runbook of {files[runbook.id]}",
                hint="give it an id of its own",
            )
        found[runbook.id], files[runbook.id] = runbook, path
    return found


def load_runbook(path: Path) -> Runbook:
    """Return the runbook of one file. Raises ConfigError with every mistake in it."""
    return parse_runbook(read_text(path, "runbook"), path)


def parse_runbook(text: str, path: Path) -> Runbook:
    """Return the runbook that `text` says; `path` is named in errors."""
    runbook = validate(Runbook, parse_mapping(text, path), path)
    mistakes = tuple(_mistakes(runbook))
    if mistakes:
        raise refusal(path, mistakes)
    return runbook


def find_runbook(runbooks: Mapping[str, Runbook], runbook_id: str) -> Runbook:
    """Return the runbook of that id, or raise NotFound."""
    if runbook_id not in runbooks:
        raise NotFound(
            f"there is no runbook {runbook_id}",
            hint=f"known: {', '.join(sorted(runbooks)) or 'none'}",
        )
    return runbooks[runbook_id]


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"holdfast.yaml: runbooks: {folder} is no folder")
        yield from sorted(p for p in folder.iterdir() if p.suffix in (".yaml", ".yml"))


def _mistakes(runbook: Runbook) -> Iterator[str]:
    names = [parameter.name for parameter in runbook.parameters]
    for name, count in Counter(names).items():
        if count > 1:
            yield f"parameters: {name} is there {count} times"
    for index, parameter in enumerate(runbook.parameters):
        yield from _parameter_mistakes(parameter, f"parameters[{index}]")
    for field, steps in (("steps", runbook.steps), ("undo", runbook.undo)):
        for index, step in enumerate(steps):
            yield from _step_mistakes(step, set(names), f"{field}[{index}]")
            yield from _weights_mistakes(step, runbook.parameters, f"{field}[{index}].weights")
    for index, text in enumerate(runbook.preconditions):
        yield from _condition_mistakes(text, set(names), f"preconditions[{index}]")
    if runbook.effect_probe:
        yield from _condition_mistakes(runbook.effect_probe, set(names), "effect_probe")
    yield from _unknown(runbook.expected_effect, set(names), "expected_effect")


def _parameter_mistakes(parameter: RunbookParameter, where: str) -> Iterator[str]:
    if not re.fullmatch(r"[a-z_]+", parameter.name):
        yield f"{where}.name: {parameter.name!r}: small letters and _ only"
    try:
        re.compile(parameter.pattern or "")
    except re.error as error:
        yield f"{where}.pattern: {parameter.pattern!r} is no regular expression: {error}"
        return
    offered = () if parameter.default is None else (("default", parameter.default),)
    for field, value in (*offered, *(("choices", choice) for choice in parameter.choices)):
        try:
            check_value(parameter, value)
        except InputError as error:
            yield f"{where}.{field}: {error.message}"


def _step_mistakes(step: Step, names: set[str], where: str) -> Iterator[str]:
    if not step.timeout_seconds > 0:
        yield f"{where}.timeout_seconds: {step.timeout_seconds:g} must be more than 0"
    if isinstance(step, CommandStep):
        try:
            check_template(step.argv, names, f"{where}.argv")
        except ConfigError as error:
            yield str(error)
        words = [("argv", word) for word in step.argv]
    else:
        words = list(words_of(step).items())
        if isinstance(step, WeightsStep):
            words += [("weights", word) for word in re.split("[=,]", step.weights)]
    for field, word in words:
        yield from _word_mistakes(word.strip(), names, f"{where}.{field}")


def _weights_mistakes(
    step: Step, parameters: Iterable[RunbookParameter], where: str
) -> Iterator[str]:
    """A share is pairs of a version and a percent; a parameter is of the type of its place."""
    if not isinstance(step, WeightsStep):
        return
    if not re.fullmatch(r"[^=,]+=[^=,]+(,[^=,]+=[^=,]+)*", step.weights):
        yield f"{where}: {step.weights!r} is not like `v1=90,v2=10`"
        return
    types = {f"{{{parameter.name}}}": parameter.type for parameter in parameters}
    for pair in step.weights.split(","):
        version, percent = (half.strip() for half in pair.split("="))
        if types.get(version, "string") != "string":
            yield f"{where}: {version} is a version: its type must be string"
        if types.get(percent, "number") not in ("number", "integer"):
            yield f"{where}: {percent} is a percent: its type must be number or integer"


def _condition_mistakes(text: str, names: set[str], where: str) -> Iterator[str]:
    try:
        words = parse_condition(text, where).words()
    except ConfigError as error:
        yield str(error)
        return
    for word in words:
        yield from _word_mistakes(word, names, where)


def _word_mistakes(word: str, names: set[str], where: str) -> Iterator[str]:
    yield from _unknown(word, names, where)
    if not is_whole(word):
        yield f"{where}: {word!r} mixes text with a parameter: a parameter is a whole value"


def _unknown(text: str, names: set[str], where: str) -> Iterator[str]:
    for name in placeholders(text):
        if name not in names:
            yield f"{where}: {{{name}}} is no parameter of this runbook"
