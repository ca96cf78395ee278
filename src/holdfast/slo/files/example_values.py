"""Label values that fulfil matchers, or do not: from what the matchers themselves say.

A regular expression is answered by an example for each of its alternatives, tried against the
pattern itself; what has no example is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from holdfast.catalog.families import STATUS_LABELS
from holdfast.errors import InputError
from holdfast.promql.label_matching import matches
from holdfast.promql.regex import compile_anchored
from holdfast.promql.samples import Matcher

NAME = "__name__"
BOUNDARY = "le"

_FILLER = "other"
_MOST_EXAMPLES = 6
_CLASS_TRIES = "05aAzx_-. /:"
_ESCAPED_CLASSES = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a"}


def values_of(label: str, matchers: Sequence[Matcher]) -> tuple[str, ...]:
    """Return values of one label, one for each way to fulfil some matchers and not others.

    All matchers must be about this label; the empty string stands for a series without it.
    Raises InputError for a pattern that no example is found for.
    """
    by_answers: dict[tuple[bool, ...], str] = {}
    for value in dict.fromkeys(_pool(label, matchers)):
        answers = tuple(matches([m], {label: value} if value else {}) for m in matchers)
        by_answers.setdefault(answers, value)
    return tuple(by_answers.values())


def usual_value(label: str) -> str:
    """Return a value for a label that no matcher is about."""
    return "+Inf" if label == BOUNDARY else _FILLER


def _pool(label: str, matchers: Sequence[Matcher]) -> Iterator[str]:
    positive = [m for m in matchers if m.operator in ("=", "=~")]
    negative = [m for m in matchers if m.operator in ("!=", "!~")]
    for matcher in positive:
        yield from _examples(matcher)
    if label == NAME:
        return
    yield from ("200",) if label in STATUS_LABELS else ()
    yield usual_value(label)
    for matcher in negative:
        yield from _examples(matcher)
    yield ""


def _examples(matcher: Matcher) -> Iterator[str]:
    if matcher.operator in ("=", "!="):
        yield matcher.value
        return
    pattern = compile_anchored(matcher.value)
    found = [text for text in _Sampler(matcher.value).samples() if pattern.fullmatch(text)]
    if not found:
        raise InputError(
            f'no example was found for {matcher.label}{matcher.operator}"{matcher.value}"',
            hint="write it as a list of alternatives, for example a|b",
        )
    yield from dict.fromkeys(found[:_MOST_EXAMPLES])


class _Sampler:
    """Writes short texts for a pattern: each of its alternatives, nothing for `*`, one for `+`."""

    def __init__(self, pattern: str) -> None:
        self._rest = pattern.removeprefix("^").removesuffix("$")
        self._at = 0

    def samples(self) -> list[str]:
        """Return a few texts; that they match is for the caller to see."""
        return self._alternatives()

    def _alternatives(self) -> list[str]:
        found = self._sequence()
        while self._peek() == "|":
            self._at += 1
            found += self._sequence()
        return found[:_MOST_EXAMPLES]

    def _sequence(self) -> list[str]:
        texts = [""]
        while self._peek() not in ("", "|", ")"):
            after = self._repeated(self._atom())
            texts = [text + one for text in texts for one in after][:_MOST_EXAMPLES]
        return texts

    def _atom(self) -> list[str]:
        character = self._take()
        if character == "(":
            if self._rest.startswith("?", self._at):
                self._at = self._after_flags()
            inner = self._alternatives()
            self._take()
            return inner
        if character == "[":
            return [self._class()]
        if character == "\\":
            escaped = self._take()
            return [_ESCAPED_CLASSES.get(escaped, escaped)]
        return ["0" if character == "." else character]

    def _after_flags(self) -> int:
        """Where the inside of `(?:`, `(?i)` or `(?P<name>` begins; a wrong guess is not kept."""
        end = self._at
        while end < len(self._rest) and self._rest[end] not in ":>)":
            end += 1
        return end if self._rest[end : end + 1] == ")" else end + 1

    def _class(self) -> str:
        start = self._at - 1
        self._at += 2 if self._rest.startswith("^]", self._at) else 1  # a first ] is a character
        while self._peek() not in ("]", ""):
            self._at += 2 if self._peek() == "\\" else 1
        self._take()
        written = compile_anchored(self._rest[start : self._at])
        first = self._rest[start + 1]
        return next((c for c in (first, *_CLASS_TRIES) if written.fullmatch(c)), first)

    def _repeated(self, texts: list[str]) -> list[str]:
        mark = self._peek()
        if mark in ("*", "?", "+"):
            self._at += 1
            return texts if mark == "+" else [""]
        if mark == "{" and (end := self._rest.find("}", self._at)) > 0:
            least = self._rest[self._at + 1 : end].split(",")[0]
            self._at = end + 1
            return [text * int(least) for text in texts] if least.isdigit() else texts
        return texts

    def _peek(self) -> str:
        return self._rest[self._at : self._at + 1]

    def _take(self) -> str:
        self._at += 1
        return self._rest[self._at - 1 : self._at]
