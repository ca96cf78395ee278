"""When it was well and when it was not: the stretches that a rule is proven on. Pure.

A stretch is aligned to the step that it is asked at, so that asking again asks the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holdfast.learning.cause import cause_of
from holdfast.learning.questions import Span, healthy_span, incident_span
from holdfast.model.case import ActionCase, Case

LONGEST_HISTORY_STEPS = 2400
"""How far before the healthy window the rule is tried, in steps."""

_MOST_PIECES = 4
"""Stretches of earlier time at most, latest first, where other incidents cut it."""


@dataclass(frozen=True)
class Stretches:
    """The incident from its release or onset to the write that ended it, and healthy time.

    `healthy` comes before the cause; `earlier` before that, without other incidents; `fixed` is
    what the fixed version has served alone, where there is one.
    """

    incident: Span
    healthy: Span
    earlier: tuple[Span, ...]
    fixed: Span | None

    @property
    def all_healthy(self) -> tuple[Span, ...]:
        """Every stretch in which the rule must be silent."""
        return (self.healthy, *self.earlier, *((self.fixed,) if self.fixed else ()))


def stretches(
    case: Case, others: Iterable[Span], *, step_seconds: float, now: float
) -> Stretches | str:
    """Return the stretches of an incident, or why there are none.

    `others` are the spans of other incidents (see `trouble_span`).
    """
    healthy = healthy_span(case)
    if healthy is None:
        return "no healthy time before the incident is known"
    incident = Span(_began(case), _ended(case))
    if incident.end <= incident.start:
        return "when the incident began and ended is not known"
    ends = min(healthy.end, incident.start - step_seconds)
    if ends - healthy.start < step_seconds:
        return "no healthy time before the cause began is known"
    earlier = Span(healthy.start - LONGEST_HISTORY_STEPS * step_seconds, healthy.start)
    pieces = _without(earlier, sorted(others, key=lambda span: span.start))
    kept = [p for p in pieces if p.end - p.start >= step_seconds][-_MOST_PIECES:]
    return Stretches(
        incident=aligned(incident, step_seconds),
        healthy=aligned(Span(healthy.start, ends), step_seconds),
        earlier=tuple(aligned(piece, step_seconds) for piece in kept),
        fixed=_fixed(case, step_seconds=step_seconds, now=now),
    )


def trouble_span(case: Case, *, margin_seconds: float) -> Span:
    """Return when an incident may have moved any signal; open-ended where it is not over."""
    over = "mitigated" in case.milestones or case.concluded
    end = incident_span(case)[1].timestamp() if over else math.inf
    return Span(_began(case) - margin_seconds, end + margin_seconds)


def aligned(span: Span, step_seconds: float) -> Span:
    """Return the stretch cut to whole steps."""
    start = math.ceil(span.start / step_seconds - 1e-9) * step_seconds
    end = math.floor(span.end / step_seconds + 1e-9) * step_seconds
    return Span(start, max(start, end))


def _began(case: Case) -> float:
    """When the cause began to work: the change, where it is believed, else the onset."""
    onset = incident_span(case)[0].timestamp()
    change = cause_of(case).change
    return min(onset, change.at.timestamp()) if change else onset


def _ended(case: Case) -> float:
    """When the write that helped was done; else when users were well again."""
    for one in case.actions.values():
        if one.action.purpose == "mitigate" and one.verdict and one.verdict.effect == "seen":
            return _performed(one)
    return incident_span(case)[1].timestamp()


def _fixed(case: Case, *, step_seconds: float, now: float) -> Span | None:
    for one in case.actions.values():
        seen = one.verdict is not None and one.verdict.effect == "seen"
        if one.action.purpose == "release" and seen and one.outcome_of("undo") is None:
            began = _performed(one)
            return aligned(Span(began, now), step_seconds) if now - began > step_seconds else None
    return None


def _performed(one: ActionCase) -> float:
    return one.performed_at[-1].timestamp() if one.performed_at else one.proposed_at.timestamp()


def _without(span: Span, others: Sequence[Span]) -> list[Span]:
    """Return what is left of a span when others are taken out, in order."""
    left: list[Span] = []
    start = span.start
    for other in others:
        if other.end <= start or other.start >= span.end:
            continue
        if other.start > start:
            left.append(Span(start, other.start))
        start = max(start, other.end)
    return [*left, Span(start, span.end)] if start < span.end else left
