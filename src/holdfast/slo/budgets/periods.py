"""Where a budget's period begins and ends: rolling, or a calendar week, month or quarter."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holdfast.errors import InputError
from holdfast.model.budget import BudgetPeriod
from holdfast.model.slo import SLO


def bounds(period: BudgetPeriod, slo: SLO, at: float) -> tuple[float, float]:
    """Return (start, end) of the period that `at` lies in, Unix seconds: start < at <= end.

    A rolling period ends at `at`. A calendar one may end later; days are as long as they are in
    the time zone, so that a month with a change of clocks is an hour shorter or longer. Raises
    InputError for a time zone that is not known.
    """
    if period.kind == "rolling":
        return at - (period.seconds or slo.period_seconds), at
    zone = zone_of(period.time_zone)
    local = datetime.fromtimestamp(at, zone)
    start = _start(period.kind, local)
    if start.timestamp() >= at:  # at the stroke of midnight the period before is complete
        start = _start(period.kind, start - timedelta(hours=12))
    return start.timestamp(), _next(period.kind, start).timestamp()


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone, or raise InputError naming the field."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            f"time_zone: {name!r} is not known here", hint="give an IANA name, Europe/Berlin or UTC"
        ) from error


def label(period: BudgetPeriod, slo: SLO) -> str:
    """Return the period in words, for example `30 d` or `month, Europe/Berlin`."""
    if period.kind == "rolling":
        return seconds_in_words(period.seconds or slo.period_seconds)
    return f"{period.kind}, {period.time_zone}"


def seconds_in_words(seconds: float) -> str:
    """Return `30 d`, `6 h`, `5 min` or `90 s`: the greatest unit that is not less than one."""
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _midnight(local: datetime) -> datetime:
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _start(kind: str, local: datetime) -> datetime:
    midnight = _midnight(local)
    if kind == "week":
        return midnight - timedelta(days=midnight.weekday())
    month = midnight.month if kind == "month" else 3 * ((midnight.month - 1) // 3) + 1
    return midnight.replace(month=month, day=1)


def _next(kind: str, start: datetime) -> datetime:
    if kind == "week":
        return start + timedelta(days=7)  # local days: aware arithmetic keeps the wall clock
    months = start.month - 1 + (1 if kind == "month" else 3)
    return start.replace(year=start.year + months // 12, month=months % 12 + 1)
