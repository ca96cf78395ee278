"""When corrections apply: once, or again and again by an RRULE (RFC 5545) in a time zone.

A window every Sunday at 02:00 stays at 02:00 when clocks change, and keeps its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from dateutil.rrule import rrule, rruleset, rrulestr

from holdfast.errors import InputError
from holdfast.model.budget import Correction
from holdfast.slo.budgets.periods import zone_of

Interval = tuple[float, float]
"""(start, end), Unix seconds."""

_TOO_FINE = re.compile(r"FREQ=(SECONDLY|MINUTELY)", re.IGNORECASE)
_KEY = re.compile(r"(RRULE:)?[A-Z0-9=;,:+\-]+", re.IGNORECASE)


def check_recurrence(correction: Correction) -> None:
    """Raise InputError, naming the field, where the rule or the zone cannot be used."""
    occurrences(correction, correction.start.timestamp(), correction.end.timestamp())


def occurrences(correction: Correction, start: float, end: float) -> tuple[Interval, ...]:
    """Return the spans of a correction that overlap (start, end], cut to it, ascending."""
    seconds = (correction.end - correction.start).total_seconds()
    if not correction.recurrence:
        begins: Iterable[float] = (correction.start.timestamp(),)
    else:
        after = datetime.fromtimestamp(start - seconds, UTC)
        rule = _rule(correction)
        begins = [
            b.timestamp() for b in rule.between(after, datetime.fromtimestamp(end, UTC), True)
        ]
    cut = ((max(start, b), min(end, b + seconds)) for b in begins)
    return tuple((b, e) for b, e in cut if e > b)


def merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return the union as intervals that do not touch, ascending."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def _rule(correction: Correction) -> rrule | rruleset:
    where = f"correction {correction.id}: recurrence {correction.recurrence!r}"
    text = correction.recurrence.strip()
    if _TOO_FINE.search(text) or not _KEY.fullmatch(text):
        raise InputError(
            f"{where}: only a rule of hours, days, weeks, months or years can be used",
            hint="write one RRULE, for example FREQ=WEEKLY;BYDAY=SU",
        )
    start = correction.start.astimezone(zone_of(correction.time_zone))
    try:
        rule = rrulestr(text, dtstart=start)
    except (ValueError, KeyError) as error:
        raise InputError(
            f"{where}: {error}",
            hint="write an RRULE of RFC 5545, for example FREQ=WEEKLY;BYDAY=SU; UNTIL in UTC "
            "(20261231T000000Z)",
        ) from error
    first = rule.after(start - timedelta(seconds=1), True)
    if first is None or first.timestamp() != start.timestamp():
        raise InputError(
            f"{where}: it does not fall on its own start, {start:%A %Y-%m-%d %H:%M} "
            f"{correction.time_zone}",
            hint="let start be the first time that the rule means",
        )
    return rule
