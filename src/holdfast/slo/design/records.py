"""A design as values, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.model.budget import Ceiling
from holdfast.model.budget_policy import ErrorBudgetPolicy
from holdfast.model.requirements import Requirements
from holdfast.model.slo import SLO
from holdfast.model.target import Baseline, CountTest, TargetProposal
from holdfast.slo.design.counting import Asked
from holdfast.slo.design.segments import Segment, SegmentTable
from holdfast.slo.design.slis import Chart, Sli
from holdfast.slo.history import EventHistory


@dataclass(frozen=True)
class Episode:
    """A tier fired from the end of one step to the end of another, Unix seconds."""

    start: float
    end: float


@dataclass(frozen=True)
class TierReplay:
    """What one tier does on the service's own past."""

    tier: str
    episodes: tuple[Episode, ...]
    steps: int
    unknown_steps: int
    """At which it could not be told: no events in a window."""


@dataclass(frozen=True)
class DesignedObjective:
    """One objective, and all that it rests on."""

    slo: SLO
    sli: Sli
    history: EventHistory
    baseline: Baseline
    ceiling: Ceiling
    proposal: TargetProposal
    segments: tuple[SegmentTable, ...]
    segment_gap: str
    """Why segments were not read, where the source refused; else empty."""
    count_tests: tuple[CountTest, ...]
    """Of the tiers that a single bad event could fire: these also count."""
    replays: tuple[TierReplay, ...]
    replay_gap: str = ""
    """Why the tiers were not replayed, where they were not."""

    @property
    def bad_ratio(self) -> float:
        """Bad over all events of the history."""
        return 1 - (self.baseline.good_ratio if self.baseline.good_ratio is not None else 1)

    @property
    def masked(self) -> tuple[tuple[SegmentTable, Segment], ...]:
        """Segments that fail while the whole looks well."""
        return tuple(
            (table, segment)
            for table in self.segments
            for segment in table.masked(self.slo.objective, self.bad_ratio)
        )


@dataclass(frozen=True)
class Architecture:
    """The SLO framework of one service. Times are Unix seconds."""

    service: str
    source: str
    designed_at: float
    asked_seconds: float
    """How far back history was asked for."""
    requirements: Requirements
    objectives: tuple[DesignedObjective, ...]
    charts: tuple[Chart, ...]
    policy: ErrorBudgetPolicy
    gaps: tuple[str, ...]
    """What has no objective, and why."""
    warnings: tuple[str, ...]
    asked: Asked
    seconds: float
    """How long the design took, the source's answers included."""
    resolution_seconds: float
    """How far apart the source's samples are."""

    @property
    def slos(self) -> tuple[SLO, ...]:
        """The objectives."""
        return tuple(designed.slo for designed in self.objectives)

    @property
    def owner(self) -> str:
        """Whose objectives they are; `unassigned` where nobody is named."""
        return self.requirements.owner
