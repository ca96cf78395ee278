"""How a value is written: `412 ms`, `93.1 %`, `2 min 41 s`, `17:05:12 UTC`, `no data`.

A format is a name, kept with the figure, so that the text can be made again from the value:
`duration` (seconds), `percent` (fraction), `multiple`, `count`, `number`, `clock`, `date` and
`datetime` (Unix seconds), `money`, and `as:TOKEN` for a number that is quoted as it was written.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

from holdfast.errors import EvidenceError
from holdfast.learning.numerals import MINUS, TIMES, number_of

NO_DATA = "no data"


def render(value: float | None, style: str, unit: str = "") -> str:
    """Return the text of a value. Raises EvidenceError for a format that does not exist."""
    if value is None:
        return NO_DATA
    if style.startswith("as:"):
        return _as_written(value, style.removeprefix("as:"))
    writer = _WRITERS.get(style)
    if writer is None:
        raise EvidenceError(f"there is no format {style}")
    text = writer(value) if math.isfinite(value) else f"{MINUS}∞" if value < 0 else "∞"
    return f"{text} {unit}" if unit else text


def _as_written(value: float, token: str) -> str:
    """The token itself while it says the value, else the value: a quotation cannot drift."""
    try:
        same = math.isclose(number_of(token), value, rel_tol=1e-12)
    except ValueError:
        same = False
    return token if same else number(value)


def duration(seconds: float) -> str:
    """Return `412 ms`, `2.3 s`, `2 min 41 s`, `1 h 5 min` or `3 d 4 h`."""
    if seconds < 0:
        return MINUS + duration(-seconds)
    if seconds < 0.9995:
        return "0 s" if seconds == 0 else f"{_significant(seconds * 1000)} ms"
    if seconds < 9.95:
        return f"{_significant(seconds, 2)} s"
    whole = round(seconds)
    for size, name, small_size, small in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            many, rest = divmod(whole, size)
            few = rest // small_size
            return f"{many} {name} {few} {small}" if few else f"{many} {name}"
    return f"{whole} s"


def percent(fraction: float) -> str:
    """Return a fraction in percent; near 0 and near 100 two digits of what matters stay."""
    points = fraction * 100
    if abs(points - round(points)) < 1e-9:
        return f"{round(points):,} %".replace("-", MINUS)
    left = min(abs(points), abs(100 - points)) if abs(points) < 100 else abs(points)
    places = min(6, max(1, 1 - math.floor(math.log10(left)))) if left < 10 else 1
    return f"{points:,.{places}f} %".replace("-", MINUS)


def multiple(factor: float) -> str:
    """Return a factor with the multiplication sign behind it."""
    return f"{_significant(factor)}{TIMES}"


def count(many: float) -> str:
    """Return a whole number with thousands set apart."""
    return f"{round(many):,}".replace("-", MINUS)


def number(value: float) -> str:
    """Return a number with three significant digits, or whole from a thousand on."""
    return _significant(value)


def money(amount: float) -> str:
    """Return an amount with two decimals."""
    return f"{amount:,.2f}".replace("-", MINUS)


def clock(unix_seconds: float) -> str:
    """Return `17:05:12 UTC`."""
    return f"{_utc(unix_seconds):%H:%M:%S} UTC"


def day(unix_seconds: float) -> str:
    """Return `2026-11-23`."""
    return f"{_utc(unix_seconds):%Y-%m-%d}"


def moment(unix_seconds: float) -> str:
    """Return `2026-11-23 17:05:12 UTC`."""
    return f"{_utc(unix_seconds):%Y-%m-%d %H:%M:%S} UTC"


def _utc(unix_seconds: float) -> datetime:
    return datetime.fromtimestamp(math.floor(unix_seconds), tz=UTC)


def _significant(value: float, digits: int = 3) -> str:
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", MINUS)


_WRITERS: dict[str, Callable[[float], str]] = {
    "duration": duration,
    "percent": percent,
    "multiple": multiple,
    "count": count,
    "number": number,
    "g": number,
    "money": money,
    "clock": clock,
    "date": day,
    "datetime": moment,
}
