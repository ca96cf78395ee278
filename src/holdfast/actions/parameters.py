"""Fills a runbook's parameters in: typed, checked, and as whole values only."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from holdfast.delivery.parameters import placeholders
from holdfast.errors import InputError
from holdfast.model.action import Parameter, RunbookCall
from holdfast.model.runbook import (
    CommandStep,
    Runbook,
    RunbookParameter,
    Step,
    WeightsStep,
)

SAFE_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._+/-]*"
"""What a string must match where its parameter has neither a pattern nor choices."""

LONGEST_VALUE = 500

_NOT_FILLED = frozenset({"schema_version", "kind", "name", "timeout_seconds", "argv", "weights"})
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def check_parameters(runbook: Runbook, given: Mapping[str, Parameter]) -> dict[str, str]:
    """Return every parameter's value as text, defaults filled in.

    Raises InputError naming the runbook and the parameter: unknown, missing, of another type, or
    outside its pattern or choices. No value may begin with `-` (a program would read an option)
    or hold control characters.
    """
    known = {parameter.name: parameter for parameter in runbook.parameters}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise InputError(
            f"runbook {runbook.id} has no parameter {unknown[0]}",
            hint=f"it has: {', '.join(known) or 'none'}",
        )
    values = {name: _value(runbook.id, known[name], given) for name in known}
    return {name: value for name, value in values.items() if value is not None}


def check_value(parameter: RunbookParameter, value: Parameter) -> str:
    """Return one value as text, or raise InputError saying what is wrong with it."""
    if not _has_type(parameter, value):
        raise InputError(f"{value!r} is no {parameter.type}")
    if parameter.choices and value not in parameter.choices:
        raise InputError(f"{value!r} is none of {', '.join(map(str, parameter.choices))}")
    text = render(value)
    if text.startswith("-"):
        raise InputError(f"{text!r} begins with `-`: a program would read it as an option")
    if _UNPRINTABLE.search(text) or len(text) > LONGEST_VALUE:
        raise InputError(f"{text[:60]!r} is too long or holds control characters")
    pattern = parameter.pattern or ("" if parameter.choices else SAFE_PATTERN)
    if isinstance(value, str) and pattern and not re.fullmatch(pattern, text):
        raise InputError(f"{text!r} does not match {pattern}")
    return text


def render(value: Parameter) -> str:
    """Return a value as it is written into an argument."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def filled_steps(steps: tuple[Step, ...], values: Mapping[str, str]) -> tuple[Step, ...]:
    """Return the steps with every `{name}` replaced by its value."""
    return tuple(_filled(step, values) for step in steps)


def words_of(step: Step) -> dict[str, str]:
    """Return the fields of a step that are one word each, text or a whole parameter."""
    fields = (name for name in type(step).model_fields if name not in _NOT_FILLED)
    return {name: getattr(step, name) for name in fields}


def filled_word(word: str, values: Mapping[str, str]) -> str:
    """Return a word, or the value of the parameter that it is. Raises InputError."""
    return _whole(word, values)


def filled_prose(text: str, values: Mapping[str, str]) -> str:
    """Return a sentence for people, filled in anywhere. Never used for anything that is run."""
    return re.sub(r"\{([a-z_]+)\}", lambda found: values.get(found[1], found[0]), text)


def values_of(runbook: Runbook, call: RunbookCall) -> dict[str, str]:
    """Return the call's parameters as text, checked against the runbook. Raises InputError."""
    return check_parameters(runbook, call.parameters)


def is_whole(word: str) -> bool:
    """Whether a word has no placeholder, or is one and nothing else."""
    found = placeholders(word)
    return not found or word == f"{{{found[0]}}}"


def _value(
    runbook_id: str, parameter: RunbookParameter, given: Mapping[str, Parameter]
) -> str | None:
    value = given.get(parameter.name, parameter.default)
    where = f"runbook {runbook_id}, parameter {parameter.name}"
    if value is None:
        if parameter.required:
            raise InputError(f"{where} is missing")
        return None
    try:
        return check_value(parameter, value)
    except InputError as error:
        raise InputError(f"{where}: {error.message}", hint=error.hint) from error


def _has_type(parameter: RunbookParameter, value: Parameter) -> bool:
    match parameter.type:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            if isinstance(value, (str, bool)):
                return False
            return math.isfinite(value)


def _filled(step: Step, values: Mapping[str, str]) -> Step:
    if isinstance(step, CommandStep):
        return step.model_copy(update={"argv": tuple(_whole(each, values) for each in step.argv)})
    update = {name: _whole(word, values) for name, word in words_of(step).items()}
    if isinstance(step, WeightsStep):
        update["weights"] = _filled_weights(step.weights, values)
    return step.model_copy(update=update)


def _filled_weights(text: str, values: Mapping[str, str]) -> str:
    pairs = [pair.partition("=") for pair in text.split(",")]
    return ",".join(f"{_of_pair(v, values)}={_of_pair(w, values)}" for v, _, w in pairs)


def _of_pair(word: str, values: Mapping[str, str]) -> str:
    """Return the filled half of `version=percent`; a value may not bring pairs of its own."""
    value = _whole(word.strip(), values)
    if set(value) & set("=, "):
        raise InputError(f"{value!r} cannot stand in weights: it holds `=`, `,` or a space")
    return value


def _whole(word: str, values: Mapping[str, str]) -> str:
    found = placeholders(word)
    if not found:
        return word
    if not is_whole(word):
        raise InputError(f"{word!r} mixes text with a parameter: a parameter is a whole value")
    if found[0] not in values:
        raise InputError(f"{word} has no value")
    return values[found[0]]
