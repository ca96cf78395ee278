"""Reads a statement into quantities and the few words that are understood; else says which not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.slo.claims.quantities import SECONDS, Quantity

_UNITS = {
    "s": "s sec secs second seconds",
    "min": "m min mins minute minutes",
    "h": "h hr hrs hour hours",
    "d": "d day days",
    "week": "w week weeks",
    "month": "month months mo",
    "quarter": "quarter quarters",
    "year": "y year years",
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words.split()}
PERIODS = {
    "weekly": "week", "week": "week", "monthly": "month", "month": "month",
    "quarterly": "quarter", "quarter": "quarter", "yearly": "year", "annual": "year",
    "annually": "year", "year": "year",
}  # fmt: skip
_ONE = {"hour": 3600.0, "day": 86400.0, "minute": 60.0, "hourly": 3600.0, "daily": 86400.0}
_WORDS = {
    "G": "budget budgets",
    "O": "outage downtime unavailability incident",
    "B": "burn burnrate burning",
    "E": "threshold errors error-rate error-ratio",
    "S": "slo objective target availability uptime",
    "Q": "= : is are equals equal means makes gives allows permits leaves has",
    "V": "spends uses consumes costs eats burns takes",
    "K": "exhausts empties lasts",
    "C": "cuts reduces lowers",
}
_CODE_OF = {word: code for code, words in _WORDS.items() for word in words.split()}
_PREPOSITIONS = frozenset(
    {"in", "of", "at", "for", "per", "from", "to", "over", "by", "on", "with", "within"}
)
_FILLERS = frozenset(
    {
        *("a", "an", "the", "full", "total", "complete", "whole", "if", "then", "when", "that"),
        *("burning", "spending", "consuming", "using", "moving", "going", "improving", "raising"),
        *("spent", "burned", "burnt", "consumed", "used", "consumption"),
    }
)
"""What carries no number. A negation or a comparison is none of them: it is not understood."""
_ABOUT = frozenset({"about", "roughly", "approximately", "around", "~", "≈"})

_TOKEN = re.compile(
    r"""(?P<percent>\d+(?:\.\d+)?)\s*(?:%|percent\b)
    |(?P<factor>\d+(?:\.\d+)?)\s*(?:x|times)(?![a-z0-9])
    |(?P<time>\d+(?:\.\d+)?)[\s-]*(?P<unit>UNITS)(?![a-z])
    |(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?)(?![a-z0-9])
    |(?P<word>[a-z][a-z-]*)
    |(?P<sign>[=~≈]|:(?=\s))
    |(?P<space>[\s,;()"'`]+|\.(?!\d))
    |(?P<unknown>\S+)""".replace("UNITS", "|".join(sorted(_UNIT_OF, key=len, reverse=True))),
    re.VERBOSE,
)
_REWRITES = (
    ("\N{MULTIPLICATION SIGN}", "x"),
    ("→", "="), ("->", "="), ("=>", "="), ("⇒", "="),
    ("per cent", "percent"),
    ("four-week", "28 d"), ("four week", "28 d"),
    ("error budget", "budget"), ("error rate", "error-rate"), ("error ratio", "error-ratio"),
    ("burn rate", "burn"), ("burn-rate", "burn"), ("burnrate", "burn"),
    ("down time", "downtime"), ("error-rate threshold", "threshold"), ("/", " per "),
    ("is spent", "spent"), ("is consumed", "consumed"), ("is burned", "burned"),
    ("corresponds to", "="), ("is equivalent to", "="), ("amounts to", "="),
    ("two nines", "99%"), ("three nines", "99.9%"), ("four nines", "99.99%"),
    ("five nines", "99.999%"), ("in one ", "in 1 "), ("a single ", "1 "),
)  # fmt: skip


@dataclass(frozen=True)
class Read:
    """A statement that was read. `unknown` are the parts that mean nothing here."""

    tokens: tuple[Quantity, ...]
    about: bool
    unknown: tuple[str, ...]

    @property
    def codes(self) -> str:
        """The codes of the tokens, a space between them."""
        return " ".join(token.code for token in self.tokens)


def read_statement(text: str) -> Read:
    """Return the tokens of a statement."""
    plain = text.lower()
    for written, meant in _REWRITES:
        plain = plain.replace(written, meant)
    tokens: list[Quantity] = []
    unknown: list[str] = []
    about = False
    for match in _TOKEN.finditer(plain):
        if match["space"]:
            continue
        if match[0] in _ABOUT:
            about = True
        elif match[0] not in _FILLERS:
            token = _token(match)
            if token is None:
                unknown.append(match[0])
            else:
                tokens.append(token)
    return Read(tuple(_objectives_first(list(_joined_times(tokens)))), about, tuple(unknown))


def _objectives_first(tokens: list[Quantity]) -> list[Quantity]:
    """`an SLO of 99.9 %` is a 99.9 % SLO."""
    codes = [token.code for token in tokens]
    for place in range(len(tokens) - 2):
        if codes[place : place + 3] == ["S", "of", "P"]:
            objective, slo = tokens[place + 2], tokens[place]
            return [*tokens[:place], objective, slo, *_objectives_first(tokens[place + 3 :])]
    return tokens


def _token(match: re.Match[str]) -> Quantity | None:
    text = match[0].strip()
    if match["percent"]:
        return Quantity(
            "P", text, float(match["percent"]) / 100, _half_unit(match["percent"]) / 100
        )
    if match["factor"]:
        return Quantity("X", text, float(match["factor"]), _half_unit(match["factor"]))
    if match["time"]:
        size = SECONDS[_UNIT_OF[match["unit"]]]
        return Quantity("D", text, float(match["time"]) * size, _half_unit(match["time"]) * size)
    if match["number"]:
        return Quantity("N", text, float(match["number"]), _half_unit(match["number"]))
    return _word(text)


def _word(text: str) -> Quantity | None:
    if text in PERIODS:
        return Quantity("M", text, SECONDS[PERIODS[text]])
    if text in _ONE:
        return Quantity("D", text, _ONE[text])
    if text in _PREPOSITIONS:
        return Quantity(text, text)
    code = _CODE_OF.get(text)
    return None if code is None else Quantity(code, text)


def _half_unit(digits: str) -> float:
    mantissa, _, exponent = digits.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 0.5 * 10.0 ** (int(exponent or 0) - decimals)


def _joined_times(tokens: list[Quantity]) -> Iterator[Quantity]:
    """`8 h 45 min` is one time: each part is less than the one before it was precise."""
    held: Quantity | None = None
    for token in tokens:
        if held and token.code == "D" and 0 < token.value < 2 * held.precision:
            text = f"{held.text} {token.text}"
            held = Quantity("D", text, held.value + token.value, token.precision)
            continue
        if held:
            yield held
        held = token if token.code == "D" else None
        if held is None:
            yield token
    if held:
        yield held
