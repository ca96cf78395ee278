"""What a service has shown, what may be promised of it, and why."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from holdfast.model.base import Record
from holdfast.model.slo import BurnTier


class DayRatio(Record):
    """One day (UTC) of a history."""

    day: str
    """For example 2026-01-31."""
    good_ratio: float
    total_events: float


class Baseline(Record):
    """The good ratio that history shows, weighted by events. None = nothing was measured.

    `low` … `high` holds the long-run ratio with the probability `confidence`.
    """

    good_ratio: float | None
    low: float | None
    high: float | None
    confidence: float
    bad_events: float
    total_events: float
    seconds: float
    """How long the history is, from its first to its last step with data."""
    known_fraction: float
    """How much of that has data."""
    block_seconds: float | None
    blocks: int
    """How many blocks fit into the history without overlap."""
    worst_day: DayRatio | None
    statement: str
    warnings: tuple[str, ...] = ()


class Expectation(Record):
    """What users need, and who says so."""

    objective: float
    source: str = Field(min_length=1)
    """For example an interview, a survey, a product manager's name."""


class Agreement(Record):
    """A service level agreement that is in force: a promise with consequences."""

    objective: float
    name: str = "the SLA"


class Reference(Record):
    """What others promise of such a service, and where that stands."""

    name: str
    objective: float
    source: str = Field(min_length=1)


class DowntimeCost(Record):
    """What an hour of full outage costs. Given by the user, never estimated."""

    amount_per_hour: float = Field(gt=0)
    currency: str
    source: str = ""


ReasonKind = Literal[
    "baseline",
    "expectation",
    "ceiling",
    "sla",
    "rounding",
    "reachability",
    "industry",
    "cost",
    "sla_promise",
]


class TargetReason(Record):
    """One argument about a target."""

    kind: ReasonKind
    value: float | None
    """The ratio (or for cost: the amount) that the sentence is about."""
    sentence: str


class TargetProposal(Record):
    """A target with its reasons. `objective` is None where there is nothing to take it from."""

    objective: float | None
    period_seconds: float
    reasons: tuple[TargetReason, ...]
    warnings: tuple[str, ...] = ()
    tiers: tuple[BurnTier, ...] = ()
    """The tiers, each of which can fire at this objective; changed ones are among the warnings."""
    sla_promise: float | None = None
    """What may be promised to customers: looser than the objective."""


class CountTest(Record):
    """A page at low traffic also needs `least_bad_events` bad events in the long window."""

    tier: str
    least_bad_events: int
    window_seconds: float
    null_bad_ratio: float
    """The bad ratio at which a page is a false one: the budget's own."""
    false_pages_per_period: float
    """The most that are to be expected at that ratio, on the traffic of the history."""
    bound_per_period: float
    single_event_fraction: float
    """Of the history's windows with traffic, those in which one bad event alone would page."""
    blind_fraction: float
    """Of the windows with traffic, those with fewer events than the test asks: blind even to a
    full outage."""
    median_events: float
    """Of all events in a window with traffic."""
    seconds_to_page_full_outage: float | None
    """At median traffic, until that many events have failed; None = the window holds fewer."""
    sentence: str
