"""How an incident ends: with an outcome that was measured, or with a person and the gaps named."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast.actions.fix_steps import stands_against_its_verdict, steps_taken
from holdfast.diagnosis.conclusion import conclude as findings
from holdfast.engine.investigating import keep
from holdfast.engine.measuring import measure
from holdfast.engine.stage import Entries, Stage
from holdfast.engine.world import World
from holdfast.errors import HoldfastError
from holdfast.ledger.store import Entry
from holdfast.model.action import Autonomy
from holdfast.model.case import ActionCase, Case
from holdfast.model.event import Escalated, StatusChanged
from holdfast.model.evidence import Evidence
from holdfast.model.hypothesis import Bound
from holdfast.model.incident import IncidentOutcome, Status
from holdfast.model.slo import SLO
from holdfast.reasoning.fix_course import course_of, where_it_is, why_no_further
from holdfast.reasoning.mitigation import has_moved
from holdfast.reasoning.reasoner import Proposal
from holdfast.slo.detect import SOURCE as OUR_ALERTS
from holdfast.slo.rules import ratio_query
from holdfast.verification.effect import recovered

_FOR_A_PERSON = (IncidentOutcome.ESCALATED, IncidentOutcome.UNRESOLVED)
_HOLDS = 3
"""Hold times that trouble is given to pass by itself."""


@dataclass(frozen=True)
class Conclusion:
    """An outcome and why."""

    outcome: IncidentOutcome
    reason: str


def conclude(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Nothing more is under way, and the reasoner has nothing more to ask: say how it ended.

    A person is told at once. The outcome waits a while where nothing was done: what is over by
    itself by then is not called an escalation.
    """
    evidence: list[Evidence] = []
    back = not _was_changed(case) and _is_back(case, world, evidence)
    conclusion = outcome(case, proposal, back=back)
    for_a_person = conclusion.outcome in _FOR_A_PERSON
    missing = gaps(case, proposal)
    if for_a_person and case.escalated is None:
        yield [_handed(conclusion, missing)]
    waits = for_a_person and not _was_changed(case) and _may_pass(case, world)
    if not waits:
        yield [*keep(*evidence), *_entries(case, conclusion)]


def _was_changed(case: Case) -> bool:
    """Whether an action of ours may have changed anything."""
    claimed = [known for known in case.actions.values() if known.claims]
    return any(known.outcome_of("act") != "failed" for known in claimed)


def _may_pass(case: Case, world: World) -> bool:
    """Whether it is too early to say that the trouble does not pass by itself.

    It is given three times what proves a recovery, and the window that still holds the trouble.
    Where a policy only observes, or a person told of it, a person is there already.
    """
    denied = [known.guard for known in case.actions.values() if known.guard]
    if case.opened.alert is None or any(g.autonomy is Autonomy.OBSERVE for g in denied):
        return False
    slo = world.slo(case.opened.slo)
    given_seconds = _HOLDS * world.hold_seconds + (_short_window_seconds(slo) if slo else 0.0)
    return world.now() < case.opened_at.timestamp() + given_seconds


def outcome(case: Case, proposal: Proposal, *, back: bool) -> Conclusion:
    """Say purely how it ended. `back` = measured: inside the objective again by itself."""
    if case.status is Status.RESOLVED:
        return Conclusion(IncidentOutcome.FIXED, "the fix serves all traffic, and it is merged")
    if left := [a for a in steps_taken(case) if stands_against_its_verdict(a)]:
        return Conclusion(
            IncidentOutcome.ESCALATED,
            f"traffic could not be put back after this: {left[0].action.title}",
        )
    if case.status is Status.MITIGATED:
        return Conclusion(
            IncidentOutcome.MITIGATED_ONLY,
            f"users are served inside the objective again; {_why_not_fixed(case)}",
        )
    if back and not _was_measured(case):
        return Conclusion(IncidentOutcome.FALSE_ALARM, "nothing outside the objective was measured")
    if back:
        return Conclusion(
            IncidentOutcome.RECOVERED,
            "the objective is held again, and Holdfast did nothing for it",
        )
    if case.actions or findings(case).cause is not None:
        return Conclusion(IncidentOutcome.ESCALATED, _why_a_person(case, proposal))
    return Conclusion(
        IncidentOutcome.UNRESOLVED, proposal.reason or "no cause could be shown by evidence"
    )


def _why_not_fixed(case: Case) -> str:
    """Say how far the permanent fix came. It is an action item wherever it did not reach users."""
    course = course_of(case)
    if course is None:
        return "the permanent fix is an action item"
    if course.fix is None:
        declined = case.repaired.declined if case.repaired else ()
        return f"no fix was written: {'; '.join(each.reason for each in declined)}"
    why = why_no_further(course, course.fix)
    return f"{where_it_is(course, course.fix)}; {why}{_details(course.last)}"


