"""The phases of an incident with their times, beside the field's targets. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from holdfast.learning.cause import cause_of
from holdfast.learning.targets import PHASE_TARGETS_SECONDS
from holdfast.model import event as ev
from holdfast.model.case import Case
from holdfast.model.event import Event
from holdfast.model.hypothesis import HypothesisStatus
from holdfast.model.incident import IncidentOutcome, Status

PhaseState = Literal["pending", "running", "done", "missed"]
"""`missed`: the incident was concluded without it."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase. `elapsed_seconds` is None where it has not begun, or its start is unknown."""

    name: str
    state: PhaseState
    elapsed_seconds: float | None = None
    target_seconds: float | None = None

    @property
    def late(self) -> bool:
        """Whether it took, or takes, longer than the target."""
        elapsed, target = self.elapsed_seconds, self.target_seconds
        return elapsed is not None and target is not None and elapsed > target


def phases(case: Case, events: Sequence[Event], now: datetime) -> tuple[Phase, ...]:
    """Return the six phases. All but `detect` count from the detection."""
    triaged_at = next((e.at for e in events if isinstance(e.payload, ev.Triaged)), None)
    concluded_at = _concluded_at(events)
    checked_at = case.last_event_at if case.contract_unmet else None
    return (
        _detect(case),
        _since_detection("triage", case, now, begun=True, ended_at=triaged_at),
        _since_detection(
            "mitigate", case, now,
            begun=triaged_at is not None,
            ended_at=_milestone(case, "mitigated"), given_up_at=concluded_at,
        ),
        _since_detection(
            "diagnose", case, now,
            begun=triaged_at is not None,
            ended_at=_diagnosed_at(case, events), given_up_at=concluded_at,
        ),
        _since_detection(
            "resolve", case, now,
            begun=False, ended_at=_milestone(case, "resolved"), given_up_at=concluded_at,
        ),
        _since_detection(
            "learn", case, now,
            begun=concluded_at is not None, ended_at=_closed_at(events), given_up_at=checked_at,
        ),
    )  # fmt: skip


def detected_at(case: Case) -> datetime:
    """Return when the incident was detected: its milestone, else when it was opened."""
    return _milestone(case, "detected") or case.opened_at


def _detect(case: Case) -> Phase:
    started = _milestone(case, "impact_started")
    seconds = (detected_at(case) - started).total_seconds() if started else None
    return Phase("detect", "done", seconds, PHASE_TARGETS_SECONDS["detect"])


def _since_detection(
    name: str,
    case: Case,
    now: datetime,
    *,
    begun: bool,
    ended_at: datetime | None,
    given_up_at: datetime | None = None,
) -> Phase:
    target = PHASE_TARGETS_SECONDS.get(name)
    if ended_at is not None:
        return Phase(name, "done", (ended_at - detected_at(case)).total_seconds(), target)
    if given_up_at is not None:
        return Phase(name, "missed", None, target)
    if not begun:
        return Phase(name, "pending", None, target)
    return Phase(name, "running", (now - detected_at(case)).total_seconds(), target)


def _milestone(case: Case, name: str) -> datetime | None:
    reached = case.milestones.get(name)
    return reached.at if reached else None


def _concluded_at(events: Sequence[Event]) -> datetime | None:
    return next(
        (e.at for e in events if isinstance(e.payload, ev.StatusChanged) and e.payload.outcome),
        None,
    )


def _closed_at(events: Sequence[Event]) -> datetime | None:
    return next(
        (
            e.at
            for e in events
            if isinstance(e.payload, ev.StatusChanged) and e.payload.status is Status.CLOSED
        ),
        None,
    )


def _diagnosed_at(case: Case, events: Sequence[Event]) -> datetime | None:
    """When the believed cause was last judged, once no rival is open or the case is concluded."""
    if case.outcome in (IncidentOutcome.FALSE_ALARM, IncidentOutcome.UNRESOLVED):
        return None
    cause = cause_of(case)
    deepest = cause.mechanism or cause.origin
    rivals = any(h.status is HypothesisStatus.OPEN for h in case.hypotheses.values())
    if deepest is None or (rivals and not case.concluded):
        return None
    judged = (
        e.at
        for e in reversed(events)
        if isinstance(e.payload, ev.HypothesisJudged) and e.payload.hypothesis.id == deepest.id
    )
    return next(judged, None)
