"""Finds numbers with units in a text, in the catalog's units; what only looks like one is aside.

Aside: versions (v2.3.4), percentiles (P95), status codes (503, 5xx), times of day (14:05), dates,
identifiers (checkout-2, #123), addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Unit = Literal["s", "fraction", "per_second", "factor", ""]


@dataclass(frozen=True)
class Measure:
    """A number at text[start:end]; `value` is in `unit`."""

    start: int
    end: int
    value: float
    unit: Unit


_ASIDE = re.compile(
    r"\bv\d+(?:\.\d+)*\S*"  # v2.3.4-rc1
    r"|\b\d+\.\d+\.\d+\S*"  # 2.3.4, 10.0.0.1
    r"|\bp\d{2,3}(?:\.\d+)?\b|\b\d{2}(?:\.\d+)?(?:th|st|nd|rd)\b"  # P95, 95th
    r"|\b[45]\d\ds?\b(?=\s*(?:errors?|responses?|status|from|everywhere)\b"
    r"(?!\s*(?:per|an?|each|every|in)\b|\s*/))"
    r"|\bhttp[ /]+[1-5]\d\d\b|\bstatus(?: code)?s?\s*[:=]?\s*[1-5]\d\d\b|\b[45]xx\b|\b50[0-9]s\b"
    r"|\b\d{1,2}:\d{2}(?::\d{2})?(?:\s*(?:am|pm|utc|z))?\b|\b\d{1,2}\s*(?:am|pm)\b"
    r"|\b\d{4}-\d{2}-\d{2}\S*"
    r"|#\d+|\b[a-z][\w.]*[-_]\d[\w-]*|\b(?!x\d+\b)[a-z]+\d+\w*",
    re.IGNORECASE,
)

_NUMBER = r"(?<![\w.,])~?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)\s*"
_SECONDS: dict[str, float] = {
    r"(?:ms|msecs?|millis|milliseconds?)": 0.001,
    r"(?:µs|us|microseconds?)": 0.000001,
    r"(?:s|secs?|seconds?)": 1,
    r"(?:m|mins?|minutes?)": 60,
    r"(?:h|hrs?|hours?)": 3600,
    r"(?:d|days?)": 86_400,
}
_PER: dict[str, float] = {
    r"(?:s|secs?|seconds?)": 1,
    r"(?:m|mins?|minutes?)": 60,
    r"(?:h|hours?)": 3600,
}
_EVENTS = (
    r"(?:requests?|reqs?|errors?|failures?|exceptions?|timeouts?|queries|calls|orders|messages)"
)
_WORDS: dict[str, float] = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twenty": 20,
    "hundred": 100,
}
_WORD = rf"({'|'.join(_WORDS)})"
_PARTS: dict[str, float] = {"half": 0.5, "a third": 1 / 3, "a quarter": 0.25}


def find_measures(text: str) -> Iterator[Measure]:
    """Yield the numbers of a text in order, none overlapping another."""
    plain = _ASIDE.sub(lambda match: " " * len(match[0]), text.lower())
    found: list[Measure] = []
    for measure in _candidates(plain):
        if all(measure.end <= m.start or measure.start >= m.end for m in found):
            found.append(measure)
    return iter(sorted(found, key=lambda measure: measure.start))


def _candidates(text: str) -> Iterator[Measure]:
    """More telling readings first: a rate before a duration, a part of a whole before a count."""
    yield from _shares(text)
    yield from _rates(text)
    yield from _matches(text, rf"{_NUMBER}(?:%|percent\b|per ?cent\b|pct\b)", 0.01, "fraction")
    yield from _factors(text)
    for unit, size in _SECONDS.items():
        yield from _matches(text, rf"{_NUMBER}{unit}\b(?!/)", size, "s")
        yield from _matches(
            text, rf"{_NUMBER}(?=(?:to|->|\u2192|-)\s*[\d.]+\s*{unit}\b)", size, "s"
        )
    yield from _matches(text, rf"{_NUMBER}(?=(?:to|->|\u2192|-)\s*[\d.]+\s*%)", 0.01, "fraction")
    for word, value in _WORDS.items():
        for unit, size in _SECONDS.items():
            for match in re.finditer(rf"\b{word} {unit}\b", text):
                yield Measure(match.start(), match.end(), value * size, "s")
    for match in re.finditer(rf"{_NUMBER}(k|m)?\b", text):
        scale = {"k": 1e3, "m": 1e6}.get(match[2] or "", 1.0)
        yield Measure(match.start(), match.end(), _number(match[1]) * scale, "")


def _matches(text: str, pattern: str, size: float, unit: Unit) -> Iterator[Measure]:
    for match in re.finditer(pattern, text):
        value = float(
            f"{_number(match[1]) * size:.12g}"
        )  # 50 ms is 0.05 s, not 0.05000000000000001
        yield Measure(match.start(), match.end(), value, unit)


def _shares(text: str) -> Iterator[Measure]:
    """`1 in 5`, `two out of ten`, `half of`."""
    number = rf"(?:{_NUMBER}|\b{_WORD}\s+)"
    for match in re.finditer(
        rf"{number}(?:in(?: every)?|out of(?: every)?)\s+{number}", f"{text} "
    ):
        part, whole = _either(match[1], match[2]), _either(match[3], match[4])
        if 0 < part <= whole:
            end = match.start() + len(match[0].rstrip())
            yield Measure(match.start(), end, part / whole, "fraction")
    for words, value in _PARTS.items():
        for match in re.finditer(
            rf"\b{words}\b(?= (?:of|the|our|all|requests|users|customers))", text
        ):
            yield Measure(match.start(), match.end(), value, "fraction")


def _rates(text: str) -> Iterator[Measure]:
    yield from _matches(text, rf"{_NUMBER}k\s*(?:rps|qps|req/s|tps)\b", 1000, "per_second")
    yield from _matches(text, rf"{_NUMBER}(?:rps|qps|tps)\b", 1, "per_second")
    for unit, seconds in _PER.items():
        pattern = rf"{_NUMBER}(?:{_EVENTS}\s*)?(?:/|per |an? |each |every )\s*{unit}\b"
        yield from _matches(text, pattern, 1 / seconds, "per_second")


def _factors(text: str) -> Iterator[Measure]:
    yield from _matches(text, rf"{_NUMBER}(?:x|\u00d7|times|-?fold)(?!\w)", 1, "factor")
    yield from _matches(text, r"(?<!\w)[x\u00d7](\d+(?:\.\d+)?)\b", 1, "factor")
    yield from _matches(text, r"\bfactor of (\d+(?:\.\d+)?)\b", 1, "factor")
    for match in re.finditer(rf"\b{_WORD}[- ]?(?:times|fold)\b", text):
        yield Measure(match.start(), match.end(), _WORDS[match[1]], "factor")
    for words, value in (("doubled", 2.0), ("tripled", 3.0), ("halved", 0.5)):
        for match in re.finditer(rf"\b{words}\b", text):
            yield Measure(match.start(), match.end(), value, "factor")


def _either(digits: str | None, word: str | None) -> float:
    return _number(digits) if digits else _WORDS[word or ""]


def _number(digits: str) -> float:
    return float(digits.replace(",", ""))
