"""Reads a person's sentence: which symptoms, and which numbers about what.

The numbers are claims to be measured, not facts. Values are in the units of the catalog: seconds,
fractions, per second. A number that names no quantity (a status code, a version, a time of day)
is no claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from holdfast.model.incident import Claim
from holdfast.signals.numbers import Measure, find_measures


class Symptom(StrEnum):
    """What users feel, by the four golden signals (traffic aside)."""

    LATENCY = "latency"
    ERRORS = "errors"
    AVAILABILITY = "availability"
    SATURATION = "saturation"


_SYMPTOMS: dict[Symptom, re.Pattern[str]] = {
    Symptom.LATENCY: re.compile(
        r"\b(slow\w*|laten\w+|response times?|p\d{2,3}(\.\d+)?|[\d.]+(th|st|nd|rd) percentile"
        r"|time[sd]?[- ]?outs?"
        r"|timing out|hang(s|ing)?|hung|lag(s|gy|ging)?|sluggish|takes? (ages|forever|long\w*)"
        r"|seconds? to (load|respond|answer)|spinn\w+|delay\w*|stuck)\b"
    ),
    Symptom.ERRORS: re.compile(
        r"\b(errors?|exceptions?|fail\w*|5xx|4xx|50\ds?|crash\w*|broken|lost|rejected|refused|declin\w+"
        r"|stack ?traces?|wrong)\b"
    ),
    Symptom.AVAILABILITY: re.compile(
        r"\b(down|outage|unavailable|unreachable|offline|not reachable|can(no|')?t (be )?reach\w*"
        r"|does(n't| not) (load|respond|answer)|not (loading|responding|answering)|dead"
        r"|availability|uptime|blackout)\b(?! (to|by|from) \d)"
    ),
    Symptom.SATURATION: re.compile(
        r"\b(satur\w+|cpu|memory|out of memory|oom\w*|disk|pool|exhaust\w+|queue\w*|backlog"
        r"|overload\w*|threads?|capacity|full)\b"
    ),
}

_ABOUT: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("cpu_utilization", re.compile(r"\bcpu\b")),
    ("memory_utilization", re.compile(r"\b(memory|ram|heap)\b")),
    ("disk_utilization", re.compile(r"\bdisk\b")),
    ("pool_utilization", re.compile(r"\b(pool|connections?)\b")),
    ("availability_ratio", re.compile(r"\b(availability|uptime|success(es|ful)?( rate)?|sli)\b")),
    ("slow_ratio", re.compile(r"\b(slow|tim(ed|e|ing)[- ]?outs?|hang\w*)\b")),
    ("error_ratio", re.compile(r"\b(errors?|fail\w*|5xx|50\d|exceptions?|reject\w+|crash\w*)\b")),
    ("request_rate", re.compile(r"\b(traffic|load|requests|throughput|volume|rps|qps)\b")),
    ("latency", re.compile(r"\b(laten\w+|response times?|p\d{2,3}|percentile|median|slower)\b")),
)
_PERCENTILE = re.compile(
    r"\bp(\d{2,3}(?:\.\d+)?)\b|\b(\d{2}(?:\.\d+)?)(?:th|st|nd|rd)[- ]percentile"
)
_COUNTED = re.compile(
    r"\s*(?:\w+\s){0,2}?(users?|customers?|people|clients?|requests?|errors?|orders?|hosts?|pods?"
    r"|instances?|failures?|timeouts?|tickets?|complaints?)\b"
)
_LASTING = re.compile(r"\b(for|last|past|since|during)( about| around| over)?\s*$")
_PERHAPS_LASTING = re.compile(r"\b(within|about|around|after)\s*$")
_DURATION_AFTER = re.compile(r"^\s*(ago|now\b|already)")

_ONCE = re.compile(r"\b(usually|normally|used to be|instead of|rather than)\s*(about|~)?\s*$")
_FROM = re.compile(r"\b(from|was|were)\s*(about|around|~)?\s*$")
_BECAME = re.compile(r"\s*(up to\b|to\b|-+>|=>|\u2192|then\b|(and|,)\s*now\b)")
_INSTEAD = re.compile(
    r"\s*[(,]?\s*((it|this)\s+)?"
    r"(was|were|instead of|rather than|(up|down) from|usually|normally|before:?)\b"
)
_CLAUSE_BREAK = re.compile(r"[,;:!?]\s|\.\s|\.$|\s(?:and|but|while)\s")
_OF_WHAT = re.compile(
    r"\s*(?:of\s+)?(?:(?:all|the|our)\s+)*(?:requests|users|customers|traffic|calls|orders)\b"
)
"""After a share: the whole that it is a share of, not what is said about it."""

Side = Literal["before", "now", ""]


def symptoms_of(text: str) -> tuple[Symptom, ...]:
    """Return the kinds of symptom that the sentence names, in a fixed order."""
    lower = text.lower()
    return tuple(symptom for symptom, pattern in _SYMPTOMS.items() if pattern.search(lower))


def read_sentence(text: str) -> tuple[Claim, ...]:
    """Return the numbers of the sentence with their units and what they are about.

    `quantity` is for example `latency_p95_seconds_before` and `..._now` (from … to …),
    `error_ratio`, `request_rate_per_second`, `users_count`, `duration_seconds`.
    """
    measures = tuple(find_measures(text))
    return tuple(_claims(text, measures))


@dataclass(frozen=True)
class _Context:
    text: str
    measures: tuple[Measure, ...]
    index: int

    @property
    def measure(self) -> Measure:
        return self.measures[self.index]

    def at(self, step: int) -> _Context:
        """The context of a number beside it."""
        return _Context(self.text, self.measures, self.index + step)

    @property
    def clause(self) -> tuple[int, int]:
        """Where the clause begins and ends that the number stands in."""
        breaks = list(_CLAUSE_BREAK.finditer(self.text))
        start = max((m.end() for m in breaks if m.end() <= self.measure.start), default=0)
        end = min(
            (m.start() for m in breaks if m.start() >= self.measure.end), default=len(self.text)
        )
        return start, end


def _claims(text: str, measures: tuple[Measure, ...]) -> Iterator[Claim]:
    lower = text.lower()
    carried = ""
    for index, measure in enumerate(measures):
        context = _Context(lower, measures, index)
        side = _side(context)
        quantity = _quantity(context, side, carried)
        if quantity is None:
            continue
        carried = quantity
        yield Claim(
            text=text[measure.start : measure.end].strip(),
            quantity=quantity + (f"_{side}" if side else ""),
            value=measure.value,
            unit=measure.unit,
        )


def _side(context: _Context) -> Side:
    """`before` and `now` in: from X to Y, X → Y, was X now Y, Y instead of X, Y (was X)."""
    opened = _opens_pair(context.at(-1)) if _has_partner(context, -1) else ""
    if opened:
        return "before" if opened == "now" else "now"
    if _ONCE.search(context.text[: context.measure.start]):
        return "before"
    return _opens_pair(context)


def _opens_pair(context: _Context) -> Side:
    """The side of a number that another of its kind follows, as in `from X to`, `Y (was`."""
    before = context.text[: context.measure.start]
    after = context.text[context.measure.end :]
    if not _has_partner(context, 1):
        return ""
    if _BECAME.match(after) or _FROM.search(before) or _ONCE.search(before):
        return "before"
    return "now" if _INSTEAD.match(after) else ""


def _has_partner(context: _Context, step: int) -> bool:
    """Whether the number beside it has the same dimension and stands near."""
    other = context.index + step
    if not 0 <= other < len(context.measures):
        return False
    first, second = sorted((context.measure, context.measures[other]), key=lambda m: m.start)
    return first.unit == second.unit and second.start - first.end <= 40


def _quantity(context: _Context, side: Side, carried: str) -> str | None:
    measure = context.measure
    if side and carried and _has_partner(context, -1) and _opens_pair(context.at(-1)):
        return carried  # the second half of a pair is about the same
    match measure.unit:
        case "s":
            return _of_seconds(context)
        case "fraction":
            return _of_fraction(context, side)
        case "per_second":
            return f"{_rate_subject(context)}_per_second"
        case "factor":
            return f"{_subject(context) or 'unknown'}_factor"
        case _:
            return _of_count(context)


def _of_seconds(context: _Context) -> str | None:
    text, measure = context.text, context.measure
    before, after = text[: measure.start], text[measure.end :]
    if _DURATION_AFTER.match(after) or _LASTING.search(before):
        return "duration_seconds"
    if _PERHAPS_LASTING.search(before) and not _percentile(context) and not _felt_slow(context):
        return "duration_seconds"
    if measure.value >= 60 and _subject(context) != "latency":
        return "duration_seconds"
    percentile = _percentile(context)
    return f"latency_{percentile}_seconds" if percentile else "latency_seconds"


def _felt_slow(context: _Context) -> bool:
    start, end = context.clause
    return bool(re.search(r"\b(takes?|took|respond\w*|answer\w*|load)\b", context.text[start:end]))


def _percentile(context: _Context) -> str | None:
    """The percentile named nearest before the number, else in its clause."""
    text, (_, end) = context.text, context.clause
    before = list(re.finditer(_PERCENTILE, text[: context.measure.start]))
    found = before[-1] if before else re.search(_PERCENTILE, text[context.measure.end : end])
    clause = text[context.clause[0] : end]
    if found is not None:
        return f"p{found[1] or found[2]}".replace(".", "_")
    if re.search(r"\bmedian\b", clause):
        return "p50"
    return "mean" if re.search(r"\b(average|avg|mean)\b", clause) else None


def _subject(context: _Context) -> str | None:
    """The quantity whose word stands nearest to the number, in its clause or else before it."""
    start, end = context.clause
    return _nearest(context, start, end) or _nearest(context, 0, context.measure.start)


def _nearest(context: _Context, start: int, end: int) -> str | None:
    measure, best, least = context.measure, None, len(context.text) + 1
    text = context.text
    whole = _OF_WHAT.match(text, measure.end) if measure.unit == "fraction" else None
    if whole is not None:
        text = text[: measure.end] + " " * len(whole[0]) + text[whole.end() :]
    for quantity, pattern in _ABOUT:
        for match in pattern.finditer(text, start, end):
            distance = max(match.start() - measure.end, measure.start - match.end(), 0)
            if distance < least:
                best, least = quantity, distance
    return best


def _of_fraction(context: _Context, side: Side) -> str | None:
    subject = _subject(context) or "unknown_ratio"
    before = context.text[: context.measure.start]
    grown = re.search(r"\b(by|up|down|increased|dropped|fell|rose|grew)\s*(by\s*)?$", before)
    if subject in {"latency", "request_rate"}:
        return f"{subject}_change_fraction"
    return f"{subject}_change_fraction" if grown and "by" in grown[0] and not side else subject


def _rate_subject(context: _Context) -> str:
    after = context.text[context.measure.start : context.measure.end]
    return "error_rate" if re.search(r"error|fail|exception|timeout", after) else "request_rate"


def _of_count(context: _Context) -> str | None:
    match = _COUNTED.match(context.text, context.measure.end)
    if match is None:
        return None
    noun = match[1].rstrip("s") if match[1] != "people" else "user"
    return f"{'user' if noun == 'customer' else noun}s_count"
