"""What an incident waits for at this moment, so that every wait can be seen. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from holdfast.learning.formats import duration
from holdfast.model.case import ActionCase, Case
from holdfast.model.incident import Status
from holdfast.reasoning.fix_course import course_of
from holdfast.surfaces.cli import wording
from holdfast.surfaces.cli.fix_words import looks_words

_ENDED = (Status.CLOSED, Status.DECLINED, Status.MERGED)


@dataclass(frozen=True, slots=True)
class Wait:
    """`limit_seconds` is None where nothing bounds the wait."""

    text: str
    elapsed_seconds: float
    limit_seconds: float | None = None

    @property
    def fraction(self) -> float | None:
        """How much of the bound has gone by, from 0 to 1."""
        if self.limit_seconds is None:
            return None
        return min(1.0, max(0.0, self.elapsed_seconds / self.limit_seconds))


def is_over(case: Case) -> bool:
    """Whether Holdfast is finished with it: ended, or handed to a person with its report."""
    return case.status in _ENDED or (case.concluded and case.contract_unmet is not None)


def waiting(case: Case, now: datetime) -> Wait | None:
    """Return what is awaited: a write, its effect, a person, an answer, the next step, nothing."""
    if is_over(case):
        return None
    known = case.latest_action
    if not case.concluded and known is not None:
        wait = _for_action(case, known, now)
        if wait is not None:
            return wait
    since = (now - case.last_event_at).total_seconds()
    if case.open_tests:
        asked = len(case.tests)
        number = asked - len(case.open_tests) + 1
        return Wait(f"question {number} of {asked}: {case.open_tests[0].question}", since)
    if case.triage is None:
        return Wait("measuring the impact and listing changes", since)
    if case.concluded:
        return Wait("writing down what was learned", since)
    return Wait(_thinking(case), since)


def _thinking(case: Case) -> str:
    """Say what is worked on while no question, write or person is awaited."""
    if "mitigated" not in case.milestones:
        return "weighing what is known"
    course = course_of(case)
    if course is None:
        return "writing the permanent fix and testing it"
    if case.prevented is None and (course.fix is None or course.halt or course.released):
        return "deriving a rule that tells of a repeat"
    return "planning the next step of the fix"


def _for_action(case: Case, known: ActionCase, now: datetime) -> Wait | None:
    name = wording.action_name(case, known.action.id)
    if known.unanswered("undo") or known.unanswered("act"):
        part = "undo" if known.unanswered("undo") else "write"
        since = (now - known.claimed_at[-1]).total_seconds()
        return Wait(f"{part} under way: {name} {known.action.title}", since)
    if known.guard is None:
        return None
    if known.guard.decision == "ask" and not known.claims:
        since = (now - known.proposed_at).total_seconds()
        return Wait(f"a person decides: holdfast approve {case.incident_id}", since)
    if known.performed_at and known.verdict is None and known.outcome_of("act") == "done":
        effect = known.action.expected_effect
        since = (now - known.performed_at[-1]).total_seconds()
        return Wait(_effect(name, known), since, effect.deadline_seconds)
    return None


def _effect(name: str, known: ActionCase) -> str:
    effect = known.action.expected_effect
    match effect.kind:
        case "query":
            held = duration(effect.hold_seconds)
            return f"effect of {name}: {wording.bound(effect.bound)}, held for {held}"
        case "load_test":
            return f"load test of {name} under way: p95 {wording.bound(effect.bound)}"
        case "canary":
            return f"canary {name}: {looks_words(known)}"
        case "probe":
            return f"effect of {name}: {effect.statement}"
