"""What comes next is a pure function of the case: every transition, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from holdfast.engine import acting, concluding
from holdfast.engine.stage import Decision, Stage
from holdfast.flow import decide, is_finished, needs_reasoner, patience
from holdfast.ledger.fold import fold
from holdfast.model import event as ev
from holdfast.model.action import Autonomy, GuardDecision, Performance, Verdict
from holdfast.model.case import Case, Part
from holdfast.model.event import Event, Payload
from holdfast.model.figure import Derivation
from holdfast.model.hypothesis import Bound, Hypothesis, HypothesisStatus, Test, TestResult
from holdfast.model.incident import Impact, IncidentOutcome, Severity, Status
from holdfast.reasoning.reasoner import Proposal
from support.action_world import approval, rollback

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OPENED = ev.Opened(
    title="it is slow", service="shop", slo=None, severity=Severity.SEV2, severity_reason="burn"
)
TRIAGED = ev.Triaged(impact=Impact(figures={}), changes=(), services=("shop",), onset=BEGAN)
ACTION = rollback()
SECOND = rollback(id="act-2")
PROPOSED = ev.ActionProposed(action=ACTION)
APPROVED = ev.Approved(approval=approval(ACTION))
WELL = ev.StatusChanged(status=Status.MITIGATED, reason="seen")
CAUSE = Hypothesis(id="h", statement="It broke it.", service="shop", mechanism="bad_release")
TEST = Test(
    id="t",
    hypothesis_id="h",
    question="Is it?",
    calls=(),
    measure=Derivation(function="value", evidence_ids=("$0",)),
    prediction=Bound(at_least=1),
)
PLANNED = ev.TestPlanned(test=TEST)
ANSWERED = ev.TestObserved(
    result=TestResult(
        test_id="t", hypothesis_id="h", evidence_ids=(), measured=None, reading="unknown"
    )
)


def case_of(*payloads: Payload) -> Case:
    """Return the case of an incident that was opened, and then this."""
    return fold(
        [
            Event(
                incident_id="inc-1",
                sequence=number,
                step_key=str(number),
                at=BEGAN + timedelta(seconds=number),
                actor="test",
                payload=payload,
                payload_hash="",
                previous_hash="",
                hash="",
            )
            for number, payload in enumerate((OPENED, *payloads), start=1)
        ]
    )


def guarded(decision: Literal["allow", "ask", "deny"], part: Part = "act") -> ev.Guarded:
    """Return a decision of the guard."""
    return ev.Guarded(
        decision=GuardDecision(
            action_id=ACTION.id,
            part=part,
            decision=decision,
            autonomy=Autonomy.ACT,
            reasons=("it is so",),
        )
    )


def claimed(part: Part = "act", attempt: int = 1) -> ev.Claimed:
    """Return a claim."""
    return ev.Claimed(action_id=ACTION.id, part=part, attempt=attempt, world=ACTION.preconditions)


def performed(
    outcome: Literal["done", "failed", "unknown", "not_needed"],
    part: Part = "act",
    attempt: int = 1,
) -> ev.Performed:
    """Return an answer to a claim."""
    return ev.Performed(
        performance=Performance(
            action_id=ACTION.id,
            part=part,
            attempt=attempt,
            outcome=outcome,
            seconds=1.0,
            detail="what came of it",
        )
    )


def verified(effect: Literal["seen", "not_seen", "no_data"]) -> ev.Verified:
    """Return a verdict."""
    return ev.Verified(
        verdict=Verdict(
            action_id=ACTION.id,
            effect=effect,
            measured=None,
            expected="well",
            held_seconds=0.0,
            evidence_ids=(),
        )
    )


def concluded(outcome: IncidentOutcome) -> ev.StatusChanged:
    """Return the end of the investigation."""
    return ev.StatusChanged(status=Status.LEARNING, outcome=outcome, reason="it is over")


WRITTEN = ev.PostmortemWritten(markdown_path="a.md", json_path="a.json", content_hash="0")
CHECKED = ev.ContractChecked(met=(), unmet=("an owner",))
ALLOWED = (PROPOSED, guarded("allow"))
ACTED = (*ALLOWED, claimed(), performed("done"))
IN_VAIN = (*ACTED, verified("not_seen"))
UNDOING = (*IN_VAIN, guarded("allow", "undo"), claimed("undo"))


@pytest.mark.parametrize(
    ("payloads", "stage"),
    [
        pytest.param((), None, id="nothing is proposed"),
        pytest.param((PROPOSED,), Stage.GUARD, id="proposed"),
        pytest.param(ALLOWED, Stage.ACT, id="allowed"),
        pytest.param((PROPOSED, guarded("deny")), None, id="denied"),
        pytest.param((PROPOSED, guarded("ask")), None, id="a person is asked"),
        pytest.param((PROPOSED, APPROVED), Stage.GUARD, id="approved before it was weighed"),
        pytest.param((PROPOSED, guarded("ask"), APPROVED), Stage.GUARD, id="an approval arrived"),
        pytest.param(
            (PROPOSED, guarded("ask"), APPROVED, guarded("allow")), Stage.ACT, id="and was weighed"
        ),
        pytest.param(
            (PROPOSED, guarded("ask"), APPROVED, guarded("ask")), None, id="and does not count"
        ),
        pytest.param(
            (PROPOSED, guarded("ask"), APPROVED, guarded("ask"), APPROVED),
            Stage.GUARD,
            id="another approval arrived",
        ),
        pytest.param((*ALLOWED, guarded("deny")), None, id="denied at its execution"),
        pytest.param((*ALLOWED, claimed()), Stage.SETTLE, id="a claim without an answer"),
        pytest.param(
            (*ALLOWED, claimed(), performed("unknown")), Stage.SETTLE, id="an unknown outcome"
        ),
        pytest.param(
            (*ALLOWED, claimed(), performed("unknown"), performed("done")),
            Stage.VERIFY,
            id="doubt settled: done",
        ),
        pytest.param(
            (*ALLOWED, claimed(), performed("unknown"), performed("failed")),
            None,
            id="doubt settled: failed",
        ),
        pytest.param(
            (*ALLOWED, claimed(), claimed(attempt=2)), Stage.SETTLE, id="a retry without an answer"
        ),
        pytest.param(
            (*ALLOWED, claimed(), claimed(attempt=2), performed("done", attempt=2)),
            Stage.VERIFY,
            id="a retry with its answer, the first claim never had one",
        ),
        pytest.param(
            (
                *ALLOWED,
                claimed(),
                performed("unknown"),
                claimed(attempt=2),
            ),
            Stage.SETTLE,
            id="an unknown outcome, and a retry without an answer",
        ),
        pytest.param(
            (*ALLOWED, claimed(), performed("unknown"), guarded("deny"), performed("failed")),
            None,
            id="a retry denied",
        ),
        pytest.param((*ALLOWED, claimed(), performed("failed")), None, id="failed"),
        pytest.param((*ALLOWED, claimed(), performed("not_needed")), Stage.VERIFY, id="not needed"),
        pytest.param(ACTED, Stage.VERIFY, id="done"),
        pytest.param((*ACTED, verified("seen")), None, id="seen"),
        pytest.param((*ACTED, verified("no_data")), None, id="not measured: left as it is"),
        pytest.param(IN_VAIN, Stage.UNDO, id="in vain"),
        pytest.param((*IN_VAIN, guarded("deny", "undo")), None, id="the undo is denied"),
        pytest.param(UNDOING, Stage.SETTLE, id="an undo without an answer"),
        pytest.param((*UNDOING, performed("unknown", "undo")), Stage.SETTLE, id="an undo in doubt"),
        pytest.param((*UNDOING, performed("done", "undo")), None, id="undone"),
        pytest.param((*UNDOING, performed("failed", "undo")), None, id="not undone"),
        pytest.param(
            (*UNDOING, performed("done", "undo"), ev.ActionProposed(action=SECOND)),
            Stage.GUARD,
            id="undone, and the next one proposed",
        ),
    ],
)
def test_what_the_action_under_way_needs_next(
    payloads: tuple[Payload, ...], stage: Stage | None
) -> None:
    assert acting.next_stage(case_of(TRIAGED, *payloads)) is stage


NEWS = Proposal(tests=(TEST,))


@pytest.mark.parametrize(
    ("payloads", "proposal", "decision"),
    [
        pytest.param((), Proposal(), Decision(Stage.TRIAGE), id="opened"),
        pytest.param((TRIAGED,), NEWS, Decision(Stage.INVESTIGATE), id="there is news"),
        pytest.param((TRIAGED, PLANNED), NEWS, Decision(Stage.TEST), id="a test is open"),
        pytest.param((TRIAGED, PLANNED, ANSWERED), NEWS, Decision(Stage.CONCLUDE), id="all known"),
        pytest.param(
            (TRIAGED, PLANNED, *ALLOWED), NEWS, Decision(Stage.ACT), id="acting comes before tests"
        ),
        pytest.param(
            (TRIAGED, PLANNED, *ACTED), NEWS, Decision(Stage.TEST), id="verifying comes after them"
        ),
        pytest.param((TRIAGED, *ACTED), NEWS, Decision(Stage.INVESTIGATE), id="and after news"),
        pytest.param((TRIAGED, *ACTED), Proposal(), Decision(Stage.VERIFY), id="then it is due"),
        pytest.param(
            (TRIAGED, PROPOSED, guarded("ask")), Proposal(), Decision(None), id="wait for a person"
        ),
        pytest.param(
            (TRIAGED, PROPOSED, guarded("ask")),
            NEWS,
            Decision(Stage.INVESTIGATE),
            id="ask on while a person decides",
        ),
        pytest.param(
            (TRIAGED, PROPOSED, guarded("deny")),
            Proposal(),
            Decision(Stage.CONCLUDE),
            id="denied, and nothing else to do",
        ),
        pytest.param(
            (TRIAGED, *ACTED, verified("no_data")),
            Proposal(),
            Decision(Stage.CONCLUDE),
            id="nothing measured, and nothing else to do",
        ),
        pytest.param(
            (TRIAGED, *ACTED, concluded(IncidentOutcome.MITIGATED_ONLY)),
            NEWS,
            Decision(Stage.LEARN),
            id="concluded: only lessons are left",
        ),
        pytest.param(
            (TRIAGED, *ACTED, concluded(IncidentOutcome.ESCALATED), WRITTEN),
            NEWS,
            Decision(Stage.CLOSE),
            id="written",
        ),
        pytest.param(
            (TRIAGED, concluded(IncidentOutcome.ESCALATED), WRITTEN, CHECKED),
            NEWS,
            Decision(finished=True),
            id="checked",
        ),
    ],
)
def test_what_comes_next(
    payloads: tuple[Payload, ...], proposal: Proposal, decision: Decision
) -> None:
    case = case_of(*payloads)
    assert decide(case, proposal) == decision
    assert is_finished(case) == decision.finished


def test_the_reasoner_is_asked_between_triage_and_the_end_only() -> None:
    assert not needs_reasoner(case_of())
    assert needs_reasoner(case_of(TRIAGED))
    assert not needs_reasoner(case_of(TRIAGED, concluded(IncidentOutcome.ESCALATED)))


@pytest.mark.parametrize(("waited", "seconds"), [(0, 0.5), (15, 0.5), (120, 2), (3600, 5)])
def test_who_waits_long_is_looked_at_more_rarely(waited: float, seconds: float) -> None:
    assert patience(waited, 0.5) == seconds


BELIEVED = ev.HypothesisJudged(
    hypothesis=CAUSE.model_copy(update={"status": HypothesisStatus.SUPPORTED}), reason="so"
)
NO_ONSET = TRIAGED.model_copy(update={"onset": None})


@pytest.mark.parametrize(
    ("payloads", "back", "outcome"),
    [
        ((TRIAGED, *ACTED, verified("seen"), WELL), False, IncidentOutcome.MITIGATED_ONLY),
        ((TRIAGED,), True, IncidentOutcome.RECOVERED),
        ((NO_ONSET,), True, IncidentOutcome.FALSE_ALARM),
        ((NO_ONSET,), False, IncidentOutcome.UNRESOLVED),
        ((TRIAGED,), False, IncidentOutcome.UNRESOLVED),
        ((TRIAGED, BELIEVED), False, IncidentOutcome.ESCALATED),
        ((TRIAGED, *ACTED, verified("no_data")), False, IncidentOutcome.ESCALATED),
        ((TRIAGED, PROPOSED, guarded("deny")), False, IncidentOutcome.ESCALATED),
    ],
)
def test_an_outcome_is_what_was_measured(
    payloads: tuple[Payload, ...], back: bool, outcome: IncidentOutcome
) -> None:
    assert concluding.outcome(case_of(*payloads), Proposal(), back=back).outcome is outcome


@pytest.mark.parametrize(
    ("payloads", "reason"),
    [
        ((PROPOSED, guarded("deny")), "was not allowed: it is so"),
        ((*ALLOWED, claimed(), performed("failed")), "could not be done"),
        ((*ACTED, verified("no_data")), "helped cannot be measured: no data"),
        ((*UNDOING, performed("done", "undo")), "did not help and was undone"),
        ((*UNDOING, performed("not_needed", "undo")), "did not help and was undone"),
        ((*UNDOING, performed("failed", "undo")), "did not help and could not be undone"),
        ((*IN_VAIN, guarded("deny", "undo")), "to undo it was not allowed: it is so"),
    ],
)
def test_a_person_is_told_why_and_what_is_missing(
    payloads: tuple[Payload, ...], reason: str
) -> None:
    case = case_of(TRIAGED, *payloads)
    assert reason in concluding.outcome(case, Proposal(), back=False).reason
    assert concluding.gaps(case, Proposal())
