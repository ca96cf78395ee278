"""Identifiers that sort by time: `inc-01kazq3v7t-4f9k2m` = kind, milliseconds, randomness."""

from __future__ import annotations

import hashlib
import secrets
import time
from datetime import datetime

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


def derived_id(kind: str, at: datetime, seed: str) -> str:
    """Return the identifier that follows from a time and a seed: the same at every replay."""
    rest = int(hashlib.sha256(seed.encode()).hexdigest()[:12], 16) % (1 << 30)
    return f"{kind}-{_encode(int(at.timestamp() * 1000), 10)}-{_encode(rest, 6)}"
