"""One incident from alert to lessons, on one screen. Open this file first.

    signals ──► incident ──► evidence ⇄ hypotheses ──► actions ──► verification ──► fix ──► learning

`advance` folds the incident's events into a case, `decide` says purely which stage comes next, and
that stage asks, acts, and tells what came of it. Every `yield` of a stage is made durable before
the stage goes on: a claim is on disk before its write begins. Nothing else is remembered, so any
process can take an incident up where another one died.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from holdfast.engine import (
    acting,
    concluding,
    guarding,
    investigating,
    lessons,
    preventing,
    resolving,
    triaging,
    verifying,
)
from holdfast.engine.stage import Decision, Entries, Stage
from holdfast.engine.world import World
from holdfast.errors import HoldfastError, StepTaken
from holdfast.ledger.fold import fold
from holdfast.ledger.runtime import Progress
from holdfast.model.case import Case
from holdfast.reasoning.reasoner import Proposal

STAGES: Mapping[Stage, Callable[[Case, Proposal, World], Iterator[Entries]]] = {
    Stage.TRIAGE: triaging.triage,  # how bad is it, since when, what changed
    Stage.INVESTIGATE: investigating.investigate,  # hypotheses, predictions, judgements
    Stage.TEST: investigating.run_tests,  # ask what would tell them apart
    Stage.GUARD: guarding.guard,  # may this be done, here, now, by us
    Stage.ACT: acting.act,  # claim, write
    Stage.SETTLE: acting.settle,  # after doubt: did it take effect
    Stage.VERIFY: verifying.verify,  # is the expected effect seen: are users well again
    Stage.UNDO: acting.undo,  # it did not help: put it back
    Stage.EXPIRE: guarding.expire,  # nobody decided on a step of the fix
    Stage.REPAIR: resolving.repair,  # a fix on a branch, tested
    Stage.ROLL_OUT: resolving.roll_out,  # its next step: load test, merge, canary, all traffic
    Stage.PREVENT: preventing.prevent,  # an alert that would have told earlier, proven
    Stage.CONCLUDE: concluding.conclude,  # outcome, or a person with the gaps named
    Stage.LEARN: lessons.learn,  # measure the whole, action items, post-mortem
    Stage.CLOSE: lessons.close,  # the completion contract
}

_LONGEST_WAIT_SECONDS = 5.0
_LOOKS_PER_WAIT = 60.0


def advance(incident_id: str, world: World) -> Progress:
    """Do all that can be done now for one incident; return how long to wait for more."""
    while True:
        case = fold(world.ledger.events(incident_id))
        proposal = world.reasoner.propose(case) if needs_reasoner(case) else Proposal()
        decision = decide(case, proposal)
        if decision.finished:
            return Progress(finished=True)
        if decision.stage is None or not _run(decision.stage, case, proposal, world):
            waited_seconds = world.now() - case.last_event_at.timestamp()
            return Progress(False, wait_seconds=patience(waited_seconds, world.poll_seconds))


def patience(waited_seconds: float, poll_seconds: float) -> float:
    """Say purely how long to wait before looking again: the longer it took, the longer."""
    return max(poll_seconds, min(_LONGEST_WAIT_SECONDS, waited_seconds / _LOOKS_PER_WAIT))


def _run(stage: Stage, case: Case, proposal: Proposal, world: World) -> bool:
    """Run one stage; return whether it told anything new."""
    told = False
    try:
        for entries in STAGES[stage](case, proposal, world):
            world.tell(case.incident_id, entries)
            told = True
    except StepTaken:
        return False  # another worker is at this step: look again later
    except HoldfastError as error:
        if error.retryable:
            return False
        if case.concluded:
            raise
        world.tell(case.incident_id, concluding.stopped(case, stage, error))
    return told


def needs_reasoner(case: Case) -> bool:
    """Whether the case is still under investigation: not yet, or no longer once it is repaired."""
    return case.triage is not None and case.repaired is None and not case.concluded


def decide(case: Case, proposal: Proposal) -> Decision:
    """Say purely what comes next: first what is under way, then what is known, then lessons."""
    if is_finished(case):
        return Decision(finished=True)
    if case.concluded:
        return Decision(Stage.LEARN if case.postmortem is None else Stage.CLOSE)
    if case.triage is None:
        return Decision(Stage.TRIAGE)
    under_way = acting.next_stage(case)
    if under_way is not None and under_way is not Stage.VERIFY:
        return Decision(under_way)
    if case.open_tests:
        return Decision(Stage.TEST)
    if investigating.is_news(case, proposal):
        return Decision(Stage.INVESTIGATE)
    if under_way is not None or case.awaits_approval:
        return Decision(under_way or _while_asked(case))
    return Decision(resolving.next_stage(case) or Stage.CONCLUDE)


def _while_asked(case: Case) -> Stage | None:
    """A mitigation waits for its approval as long as it takes, a step of the fix does not."""
    latest = case.latest_action
    fixing = latest is not None and latest.action.purpose != "mitigate"
    return Stage.EXPIRE if fixing else None


def is_finished(case: Case) -> bool:
    """Whether Holdfast has done all it can: closed, or handed to a person with its report."""
    return case.concluded and case.contract_unmet is not None
