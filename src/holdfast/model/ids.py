"""Identifiers that sort by time: `inc-01kazq3v7t-4f9k2m` = kind, milliseconds, randomness."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32


def _encode(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, rest = divmod(number, 32)
        digits = _ALPHABET[rest] + digits
    return digits


def new_id(kind: str) -> str:
    """Return a new identifier. Later ones of the same kind sort after earlier ones (per ms)."""
    return f"{kind}-{_encode(time.time_ns() // 1_000_000, 10)}-{_encode(secrets.randbits(30), 6)}"
