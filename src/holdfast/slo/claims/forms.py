"""The forms of statements that are understood. A statement must fit one as a whole, or none.

A form is a pattern over token codes (`words.py`): `P of M G in D Q X` is "5 % of the monthly
budget in 1 h is 6x". Names of groups are what the tokens say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.slo.claims.quantities import Quantity
from holdfast.slo.claims.words import Read

Parts = Mapping[str, Quantity]
"""Tokens by what they say: fraction, window, period, burn, ratio, objective, downtime …"""

_OF = "(?:of|for|at|on|with)"
_LEAD = rf"(?:{_OF} (?P<objective>P)(?: S)?(?: (?:over|in|for|with) (?P<period>[MD]))? )?"
_BUDGET = rf"(?P<period>[MD] )?G(?: {_OF} (?P<objective>P)(?: S)?)?"
_OF_BUDGET = rf"(?:of )?{_BUDGET}"
_BURN = "(?P<burn>X)(?: B)?"
_BURN_OF = "B (?:of )?(?P<burn>[XN])"
_RATIO = "(?:E (?:of )?)?(?P<ratio>[NP])(?: E)?"
_DOWN = "(?: of)?(?: O)?"
_PER = "(?: (?:per|in|over|for|of))?"

_PATTERNS: tuple[tuple[str, str], ...] = (
    # 5 % of the monthly budget in 1 h is a 6x burn; 5 % in 1 h → 0.006 (6x)
    ("burn", f"{_LEAD}(?P<fraction>P)(?: {_OF_BUDGET})? (?:in|over|within) (?P<window>[DM])"
             f"(?: {_BURN}| B Q (?P<burn>[XN])| Q (?:{_BURN}|{_BURN_OF}|{_RATIO}"
             f"|(?P<ratio>[NP]) {_BURN}|{_BURN} {_RATIO}))"),
    # a 14.4x burn for 1 h spends 2 % of the monthly budget; burn rate 6 is 5 % of the budget in 6 h
    ("burn", f"{_LEAD}(?:{_BURN}|{_BURN_OF}) (?:for|in|over) (?P<window>[DM]) [VQ] "
             f"(?P<fraction>P) {_OF_BUDGET}"),
    ("burn", f"{_LEAD}(?:{_BURN}|{_BURN_OF}) [VQ] (?P<fraction>P) {_OF_BUDGET} "
             "(?:in|over|within) (?P<window>[DM])"),
    # 6x on 99.9 % is an error ratio of 0.006
    ("threshold", f"(?:{_BURN}|{_BURN_OF}) {_OF} (?P<objective>P)(?: S)? Q {_RATIO}"),
    ("threshold", f"{_LEAD}(?:{_BURN}|{_BURN_OF}) Q {_RATIO}"),
    ("threshold", f"E {_OF} (?:{_BURN}|{_BURN_OF}) {_OF} (?P<objective>P)(?: S)? Q {_RATIO}"),
    # the error budget of a 99.9 % SLO is 0.1 %
    ("budget", f"G {_OF} (?P<objective>P)(?: S)? Q (?P<fraction>P)"),
    # 0.1 % of 30 d = 43.2 min
    ("share", f"(?P<fraction>P) of (?P<period>[MD]) Q (?P<downtime>D){_DOWN}"),
    ("share", f"(?P<downtime>D){_DOWN} Q (?P<fraction>P) of (?P<period>[MD])"),
    # a 99.9 % SLO allows 43.2 min of downtime per month
    ("downtime", f"(?P<objective>P)(?: S)?(?:{_PER} (?P<period>[MD]))? Q (?P<downtime>D){_DOWN}"
                 f"(?:{_PER} (?P<period>[MD]))?"),
    ("downtime", f"(?P<objective>P)(?: S)?(?:{_PER} (?P<period>[MD]))? Q (?:(?P<period>[MD]) )?"
                 "G of (?P<downtime>D)"),
    ("downtime", f"(?P<downtime>D){_DOWN}(?:{_PER} (?P<period>[MD]))? Q (?P<objective>P)(?: S)?"),
    # a 10 min outage = 0.23 % of the monthly budget
    ("outage", f"{_LEAD}(?:(?P<downtime>D){_DOWN}|O of (?P<downtime>D)) [QV] (?P<fraction>P) "
               f"{_OF_BUDGET}"),
    ("outage", f"(?P<downtime>D){_DOWN} [QV] (?P<fraction>P) of (?P<objective>P) G"),
    # 99.5 → 99.9 cuts downtime by 75 %
    ("cut", "(?:from )?(?P<before>[PN])(?: S)? (?:to|Q) (?P<objective>[PN])(?: S)? C O(?: by)? "
            "(?:(?P<fraction>P)|(?P<factor>X))"),
    # a 14.4x burn exhausts the 30 d budget in 50 h
    ("exhaustion", f"(?:{_BURN}|{_BURN_OF}) [KV] (?:{_BUDGET}) (?:in|within) (?P<downtime>D)"),
    ("exhaustion", f"(?:at |with )?(?:{_BURN}|{_BURN_OF}) {_BUDGET} K (?P<downtime>D)"),
)  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """A statement that fits a form."""

    form: str
    parts: Parts
    about: bool


def fit(read: Read) -> Fit | None:
    """Return the form that the whole statement fits; None = it fits none, or has unknown words."""
    if read.unknown:
        return None
    for form, pattern in _COMPILED:
        match = pattern.fullmatch(read.codes)
        if match is not None:
            return Fit(form, _parts(match, read), read.about)
    return None


def _numbered(pattern: str) -> str:
    """A name may stand in several alternatives: `burn`, `burn__1`, `burn__2` …"""
    seen: dict[str, int] = {}

    def rename(match: re.Match[str]) -> str:
        name = match[1]
        seen[name] = seen.get(name, -1) + 1
        return f"(?P<{name}__{seen[name]}>" if seen[name] else match[0]

    return re.sub(r"\(\?P<(\w+)>", rename, pattern)


def _parts(match: re.Match[str], read: Read) -> dict[str, Quantity]:
    found: dict[str, Quantity] = {}
    for name, text in match.groupdict().items():
        if text is not None:
            place = read.codes.count(" ", 0, match.start(name))
            found[name.partition("__")[0]] = read.tokens[place]
    return found


_COMPILED = tuple((form, re.compile(_numbered(pattern))) for form, pattern in _PATTERNS)
