"""What a request asks for, read as Prometheus's web/api/v1 reads it; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.errors import PromQLError, PromQLUnsupported
from holdfast.promql.parse import parse
from holdfast.promql.samples import Matcher
from holdfast.promql.tree import Selector

POINTS_AT_MOST = 11_000
"""Per series and request."""

Fields = Mapping[str, Sequence[str]]
"""Each parameter's values, from the query string and the form."""

_DURATION = re.compile(
    r"(?:([0-9]+)y)?(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?"
    r"(?:([0-9]+)ms)?\Z"
)
_UNIT_SECONDS = (31_536_000, 604_800, 86_400, 3600, 60, 1, 0.001)
_EARLIEST, _LATEST = -(2**43), 2**43
"""Unix seconds that fit into milliseconds everywhere."""


class BadData(ValueError):
    """The request is wrong: errorType `bad_data`, HTTP 400."""


@dataclass(frozen=True, slots=True)
class RangeAsked:
    """What query_range is asked, in Unix seconds."""

    query: str
    start: float
    end: float
    step_seconds: float


def text(fields: Fields, name: str) -> str:
    """Return a parameter, empty where it is missing."""
    return next(iter(fields.get(name, ())), "")


def instant_time(fields: Fields, now: float) -> float:
    """Return `time`, by default now. Raises BadData."""
    return _time(fields, "time", now)


def range_asked(fields: Fields) -> RangeAsked:
    """Return what query_range asks; raises BadData as Prometheus does."""
    start, end = _time(fields, "start", None), _time(fields, "end", None)
    if end < start:
        raise BadData('invalid parameter "end": end timestamp must not be before start time')
    step = duration(text(fields, "step"), "step")
    if step <= 0 or round(step * 1000) <= 0:
        raise BadData(
            'invalid parameter "step": zero or negative query resolution step widths are not '
            "accepted. Try a positive integer"
        )
    if (end - start) / step > POINTS_AT_MOST:
        raise BadData(
            "exceeded maximum resolution of 11,000 points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )
    return RangeAsked(text(fields, "query"), start, end, step)


def interval_ms(fields: Fields) -> tuple[int, int]:
    """Return `start` and `end` in milliseconds; where they are missing all times are meant."""
    start, end = _time(fields, "start", _EARLIEST), _time(fields, "end", _LATEST)
    if end < start:
        raise BadData('invalid parameter "end": end timestamp must not be before start time')
    return round(start * 1000), round(end * 1000)


def selectors(fields: Fields) -> list[tuple[Matcher, ...]]:
    """Return the matchers of each `match[]`; raises BadData where one is no series selector."""
    return [_matchers(one) for one in fields.get("match[]", ())]


def _matchers(selector: str) -> tuple[Matcher, ...]:
    try:
        node = parse(selector)
    except PromQLUnsupported:
        raise
    except PromQLError as error:
        raise BadData(f'invalid parameter "match[]": parse error: {error}') from None
    if not isinstance(node, Selector):
        raise BadData(f'invalid parameter "match[]": {selector!r} is no series selector')
    return node.matchers


def duration(written: str, name: str) -> float:
    """Return seconds from a number of them or from `1h30m`; raises BadData."""
    seconds = _float(written)
    if seconds is None and written and (found := _DURATION.match(written)):
        parts = zip(found.groups(), _UNIT_SECONDS, strict=True)
        seconds = sum(int(count) * unit for count, unit in parts if count)
    if seconds is None or not abs(seconds) <= _LATEST:
        raise BadData(f'invalid parameter "{name}": cannot parse "{written}" to a valid duration')
    return seconds


def _time(fields: Fields, name: str, default: float | None) -> float:
    written = text(fields, name)
    if not written and default is not None:
        return default
    seconds = _float(written)
    if seconds is None:
        seconds = _rfc3339(written)
    if seconds is None or not _EARLIEST <= seconds <= _LATEST:
        raise BadData(f'invalid parameter "{name}": cannot parse "{written}" to a valid timestamp')
    return seconds


def _float(written: str) -> float | None:
    try:
        return None if "_" in written else float(written)
    except ValueError:
        return None


def _rfc3339(written: str) -> float | None:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None
