"""The phases of an incident with their times, beside the field's targets. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from holdfast.actions.fix_steps import succeeded
from holdfast.learning.cause import cause_of
from holdfast.learning.targets import PHASE_TARGETS_SECONDS
from holdfast.model import event as ev
from holdfast.model.action import Purpose
from holdfast.model.case import Case
from holdfast.model.event import Event
from holdfast.model.hypothesis import HypothesisStatus
from holdfast.model.incident import IncidentOutcome, Status
from holdfast.reasoning.fix_course import course_of, steps_of

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
    """Return the phases in order. All but `detect` count from the detection.

    Where a permanent fix is worked on, its parts stand in place of `resolve`; the last of them
    has its target.
    """
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
        *_resolving(case, events, now),
        _since_detection(
            "learn", case, now,
            begun=concluded_at is not None, ended_at=_closed_at(events), given_up_at=checked_at,
        ),
    )  # fmt: skip


def _resolving(case: Case, events: Sequence[Event], now: datetime) -> tuple[Phase, ...]:
    concluded_at = _concluded_at(events)
    resolved_at = _milestone(case, "resolved")
    if not _fix_is_due(case):
        return (
            _since_detection(
                "resolve", case, now,
                begun=False, ended_at=resolved_at, given_up_at=concluded_at,
            ),
        )  # fmt: skip
    course = course_of(case)
    fix = course.fix if course else None
    repaired_at = _at(events, ev.Repaired)
    proven_at = _seen_at(case, "stage")
    released_at = resolved_at or _seen_at(case, "release")
    over = bool(released_at) or (course is not None and (fix is None or bool(course.halt)))
    given_up_at = concluded_at or (case.last_event_at if over else None)
    prevented_at = _at(events, ev.Prevented)
    prevention = case.prevented.prevention if case.prevented else None
    return (
        _since_detection(
            "fix", case, now,
            begun=True, ended_at=repaired_at if fix else None,
            given_up_at=repaired_at or concluded_at,
        ),
        _since_detection(
            "prove", case, now,
            begun=fix is not None, ended_at=proven_at, given_up_at=given_up_at,
        ),
        _since_detection(
            "roll out", case, now,
            begun=proven_at is not None, ended_at=released_at, given_up_at=given_up_at,
            target="resolve",
        ),
        _since_detection(
            "prevent", case, now,
            begun=over, ended_at=prevented_at if prevention else None,
            given_up_at=prevented_at or concluded_at,
        ),
    )  # fmt: skip


def _fix_is_due(case: Case) -> bool:
    """Whether a fix was worked on, or is next: users are well, and nothing is concluded."""
    return case.repaired is not None or ("mitigated" in case.milestones and not case.concluded)


def _at(events: Sequence[Event], kind: type[ev.Repaired | ev.Prevented]) -> datetime | None:
    return next((e.at for e in events if isinstance(e.payload, kind)), None)


def _seen_at(case: Case, purpose: Purpose) -> datetime | None:
    """When the effect of the first such step was seen."""
    return next((one.verified_at for one in steps_of(case, purpose) if succeeded(one)), None)


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
    target: str = "",
) -> Phase:
    seconds = PHASE_TARGETS_SECONDS.get(target or name)
    if ended_at is not None:
        return Phase(name, "done", (ended_at - detected_at(case)).total_seconds(), seconds)
    if given_up_at is not None:
        return Phase(name, "missed", None, seconds)
    if not begun:
        return Phase(name, "pending", None, seconds)
    return Phase(name, "running", (now - detected_at(case)).total_seconds(), seconds)


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
