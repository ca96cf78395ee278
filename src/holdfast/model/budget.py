"""Budget accounts: periods, corrections and what they come to; and what dependencies allow."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from holdfast.model.base import Record, UtcTime

NoDataPolicy = Literal["ignore", "bad", "good"]
"""How steps without data are read: left out, or as usual traffic that was all bad or all good."""

CorrectionCategory = Literal[
    "maintenance", "deployment", "outside_hours", "external", "measurement_error", "other"
]

EVERY_SLO = "*"


class BudgetPeriod(Record):
    """What a budget is for: the last so many seconds, or a calendar week, month or quarter.

    Calendar periods begin at midnight in the time zone; weeks begin on Monday (ISO 8601).
    """

    kind: Literal["rolling", "week", "month", "quarter"] = "rolling"
    seconds: float | None = Field(default=None, gt=0)
    """For rolling: its length; None = the SLO's own."""
    time_zone: str = "UTC"
    """An IANA name, for example Europe/Berlin."""

    @model_validator(mode="after")
    def _length_of_rolling_only(self) -> BudgetPeriod:
        if self.kind != "rolling" and self.seconds is not None:
            raise ValueError(f"seconds: a calendar {self.kind} has its own length; leave it out")
        return self


class Correction(Record):
    """A span of time whose events are not charged to the budget, and who says so and why.

    With `recurrence` (an RRULE of RFC 5545) the span repeats at the same local time.
    """

    id: str
    slos: tuple[str, ...] = (EVERY_SLO,)
    """Names of SLOs; `*` is every one."""
    start: UtcTime
    end: UtcTime
    reason: str = Field(min_length=1)
    author: str = Field(min_length=1)
    category: CorrectionCategory
    created_at: UtcTime
    recurrence: str = ""
    time_zone: str = "UTC"
    withdraws: str = ""
    """The id of an earlier correction that this entry takes back."""

    @model_validator(mode="after")
    def _in_order(self) -> Correction:
        if self.end <= self.start:
            raise ValueError(f"end: {self.end} is not after start, {self.start}")
        return self

    def concerns(self, slo_name: str) -> bool:
        """Whether it is about this SLO."""
        return EVERY_SLO in self.slos or slo_name in self.slos


class Exclusion(Record):
    """What one correction took out of one account. Where corrections overlap, each counts all."""

    correction_id: str
    category: CorrectionCategory
    reason: str
    author: str
    seconds: float
    bad_events: float
    total_events: float


class BudgetAccount(Record):
    """One budget at one time. Counts are of events; None = it cannot be known.

    `total = counted + assumed`: what was measured outside of corrections, and what the no-data
    policy assumes. Excluded events are in none of the other counts.
    """

    slo: str
    service: str
    objective: float
    period: BudgetPeriod
    start: UtcTime
    end: UtcTime
    """When the period ends; for a calendar period it may lie ahead of `at`."""
    at: UtcTime
    state: Literal["measured", "partial_history", "no_data"]
    total_events: float | None
    bad_events: float | None
    allowed_bad_events: float | None
    """(1 - objective) x total events so far."""
    spent_fraction: float | None
    """Bad over allowed; more than 1 where overspent."""
    remaining_fraction: float | None
    projected_spent_fraction: float | None
    """Of the whole period's budget, if traffic goes on as it was and nothing more is bad."""
    covered_fraction: float
    """How much of the time from `start` to `at` lies within the history."""
    known_fraction: float
    """How much of that time has data, among what lies within the history and is not excluded."""
    no_data: NoDataPolicy
    no_data_seconds: float
    assumed_total_events: float
    assumed_bad_events: float
    excluded_total_events: float
    excluded_bad_events: float
    excluded_seconds: float
    exclusions: tuple[Exclusion, ...] = ()
    statement: str
    """In a sentence: what the figures rest on."""
    warnings: tuple[str, ...] = ()


class Span(Record):
    """A named stretch of time, for example an incident or a release."""

    name: str
    start: UtcTime
    end: UtcTime


class SpanSpend(Record):
    """What a span spent of a period's budget. None = no data in it."""

    span: Span
    bad_events: float | None
    total_events: float | None
    budget_fraction: float | None
    """Of the whole period's budget, as the account has it."""


class Attribution(Record):
    """What given spans spent of one account's budget, and what is left without a span."""

    spans: tuple[SpanSpend, ...]
    """Where spans overlap, each counts all of its events."""
    unattributed_bad_events: float
    unattributed_fraction: float | None
    """Of the budget: bad events outside of every span. None = the budget is not known."""


class Dependency(Record):
    """Something that a service needs, and how.

    `serial`: without it a request fails. `redundant`: one of those of its `group` is enough.
    `soft`: without it requests are served, only poorer.
    """

    name: str
    objective: float
    """The fraction of its own good events that is promised or measured."""
    kind: Literal["serial", "redundant", "soft"] = "serial"
    group: str = ""
    """For redundant: those with one group name stand in for each other."""
    affected_fraction: float | None = Field(default=None, ge=0, le=1)
    """Of the service's events, those that are bad while it is down: 1 where serial, 0 where soft.

    A cache that answers 90 % of the reads makes it 0.1.
    """
    shared_failure_fraction: float | None = Field(default=None, ge=0, le=1)
    """For redundant: of its failures, those that take the whole group (beta factor model).

    None = not known: independence is assumed, and said.
    """
    depends_on: tuple[str, ...] = ()
    """What it needs itself, by name. Its objective already contains them."""


class CeilingFactor(Record):
    """One factor of the product: a dependency or a redundant group."""

    names: tuple[str, ...]
    kind: Literal["serial", "redundant", "soft"]
    good_fraction: float
    """The greatest fraction of the service's events that can be good for all that this does."""
    sentence: str


class Ceiling(Record):
    """The best that a service can promise while it never fails by itself. None = no limit."""

    objective: float | None
    factors: tuple[CeilingFactor, ...] = ()
    sentence: str
    warnings: tuple[str, ...] = ()
