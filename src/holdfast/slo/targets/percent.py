"""Ratios in words: as many digits as tell one from 100 %."""

from __future__ import annotations

import math


def percent(ratio: float) -> str:
    """Return `99.9 %`, `99.877 %` or `0.231 %`: three digits of the distance to the nearer end."""
    distance = min(ratio, 1 - ratio)
    if distance <= 0:
        return f"{100 * ratio:g} %"
    digits = max(0, 2 - math.floor(math.log10(100 * distance) + 1e-9))
    text = f"{100 * ratio:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"
