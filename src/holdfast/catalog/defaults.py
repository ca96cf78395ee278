"""What is proposed where nothing is configured; each with its source."""

from __future__ import annotations

from holdfast.model.slo import BurnTier

DEFAULT_PERIOD_SECONDS: float = 30 * 86400.0
"""A rolling month."""

DEFAULT_AVAILABILITY_OBJECTIVE = 0.995
"""Low enough that no alert is unreachable, high enough that an outage pages within minutes."""

DEFAULT_LATENCY_OBJECTIVE = 0.99
"""The fraction of requests that must be faster than the chosen bucket boundary."""

WORKBOOK_TIERS: tuple[BurnTier, ...] = (
    BurnTier(
        name="page-fast",
        action="page",
        budget_fraction=0.02,
        long_window_seconds=3600,
        short_window_seconds=300,
    ),
    BurnTier(
        name="page-slow",
        action="page",
        budget_fraction=0.05,
        long_window_seconds=6 * 3600,
        short_window_seconds=1800,
    ),
    BurnTier(
        name="ticket",
        action="ticket",
        budget_fraction=0.10,
        long_window_seconds=3 * 86400,
        short_window_seconds=6 * 3600,
    ),
)
"""Google, The Site Reliability Workbook, chapter 5, table 5-8: the recommended parameters."""
