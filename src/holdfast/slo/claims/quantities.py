"""Numbers as people write them, with the precision that they were written in."""

from __future__ import annotations

from dataclasses import dataclass

SECONDS = {
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "week": 7 * 86400.0,
    "month": 30 * 86400.0,
    "quarter": 90 * 86400.0,
    "year": 365 * 86400.0,
}
LENGTHS = {
    "month": (30 * 86400.0, 28 * 86400.0, 365 / 12 * 86400.0),
    "quarter": (90 * 86400.0, 84 * 86400.0, 365 / 4 * 86400.0),
    "year": (365 * 86400.0, 365.25 * 86400.0),
}
"""What people mean by a month, a quarter, a year; the first where it makes no difference."""
_TIMES_IN_WORDS = (("d", 86400.0), ("h", 3600.0), ("min", 60.0))


@dataclass(frozen=True)
class Quantity:
    """One token of a statement. `value` is a ratio, seconds, a factor or a bare number."""

    code: str
    """P percent, D duration, M a period's name, X factor, N number; else a word."""
    text: str
    value: float = 0.0
    precision: float = 0.0
    """Half a unit of the last digit that was written, in the unit of `value`."""

    def agrees(self, actual: float, *, about: bool = False) -> bool:
        """Whether `actual`, rounded as this was written, is this; about = within 5 %.

        A time may be cut off instead of rounded: 8 h 45 min 36 s is 8 h 45 min.
        """
        allowed = max(self.precision, 0.05 * abs(actual) if about else 0.0)
        room = allowed * (1 + 1e-9) + 1e-12 * abs(actual)
        cut_off = self.code == "D" and 0 <= actual - self.value < 2 * self.precision
        return cut_off or abs(actual - self.value) <= room


def in_words(code: str, value: float) -> str:
    """Return a value with its unit: `36x`, `23.1 %`, `43.2 min`, `0.006`."""
    if code == "P":
        return f"{100 * value:.4g} %"
    if code == "X":
        return f"{value:.4g}x"
    return time_in_words(value) if code in ("D", "M") else f"{value:.4g}"


def time_in_words(seconds: float) -> str:
    """Return `43.2 min`, `7.2 h`, `30 d`: the greatest unit of which there is at least one."""
    for unit, size in _TIMES_IN_WORDS:
        if seconds >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds:.4g} s"


def hours(seconds: float) -> str:
    """Return a time in hours, as the Workbook calculates; a short one in minutes or seconds."""
    return f"{seconds / 3600:.4g} h" if seconds >= 1800 else time_in_words(seconds)
