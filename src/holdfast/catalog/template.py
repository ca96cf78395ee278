"""PromQL templates: `$window` is a duration, `$by` the labels to keep.

Every template of the catalog is filled here, so that the loader checks what will be asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import promql_parser

from holdfast.errors import PromQLError

WINDOW = "$window"
BY = "$by"

_PLACEHOLDER = re.compile(r"\$(\w+)")


def duration(seconds: float) -> str:
    """Return a Prometheus duration, for example `5m`; milliseconds where seconds do not do."""
    milliseconds = round(seconds * 1000)
    if milliseconds <= 0:
        raise PromQLError(f"a window of {seconds:g} s is no duration", hint="give a positive one")
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def fill(template: str, window_seconds: float, by: Sequence[str] = ()) -> str:
    """Return the PromQL of a template. Without `by`, a comma beside `$by` goes with it."""
    query = template.replace(WINDOW, duration(window_seconds))
    if by:
        return query.replace(BY, ", ".join(by))
    return re.sub(r",\s*\$by\b|\$by\s*,|\$by\b", "", query)


def check_template(template: str, *, by_allowed: bool) -> None:
    """Raise PromQLError, saying what is wrong, unless the template can be filled and parsed."""
    if WINDOW not in template:
        raise PromQLError(
            f"no {WINDOW} in {template!r}",
            hint=f"write the range as [{WINDOW}], so that one template serves every window",
        )
    known = {"window", "by"} if by_allowed else {"window"}
    unknown = sorted(set(_PLACEHOLDER.findall(_without_strings(template))) - known)
    if unknown:
        allowed = " and ".join(f"${name}" for name in sorted(known, reverse=True))
        raise PromQLError(
            f"unknown placeholder ${unknown[0]} in {template!r}", hint=f"only {allowed} may stand"
        )
    for by in ((), ("service_version",)):
        parse(fill(template, 300, by))


def parse(query: str) -> promql_parser.Expr:
    """Parse PromQL, or raise PromQLError with the parser's words."""
    try:
        return promql_parser.parse(query)
    except ValueError as error:
        raise PromQLError(
            f"{query!r} is not PromQL: {error}", hint="try it in your metrics server's own page"
        ) from error


def _without_strings(template: str) -> str:
    return re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`', '""', template)
