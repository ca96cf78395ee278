"""Values as they are typed: ratios, durations and times. Each refusal names the option."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from holdfast.errors import InputError

_UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def parse_ratio(text: str, option: str) -> float:
    """Return `99.9%` or `0.999` as a ratio between 0 and 1, both excluded."""
    plain = text.replace(" ", "")
    try:
        value = float(plain[:-1]) / 100 if plain.endswith("%") else float(plain)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise InputError(f"{option}: {text!r} is no objective", hint="write 99.9% or 0.999")
    return value


def parse_duration(text: str, option: str) -> float:
    """Return `30d`, `1h30m` in seconds."""
    plain = text.replace(" ", "")
    parts = _PART.findall(plain)
    if not parts or "".join(number + unit for number, unit in parts) != plain:
        raise InputError(f"{option}: {text!r} is no duration", hint="write 30d, 6h, 45m or 1h30m")
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)


def parse_time(text: str, option: str) -> datetime:
    """Return a time in UTC. One without a zone is refused: nobody knows which was meant."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InputError(
            f"{option}: {text!r} is no time with a zone",
            hint="write 2026-01-31T12:00:00Z or 2026-01-31T13:00:00+01:00",
        )
    return at.astimezone(UTC)
