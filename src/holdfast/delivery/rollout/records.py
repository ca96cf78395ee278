"""What a rollout by hand is asked, what it tells on its way, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from holdfast.delivery.deployer import Deployer
from holdfast.delivery.judge.records import Calibration
from holdfast.delivery.rollout.look import Measuring
from holdfast.delivery.rollout.measure import Ask
from holdfast.delivery.rollout.step import StepVerdict
from holdfast.model.base import Record, UtcTime
from holdfast.model.evidence import Evidence
from holdfast.model.policy import CanaryPolicy
from holdfast.model.service import Service
from holdfast.model.slo import SLO

Outcome = Literal["promoted", "held", "taken_back", "inconclusive"]
"""`held`: every step went well and nobody wanted all of the traffic moved yet. `inconclusive` was
taken back too, without having been shown to be worse."""


@dataclass(frozen=True)
class RolloutOrder:
    """`stable` None = the version that serves alone now. `promote` False stops after the steps."""

    candidate: str
    stable: str | None = None
    promote: bool = True


@dataclass(frozen=True)
class RolloutWorld:
    """What a rollout works with. `stop_reason` is asked before each write forward: empty = go on.

    `objectives` are watched at the end. `calibration` is A/A history, where there is any.
    """

    deployer: Deployer
    ask: Ask
    service: Service
    canary: CanaryPolicy
    resolution_seconds: float
    objectives: tuple[SLO, ...]
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    stop_reason: Callable[[], str] = lambda: ""
    calibration: Calibration | None = None

    @property
    def measuring(self) -> Measuring:
        """Where and by which policy the arms are measured."""
        return Measuring(self.ask, self.service, self.canary, self.resolution_seconds)

    def now(self) -> float:
        """The present, in Unix seconds."""
        return self.clock().timestamp()


class Moved(Record):
    """The traffic is shared like this now, in percent."""

    kind: Literal["moved"] = "moved"
    at: UtcTime
    service: str
    weights: dict[str, float]
    why: str


class Looked(Record):
    """A look at a step. `step` counts from 1; `percent` is the candidate's share."""

    kind: Literal["looked"] = "looked"
    at: UtcTime
    step: int
    steps: int
    percent: float
    verdict: StepVerdict
    problems: tuple[str, ...] = ()


class Watched(Record):
    """A look at an objective after promotion. `bad_fraction` None = no data."""

    kind: Literal["watched"] = "watched"
    at: UtcTime
    slo: str
    bad_fraction: float | None
    at_most: float
    elapsed_seconds: float


class Kept(Record):
    """Evidence that a decision stands on."""

    kind: Literal["kept"] = "kept"
    at: UtcTime
    evidence: Evidence


class RolloutResult(Record):
    """How it ended. `verdict_evidence` is of the last look at a step; None before any."""

    kind: Literal["ended"] = "ended"
    at: UtcTime
    outcome: Outcome
    reason: str
    service: str
    stable: str
    candidate: str
    weights: dict[str, float]
    seconds: float
    verdict_evidence: Evidence | None = None


News = Moved | Looked | Watched | Kept | RolloutResult
Tell = Callable[[News], None]
