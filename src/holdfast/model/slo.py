"""Objectives and burn-rate alerts: OpenSLO v1's terms, and what OpenSLO cannot say."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from holdfast.model.base import Record
from holdfast.model.service import UNASSIGNED


class RatioIndicator(Record):
    """Bad events over all events. Each query has `$window` where the range stands.

    Example: `sum(rate(http_requests_slow_total{service_name="shop"}[$window]))`.
    """

    bad_query: str
    total_query: str


class BurnTier(Record):
    """One multi-window alert: fires while both windows burn at `burn_rate` or faster.

    The burn rate is never typed in: budget_fraction x period / long window
    (Google, The Site Reliability Workbook, chapter 5).
    """

    name: str
    action: Literal["page", "ticket"]
    budget_fraction: float = Field(gt=0, le=1)
    long_window_seconds: float = Field(gt=0)
    short_window_seconds: float = Field(gt=0)

    @model_validator(mode="after")
    def _windows_in_order(self) -> BurnTier:
        if self.short_window_seconds >= self.long_window_seconds:
            raise ValueError(
                f"tier {self.name}: the short window ({self.short_window_seconds:g} s) must be "
                f"shorter than the long one ({self.long_window_seconds:g} s)"
            )
        return self


class SLO(Record):
    """One objective of one service."""

    name: str
    service: str
    description: str = ""
    owner: str = UNASSIGNED
    kind: Literal["availability", "latency"]
    indicator: RatioIndicator
    objective: float = Field(gt=0, lt=1)
    """The target fraction of good events, for example 0.95."""
    threshold_seconds: float | None = None
    """For latency: the bound that makes a request slow."""
    period_seconds: float = Field(gt=0)
    period_note: str = ""
    """Says so where the period is not a real one, for example in a compressed laboratory."""
    tiers: tuple[BurnTier, ...] = ()

    @property
    def error_budget_fraction(self) -> float:
        """The fraction of events that may be bad over the period."""
        return 1 - self.objective
