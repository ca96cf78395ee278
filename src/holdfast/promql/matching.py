"""Label matchers against label sets, with the meaning that Prometheus gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from holdfast.errors import PromQLError, PromQLUnsupported
from holdfast.promql.samples import Matcher

Predicate = Callable[[str], object]

_DIFFERENT_IN_RE2 = re.compile(
    r"\(\?(?:[=!>#(]|<[=!]|P[=>])|\\(?:[1-9AZzpPQECGkX])|\[\[?\^?:|[*+?}]\+"
)
"""What Python reads otherwise than RE2, or what RE2 does not know."""


def matches(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether the label set fulfils all matchers. A missing label reads as the empty string."""
    return all(_fulfils(m, labels.get(m.label, "")) for m in matchers)


def _fulfils(matcher: Matcher, value: str) -> bool:
    match matcher.operator:
        case "=":
            return value == matcher.value
        case "!=":
            return value != matcher.value
        case "=~":
            return compiled(matcher.value).fullmatch(value) is not None
        case "!~":
            return compiled(matcher.value).fullmatch(value) is None


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the pattern; `.` matches a line feed too, as in Prometheus.

    Raises PromQLUnsupported for what RE2 and Python read differently, PromQLError otherwise.
    """
    if _DIFFERENT_IN_RE2.search(pattern):
        raise PromQLUnsupported(
            f"the regular expression {pattern!r} uses what RE2 and Python read differently",
            hint="write it without look-around, back references and \\A \\z \\p \\Q",
        )
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error as error:
        raise PromQLError(f"the regular expression {pattern!r} is wrong: {error}") from None
