"""Puts recording rules into the alerts that refer to them, so that a history can be asked.

The series of a recording rule may not have been recorded in the past, or by another expression
than the rule under test. So the rule's own expression takes the selector's place:

- its static labels are put on with `label_replace`, as recording does;
- matchers on those labels are decided here; matchers on other labels become a filter that says the
  same of any vector (`and on (…)`);
- several rules of one name are joined by `or`;
- over a range it becomes a subquery at the replay's step.

`offset` and `@` at such a selector, and a rule that refers to itself, are refused by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import promql_parser as pp

from holdfast.catalog.template import duration, parse
from holdfast.errors import PromQLError, PromQLUnsupported
from holdfast.promql.regex import compile_anchored
from holdfast.slo.replay.rule_groups import RecordingRule

_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`')
_TOKEN = re.compile(rf"{_STRING.pattern}|[a-zA-Z_:][\w:]*|#[^\n]*")
_BRACES = re.compile(rf"\s*\{{(?:{_STRING.pattern}|[^{{}}\"'`])*\}}")
_RANGE = re.compile(r"\s*\[\s*([^\[\]:]+?)\s*\]")
_MOVED = re.compile(r"\s*(offset\b|@)")
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)")
_LABELS = (_BRACES, _GROUPING)
"""Where names are those of labels."""
_MARK = "holdfast_matches"
_DEPTH = 10


@dataclass(frozen=True)
class Substituted:
    """An expression that refers to no recording rule, and the names of those put in."""

    expression: str
    used: tuple[str, ...] = ()


def substitute(
    expression: str, records: Sequence[RecordingRule], step_seconds: float
) -> Substituted:
    """Return the expression with every recording rule put in, those within them too.

    Raises PromQLUnsupported, naming the recording rule, where that is not possible.
    """
    names = {rule.name for rule in records}
    used: dict[str, None] = {}
    for _ in range(_DEPTH):
        known = sorted(_names_in(expression) & names)
        if not known:
            return Substituted(expression, tuple(used))
        used.update(dict.fromkeys(known))
        for name in known:
            expression = _put_in(expression, name, records, step_seconds)
    raise PromQLUnsupported(
        f"recording rule {min(_names_in(expression) & names)} refers to itself",
        hint="give each step of a recording its own name",
    )


def selectors(expression: str) -> list[pp.VectorSelector]:
    """Return all vector selectors of an expression, those of ranges too."""
    found: list[pp.VectorSelector] = []

    def note(node: pp.Expr) -> None:
        if isinstance(node, pp.VectorSelector):  # those of ranges are visited too
            found.append(node)

    pp.walk(parse(expression), pre_visit=note)
    return found


def _names_in(expression: str) -> set[str]:
    return {name for name in (_name_of(one) for one in selectors(expression)) if name}


def _name_of(selector: pp.VectorSelector) -> str:
    return selector.name or next(
        (m.value for m in selector.matchers.matchers if m.name == "__name__"), ""
    )


def _put_in(
    expression: str, name: str, records: Sequence[RecordingRule], step_seconds: float
) -> str:
    wanted = sum(1 for one in selectors(expression) if _name_of(one) == name)
    written, at, count = "", 0, 0
    of_labels = [m.span() for pattern in _LABELS for m in pattern.finditer(expression)]
    for token in _TOKEN.finditer(expression):
        is_label = any(low <= token.start() < high for low, high in of_labels)
        if token.group() != name or token.start() < at or is_label:
            continue
        braces = _BRACES.match(expression, token.end())
        end = braces.end() if braces else token.end()
        span = _RANGE.match(expression, end)
        end = span.end() if span else end
        if _MOVED.match(expression, end):
            raise _refused(name, "with offset or @")
        instant = expression[token.start() : braces.end() if braces else token.end()]
        written += expression[at : token.start()] + _stand_in(
            instant, name, records, span[1] if span else "", step_seconds
        )
        at, count = end, count + 1
    if count != wanted:
        raise _refused(name, "in a way that cannot be told apart in the text")
    return _parsed(written + expression[at:], name)


def _parsed(expression: str, name: str) -> str:
    try:
        parse(expression)
    except PromQLError:
        raise _refused(name, "where no other expression can stand") from None
    return expression


def _stand_in(
    selector: str,
    name: str,
    records: Sequence[RecordingRule],
    range_text: str,
    step_seconds: float,
) -> str:
    """Return the recording rules' own expressions in place of one selector."""
    [parsed] = selectors(selector)
    if parsed.matchers.or_matchers:
        raise _refused(name, "with `or` between matchers")
    matchers = [m for m in parsed.matchers.matchers if m.name != "__name__"]
    choices = [_one(rule, matchers) for rule in records if rule.name == name]
    kept = [choice for choice in choices if choice is not None]
    joined = f"({' or '.join(kept)})" if kept else "(vector(0) > 1)"  # none can ever match
    return f"{joined}[{range_text}:{duration(step_seconds)}]" if range_text else joined


def _one(rule: RecordingRule, matchers: Sequence[pp.Matcher]) -> str | None:
    """Return one rule's expression with its labels, filtered; None where no series can match."""
    expression = f"({rule.expression})"
    for label, value in sorted(rule.labels.items()):
        expression = f'label_replace({expression}, "{label}", {_quoted(_literal(value))}, "", "")'
    for matcher in matchers:
        if matcher.name in rule.labels:
            if not _matches(matcher, rule.labels[matcher.name]):
                return None
        else:
            expression = _filtered(expression, matcher)
    return expression


def _filtered(expression: str, matcher: pp.Matcher) -> str:
    """Return PromQL that keeps the series of any vector that a matcher matches.

    The label is marked by `label_replace`, whose expression is anchored as a matcher's is.
    """
    equal = matcher.op in (pp.MatchOp.Equal, pp.MatchOp.NotEqual)
    regex = re.escape(matcher.value) if equal else matcher.value
    marked = f'label_replace({expression}, "{_MARK}", "1", "{matcher.name}", {_quoted(regex)})'
    ones = f'label_replace(vector(1), "{_MARK}", "1", "", "")'
    if matcher.op in (pp.MatchOp.NotEqual, pp.MatchOp.NotRe):
        return f"({marked} unless on ({_MARK}) {ones})"
    return f'label_replace({marked} and on ({_MARK}) {ones}, "{_MARK}", "", "", "")'


def _matches(matcher: pp.Matcher, value: str) -> bool:
    if matcher.op in (pp.MatchOp.Equal, pp.MatchOp.NotEqual):
        return (matcher.value == value) == (matcher.op == pp.MatchOp.Equal)
    found = compile_anchored(matcher.value).fullmatch(value) is not None
    return found == (matcher.op == pp.MatchOp.Re)


def _literal(value: str) -> str:
    """`$` is a reference in label_replace's replacement; doubled it is itself."""
    return value.replace("$", "$$")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _refused(name: str, how: str) -> PromQLUnsupported:
    return PromQLUnsupported(
        f"recording rule {name} is referred to {how}",
        hint="write the recording rule's expression out in the alert",
    )
