"""Alerts replayed over the past: incidents, when alerts fired, and what they are worth.

The words are those of Google's The Site Reliability Workbook, chapter 5: precision, recall,
detection time, reset time. Fractions are None where nothing was there to count.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from holdfast.model.base import Record, UtcTime
from holdfast.model.slo import BurnTier

Action = Literal["page", "ticket"]


class PastIncident(Record):
    """A time in which users were hurt, told by a person or found in the history.

    `budget_spent_fraction`: its bad events over the budget of an average period, None where no
    objective was at hand. Only a significant one counts for recall and precision.
    """

    start: UtcTime
    end: UtcTime
    title: str = ""
    severity: str = ""
    service: str = ""
    slo: str = ""
    origin: Literal["file", "found"] = "file"
    budget_spent_fraction: float | None = None
    significant: bool = True

    @model_validator(mode="after")
    def _in_order(self) -> PastIncident:
        if self.end <= self.start:
            raise ValueError("end: it must lie after start")
        return self


class Spell(Record):
    """A time in which one alert fired for one series. `open`: still, when the history ended."""

    rule: str
    action: Action
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    start: UtcTime
    end: UtcTime
    open: bool = False


class FalseAlert(Record):
    """Alerts within one unbroken time that belong to no significant incident."""

    start: UtcTime
    end: UtcTime
    rules: tuple[str, ...]
    why: Literal["no incident", "insignificant incident"]


class Detection(Record):
    """What alerts made of one significant incident. All None where none fired.

    `seconds` is from its start to the first alert, 0 where one fired already; `after_end`: that
    alert came when it was over. `reset_seconds` is from its end until no alert fires.
    """

    incident: PastIncident
    rule: str | None = None
    at: UtcTime | None = None
    seconds: float | None = None
    after_end: bool = False
    reset_seconds: float | None = None
    budget_spent_fraction: float | None = None
    """Of an average period's budget, from the incident's start to the first alert."""


class Share(Record):
    """A fraction with its 95 % interval (Wilson's score); None where nothing was counted."""

    count: int
    of: int
    fraction: float | None
    low: float | None
    high: float | None


class Score(Record):
    """What a set of rules is worth, or its pages alone, or one rule. See docs/backtest.md."""

    scope: str
    """`all alerts`, `pages`, `tickets`, or a rule's name."""
    alerts: int
    alerts_per_week: float
    precision: Share
    recall: Share
    detection_median_seconds: float | None
    detection_worst_seconds: float | None
    reset_median_seconds: float | None
    reset_worst_seconds: float | None
    budget_at_alert_median: float | None
    budget_at_alert_worst: float | None
    unknown_fraction: float | None
    """At how many of the evaluations it could not be told; None where that is not known."""
    detections: tuple[Detection, ...]
    false_alerts: tuple[FalseAlert, ...]

    @property
    def missed(self) -> tuple[PastIncident, ...]:
        """The significant incidents for which nothing fired."""
        return tuple(one.incident for one in self.detections if one.at is None)


class RuleSetScore(Record):
    """A set of rules side by side with others. `scores[0]` is of all its alerts."""

    name: str
    scores: tuple[Score, ...]
    spells: tuple[Spell, ...]
    notes: tuple[str, ...] = ()
    """What was done to evaluate it: recording rules put in, durations rounded."""

    def score(self, scope: str) -> Score | None:
        """Return the score of a scope, where there is one."""
        return next((one for one in self.scores if one.scope == scope), None)


class ReplaySpan(Record):
    """The past that was replayed. `known_fraction`: of its steps, how many had data."""

    start: UtcTime
    end: UtcTime
    step_seconds: float
    known_fraction: float | None = None

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start).total_seconds()


class Backtest(Record):
    """Rule sets replayed over one past, for one objective or for none."""

    slo: str
    """Empty where rules were replayed against incidents alone."""
    service: str = ""
    objective: float | None = None
    period_seconds: float | None = None
    source: str
    span: ReplaySpan
    incidents_from: str
    """In a sentence: from a file, or found independently of the rules, and how."""
    significant_is: str
    """In a sentence: what makes an incident significant."""
    incidents: tuple[PastIncident, ...]
    rule_sets: tuple[RuleSetScore, ...]
    notes: tuple[str, ...] = ()
    """What a reader must know of the history."""


class Estimate(Record):
    """A median with its 95 % bootstrap interval."""

    median: float
    low: float
    high: float


class SimulatedCell(Record):
    """Outages of one depth and one length. `missed_reason` is set where none could be injected."""

    depth: float
    length_seconds: float
    budget_spent_fraction: float | None
    """The median outage's, of an average period's budget."""
    recall: Share
    detection_seconds: Estimate | None
    reset_seconds: Estimate | None
    budget_at_alert: Estimate | None
    missed_reason: str = ""


class Simulation(Record):
    """Injected outages, by depth and length, on the traffic of one history."""

    slo: str
    span: ReplaySpan
    scope: str
    seed: int
    outages_per_cell: int
    cells: tuple[SimulatedCell, ...]


class Candidate(Record):
    """One parameter set of a search, and what it is worth."""

    name: str
    tiers: tuple[BurnTier, ...]
    for_seconds: float
    precision: Share
    """Of pages on the history itself."""
    recall: Share
    """Of significant incidents of the history and of injected significant outages."""
    detection_median_seconds: float | None
    budget_at_page_median: float | None
    pages_per_week: float
    on_front: bool = False


class Search(Record):
    """Parameter sets compared on one history, with the ones that nothing beats."""

    slo: str
    span: ReplaySpan
    seed: int
    outages: int
    incidents: int
    significant_is: str
    candidates: tuple[Candidate, ...]
    recommended: str
    why: str
