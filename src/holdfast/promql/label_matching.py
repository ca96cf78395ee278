"""Label matchers against label sets, with the meaning that Prometheus gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from holdfast.promql.regex import compile_anchored
from holdfast.promql.samples import Matcher


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
            return compile_anchored(matcher.value).fullmatch(value) is not None
        case "!~":
            return compile_anchored(matcher.value).fullmatch(value) is None
