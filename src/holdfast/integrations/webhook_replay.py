"""Whether a delivery was seen before: a decision without a store, and a store for one process.

A second attempt is normal: senders repeat what was not answered in time. It is answered 2xx and
does nothing. A delivery whose signed time is outside the window is a replay, or a clock is wrong.

Remember a delivery in the same transaction as what it says: one that is remembered before its
alerts are kept is lost when the process dies between the two.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from holdfast.integrations.webhook_verify import within


class Verdict(StrEnum):
    """What to do with a delivery."""

    FRESH = "fresh"
    """Take it, and remember it."""
    REPEATED = "repeated"
    """Answer 2xx, do nothing."""
    STALE = "stale"
    """Refuse it: what was signed is too old, or too far ahead."""


def judge(
    delivery_id: str,
    signed_at: datetime | None,
    *,
    seen_at: datetime | None,
    received_at: datetime,
    window_seconds: float,
) -> Verdict:
    """Return the verdict. `seen_at` = when the store first saw that id, None = never.

    Without an id (the sender gives none) a delivery is fresh: its alerts and changes are known by
    their own keys. Without a signed time, the id alone protects, as long as the store keeps it.
    """
    if signed_at is not None and not within(signed_at, received_at, window_seconds):
        return Verdict.STALE
    return Verdict.REPEATED if delivery_id and seen_at is not None else Verdict.FRESH


class Deliveries(Protocol):
    """Where deliveries are remembered."""

    def first_seen(self, adapter: str, delivery_id: str) -> datetime | None:
        """Return when it was first seen, None = never, or forgotten."""
        ...

    def remember(self, adapter: str, delivery_id: str, at: datetime) -> bool:
        """Keep it, and return whether it is new. Atomic: of two callers one is told so."""
        ...


class DeliveriesInMemory:
    """For one process. The oldest are forgotten, by age and above a number.

    Keep `retention_seconds` above the time over which senders retry (PagerDuty: 20 minutes), and
    above the window of signed times.
    """

    def __init__(self, *, retention_seconds: float = 86_400.0, most: int = 100_000) -> None:
        self._retention = timedelta(seconds=retention_seconds)
        self._most = most
        self._seen: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    def first_seen(self, adapter: str, delivery_id: str) -> datetime | None:
        """Return when it was first seen, None = never, or forgotten."""
        return self._seen.get((adapter, delivery_id))

    def remember(self, adapter: str, delivery_id: str, at: datetime) -> bool:
        """Keep it, and return whether it is new."""
        self._forget(at)
        is_new = (adapter, delivery_id) not in self._seen
        if is_new:
            self._seen[adapter, delivery_id] = at
        return is_new

    def _forget(self, now: datetime) -> None:
        while self._seen:
            oldest = next(iter(self._seen))
            if len(self._seen) < self._most and now - self._seen[oldest] <= self._retention:
                return
            del self._seen[oldest]

    def __len__(self) -> int:
        return len(self._seen)
