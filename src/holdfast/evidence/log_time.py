"""The time of a log line: RFC 3339 text, or Unix time as a number."""

from __future__ import annotations

from datetime import UTC, datetime

_MILLISECONDS_FROM = 1e11
_NANOSECONDS_FROM = 1e17


def unix_seconds(value: object) -> float | None:
    """Return Unix seconds, or None where the value is no time. Without a zone it is read as UTC.

    A number is taken for seconds, milliseconds or nanoseconds by its size.
    """
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if value >= _NANOSECONDS_FROM:
        return value / 1e9
    return value / 1e3 if value >= _MILLISECONDS_FROM else float(value)


def _of_text(text: str) -> float | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def iso(seconds: float) -> str:
    """Return RFC 3339 text in UTC with milliseconds."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