def _details(last: ActionCase | None) -> str:
    """Return what the guard or the tools said of the step at which the fix ended."""
    if last is None:
        return ""
    if last.verdict is None and last.guard is not None and last.guard.decision == "deny":
        return f": {'; '.join(last.guard.reasons)}"
    failed = last.outcome_of("act") == "failed" and last.performances[-1].detail
    return f": {last.performances[-1].detail}" if failed else ""


def _was_measured(case: Case) -> bool:
    """Whether trouble was measured: by a burn rate of ours, or as a departure that can be dated."""
    alert = case.opened.alert
    burned = alert is not None and alert.source == OUR_ALERTS
    return burned or case.triage is None or case.triage.onset is not None


def gaps(case: Case, proposal: Proposal) -> tuple[str, ...]:
    """Return what was wanted and could not be asked or done, each once."""
    found = [*proposal.gaps, *(case.triage.gaps if case.triage else ())]
    for known in case.actions.values():
        if has_moved(known) and known is not case.latest_action:
            continue  # it was planned anew
        for word, decision in (("done", known.guard), ("undone", known.undo_guard)):
            if decision is not None and decision.decision == "deny":
                found += [_denied(word, known.action.title, why) for why in decision.reasons]
        found += [p.detail for p in known.performances if p.outcome == "failed" and p.detail]
        found += _not_shown(known)
    return tuple(dict.fromkeys(found))


def _not_shown(known: ActionCase) -> list[str]:
    """Say what an action was expected to bring and did not, or what was not measured of it."""
    if known.verdict is None or known.verdict.effect == "seen":
        return []
    why = "no data" if known.verdict.effect == "no_data" else "measured, and not so"
    return [f"{known.action.title}: {known.action.expected_effect.statement}: {why}"]


def _denied(word: str, title: str, why: str) -> str:
    return why if title in why else f"not {word}: {title}: {why}"


def stopped(case: Case, stage: Stage, error: HoldfastError) -> list[Entry]:
    """Return the entries for a stage that cannot go on: the incident is handed to a person."""
    ended = Conclusion(IncidentOutcome.ESCALATED, f"the stage {stage} could not be done: {error}")
    handed = [_handed(ended, (str(error),))] if case.escalated is None else []
    return [*handed, *_entries(case, ended)]


def _why_a_person(case: Case, proposal: Proposal) -> str:
    latest = case.latest_action
    if latest is None:
        return proposal.reason or "no action that Holdfast may take would help"
    if latest.verdict is not None and latest.verdict.effect == "no_data":
        return f"whether {latest.action.title} helped cannot be measured: no data"
    if latest.verdict is not None and latest.verdict.effect == "seen":
        return f"{latest.action.title} helped in part, and another cause goes on"
    if latest.verdict is not None:
        return f"{latest.action.title} did not help and {_how_undone(latest)}"
    if latest.guard is not None and latest.guard.decision == "deny":
        return f"{latest.action.title} was not allowed: {'; '.join(latest.guard.reasons)}"
    return f"{latest.action.title} could not be done"


def _how_undone(latest: ActionCase) -> str:
    if latest.outcome_of("undo") in ("done", "not_needed"):
        return "was undone"
    if latest.undo_guard is not None and latest.undo_guard.decision == "deny":
        return f"to undo it was not allowed: {'; '.join(latest.undo_guard.reasons)}"
    return "could not be undone"


def _handed(conclusion: Conclusion, missing: Sequence[str]) -> Entry:
    return "escalated", Escalated(reason=conclusion.reason, gaps=tuple(missing))


def _entries(case: Case, conclusion: Conclusion) -> list[Entry]:
    for_a_person = conclusion.outcome in _FOR_A_PERSON
    status = StatusChanged(
        status=case.status if for_a_person else Status.LEARNING,
        outcome=conclusion.outcome,
        reason=conclusion.reason,
    )
    return [("concluded", status)]


def _is_back(case: Case, world: World, evidence: list[Evidence]) -> bool:
    """Measure whether every objective in question is held, without anything having been done.

    Where an alert has told of trouble, only what was measured after it counts.
    """
    slo = world.slo(case.opened.slo)
    objectives = (slo,) if slo else world.slos_of(case.opened.service)
    if not objectives:
        return False
    since = case.opened_at.timestamp() if case.opened.alert else -math.inf
    return all(_holds(objective, since, world, evidence) for objective in objectives)


def _holds(slo: SLO, since: float, world: World, evidence: list[Evidence]) -> bool:
    hold_seconds = world.hold_seconds
    window = _short_window_seconds(slo) or hold_seconds
    now = world.now()
    answer = measure(world, ratio_query(slo, window), since=now - 2 * hold_seconds)
    evidence.append(answer)
    bound = Bound(at_most=slo.error_budget_fraction)
    return recovered(answer, bound=bound, hold_seconds=hold_seconds, now=now, since=since).back


def _short_window_seconds(slo: SLO) -> float:
    return min((tier.short_window_seconds for tier in slo.tiers), default=0.0)
