"""What may stand in an argv: names and versions from a safe alphabet, templates filled by code."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Collection, Mapping, Sequence
from typing import cast
from urllib.parse import urlsplit

from holdfast.errors import ConfigError, InputError

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+/-]{0,199}")
_SAFE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+/:-]{0,199}")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish"})

WEIGHT_SUM_TOLERANCE_PERCENT = 0.1
"""Three times 33.3 is meant as a whole."""


def safe_name(value: str, what: str) -> str:
    """Return a service's name or a version unchanged, or raise InputError.

    Letters, digits and `. _ - + /` only, a letter or digit first, no `..` between slashes: such
    a value can be neither an option, nor a path upwards, nor anything that a shell would read.
    """
    if not _SAFE.fullmatch(value) or _leads_upwards(value):
        raise InputError(
            f"the {what} {value!r} is refused",
            hint="letters, digits and . _ - + / only, beginning with a letter or a digit",
        )
    return value


def safe_key(value: str) -> str:
    """Return an idempotency key unchanged, or raise InputError; `:` is allowed besides."""
    if not _SAFE_KEY.fullmatch(value) or _leads_upwards(value):
        raise InputError(f"the idempotency key {value!r} is refused")
    return value


def checked_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """Return version → percent, or raise InputError: safe versions, 0 to 100 each, 100 in sum."""
    for version, percent in weights.items():
        safe_name(version, "version")
        if not (math.isfinite(percent) and 0 <= percent <= 100):
            raise InputError(f"the weight of {version} is {percent}: it must be 0 to 100 percent")
    total = sum(weights.values())
    if not abs(total - 100) <= WEIGHT_SUM_TOLERANCE_PERCENT:
        raise InputError(f"the weights sum to {total:g} percent: they must sum to 100")
    return dict(weights)


def read_endpoints(printed: str) -> dict[str, str]:
    """Return version → base URL of a JSON object, or raise InputError.

    Versions are safe names; URLs are http or https, with a host and without user or password.
    """
    try:
        found: object = json.loads(printed)
    except ValueError as error:
        raise InputError(f"it is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputError("it is no JSON object")
    answer: dict[str, str] = {}
    for version, url in cast("dict[str, object]", found).items():
        if not isinstance(url, str) or not _is_base_url(url):
            raise InputError(f"{version}: {url!r} is no base URL")
        answer[safe_name(version, "version")] = url.rstrip("/")
    return answer


def weights_argument(weights: Mapping[str, float]) -> str:
    """Return `v1=90,v2=10`. Neither `=` nor `,` can stand in a version."""
    return ",".join(f"{version}={percent:g}" for version, percent in weights.items())


def placeholders(argument: str) -> tuple[str, ...]:
    """Return the names of the `{name}` in an argument, in order."""
    return tuple(_PLACEHOLDER.findall(argument))


def check_template(argv: Sequence[str], known: Collection[str], where: str) -> None:
    """Raise ConfigError for an argv template that could not be filled in safely.

    The program is fixed, every `{name}` is known, and no value goes into a shell's `-c` script.
    """
    if not argv or not argv[0] or placeholders(argv[0]):
        raise ConfigError(f"{where}: the first argument must be the program, without placeholders")
    for argument in argv:
        unknown = sorted(set(placeholders(argument)) - set(known))
        if unknown:
            raise ConfigError(
                f"{where}: {{{unknown[0]}}} is not known here",
                hint=f"known: {', '.join(sorted(known)) or 'none'}",
            )
        if "\0" in argument:
            raise ConfigError(f"{where}: an argument holds a null character")
    if any(placeholders(script) for script in _shell_scripts(argv)):
        raise ConfigError(
            f"{where}: a value may not be written into a shell script",
            hint='pass it as an argument: ["sh", "-c", "deploy \\"$1\\"", "sh", "{version}"]',
        )


def fill_template(argv: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """Return argv with every `{name}` replaced; a replaced value is not read again."""
    return tuple(_PLACEHOLDER.sub(lambda found: values[found[1]], argument) for argument in argv)


def _is_base_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port  # raises where it is none
    except ValueError:
        return False
    plain = parts.scheme in ("http", "https") and parts.username is None and port != 0
    return plain and bool(parts.hostname) and not (parts.query or parts.fragment)


def _leads_upwards(value: str) -> bool:
    return ".." in value.split("/")


def _shell_scripts(argv: Sequence[str]) -> list[str]:
    """Return the arguments that a shell would read as a script (`-c`, also `-ec`)."""
    return [
        argv[index + 2]
        for index, option in enumerate(argv[1:-1])
        if any(os.path.basename(word) in _SHELLS for word in argv[: index + 1])
        and re.fullmatch(r"-[a-z]*c[a-z]*", option)
    ]
