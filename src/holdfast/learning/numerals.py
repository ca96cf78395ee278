"""Finds the numerals of a text, and tells those that are part of an identifier.

A numeral is a run that begins with a digit. It may stand in a report only as a figure, except as
part of an identifier. These are identifiers:

- a word that begins with a letter, its parts joined by ``- _ . / +``: ``v2.3.4``, ``SEV1``,
  ``p95``, ``N+1``, ``HTTP/2``, ``orders_v2``, an id of the ledger;
- a path and a line in it: ``app/orders.py:42``;
- digits with two dots or more, and a port: ``2.3.4``, ``127.0.0.1:9090``;
- whatever stands in a fenced code block, in inline code, in a link's target or in a URL.

These are not, and need a figure: ``412``, ``412ms``, ``2xx``, ``93.1 %``, ``17:05:12 UTC``,
``2026-11-23``. Inline code that holds nothing but a quantity (`` `412 ms` ``) is none either,
unless the ledger knows it as a name (a version called ``12``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"

_LETTER = r"[^\W\d_]"
_CODE = re.compile(r"(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)")
_TARGET = re.compile(r"(?<!\\)\]\([^)\s]*\)|<a id=\"[^\"]*\"></a>|<?https?://[^\s)>]+>?")
_IDENTIFIER = re.compile(
    rf"(?<![\w.])(?:"
    rf"(?<![,:])\d+(?:\.\d+){{2,}}(?::\d+)?(?![\w.]*\d)"
    rf"|(?:[\w.-]*/)*{_LETTER}[\w-]*\.{_LETTER}+:\d+"
    rf"|{_LETTER}[^\W_]*(?:\\?[-_./+]+[^\W_]+)*"
    rf")(?!\w)"
)
_NUMERAL = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?"
    r"|\d{4}-\d\d-\d\d"
    r"|\d\d?:\d\d(?::\d\d)?"
    r"|\d+(?:,\d{3})+(?:\.\d+)?(?:[^\W\d_]+|[%\u00d7])?"
    r"|\d+(?:\.\d+)?(?:e[+-]?\d+)?(?:[^\W\d_]+|[%\u00d7])?"
)
_QUANTITY = re.compile(
    r"[≤≥<>=~≈+\u2212-]*\s*(?:\d[\d.,:e+\s-]*"
    r"|\d{4}-\d\d-\d\dT[\d:.]+)\s*[^\W\d_]{0,8}[%\u00d7]?"
)


@dataclass(frozen=True)
class Span:
    """A piece of a line: where it begins and ends, and what it says."""

    start: int
    end: int
    text: str


def is_quantity(code: str) -> bool:
    """Whether inline code holds nothing but a number and perhaps a unit."""
    return _QUANTITY.fullmatch(code.strip()) is not None


def code_spans(line: str) -> Iterator[Span]:
    """Yield the inline code of a line; `text` is what stands between the backticks."""
    for found in _CODE.finditer(line):
        yield Span(found.start(), found.end(), found["code"])


def bare_numerals(line: str, names: Collection[str] = ()) -> list[Span]:
    """Return the numerals of a line of prose that belong to no identifier.

    `names` are the things that the ledger names; they may look like a quantity in inline code.
    """
    return [
        Span(found.start(), found.end(), found.group())
        for found in _NUMERAL.finditer(masked(line, names))
    ] + _odd_digits(line)


def masked(line: str, names: Collection[str] = ()) -> str:
    """Return the line with everything that is no prose, and every identifier, blanked out."""
    for span in list(code_spans(line)):
        inside = span.text.strip()
        if not is_quantity(inside) or inside in names:
            line = _blank(line, span.start, span.end)
    for pattern in (_TARGET, _IDENTIFIER):
        for found in list(pattern.finditer(line)):
            line = _blank(line, found.start(), found.end())
    return line


def number_of(numeral: str) -> float:
    """Return what a numeral says: Unix seconds for a time, seconds of the day for a clock."""
    clock = re.match(r"\d\d?:\d\d(:\d\d)?", numeral)
    if clock:
        parts = [int(part) for part in clock.group().split(":")] + [0]
        return float(parts[0] * 3600 + parts[1] * 60 + parts[2])
    if re.match(r"\d{4}-\d\d-\d\d", numeral):
        moment = datetime.fromisoformat(numeral.split(" ")[0])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    digits = re.match(r"[\d,]+(?:\.\d+)?(?:e[+-]?\d+)?", numeral)
    if digits is None:
        raise ValueError(f"{numeral!r} is no numeral")
    return float(digits.group().replace(",", ""))


def _odd_digits(line: str) -> list[Span]:
    """Superscripts and the like: `\\d` does not match them, readers do."""
    return [
        Span(at, at + 1, character)
        for at, character in enumerate(line)
        if not character.isdecimal() and (character.isdigit() or character in "½⅓¼¾⅔")
    ]


def _blank(line: str, start: int, end: int) -> str:
    return line[:start] + " " * (end - start) + line[end:]
