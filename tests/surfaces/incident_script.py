"""A bad release from alert to report, as events, made by hand: what the terminal is tried with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from holdfast.model import event as ev
from holdfast.model.action import (
    Action,
    Autonomy,
    EffectProbe,
    ExpectedEffect,
    GuardDecision,
    Performance,
    Risk,
    RunbookCall,
    Verdict,
    WorldState,
)
from holdfast.model.change import Change, ChangeType
from holdfast.model.event import Event, Payload
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome, Sample, Vector
from holdfast.model.figure import Derivation, Figure
from holdfast.model.hypothesis import (
    Bound,
    CodeSpot,
    Hypothesis,
    HypothesisStatus,
    Test,
    TestResult,
    ToolCall,
)
from holdfast.model.incident import (
    Claim,
    Impact,
    IncidentOutcome,
    Milestone,
    Severity,
    Status,
)
from holdfast.model.lesson import ActionItem

START = datetime(2026, 11, 23, 17, 5, 12, tzinfo=UTC)
INCIDENT = "inc-01kazq3v7t-4f9k2m"
Timed = tuple[float, Payload]


def make_events(timed: Sequence[Timed], incident_id: str = INCIDENT) -> list[Event]:
    """Return sealed-looking events, each so many seconds after START."""
    return [
        Event(
            incident_id=incident_id,
            sequence=place,
            step_key=f"step-{place}",
            at=START + timedelta(seconds=seconds),
            actor="holdfast (embedded)",
            payload=payload,
            payload_hash="p",
            previous_hash="b",
            hash="h",
        )
        for place, (seconds, payload) in enumerate(timed, start=1)
    ]


def figure(name: str, value: float | None, text: str = "") -> Figure:
    return Figure(
        id=name, derivation=Derivation(function="first", evidence_ids=()), value=value, text=text
    )


def kept(query: str, value: float | None, error: str = "") -> ev.EvidenceKept:
    outcome = Outcome.ERROR if error else Outcome.NO_DATA if value is None else Outcome.DATA
    answer = None if value is None else Vector(samples=(Sample(labels={}, at=0, value=value),))
    return ev.EvidenceKept(
        evidence=Evidence.seal(
            kind=EvidenceKind.METRIC,
            query=query,
            source="recorder",
            asked_at=START,
            outcome=outcome,
            value=answer,
            error=error,
        )
    )


OPENED = ev.Opened(
    title="storefront-latency burns its error budget 7.6 times too fast",
    service="storefront",
    slo="storefront-latency",
    severity=Severity.SEV1,
    severity_reason="both windows of the tier fast burn above 6 budgets; storefront is critical",
    laboratory=True,
)
REPORTED = OPENED.model_copy(
    update={
        "title": "reported by a person",
        "statement": "P95 went from 50 ms to 2 s,\ncustomers time out",
        "claims": (
            Claim(text="P95 2 s", quantity="latency_p95_seconds", value=2, unit="s"),
            Claim(text="P95 before 50 ms", quantity="latency_p95_seconds", value=0.05, unit="s"),
        ),
    }
)

RELEASE = Change(
    id="chg-1",
    type=ChangeType.DEPLOYMENT,
    service="customer-api",
    at=START - timedelta(seconds=13),
    from_version="v2.3.3",
    to_version="v2.3.4",
    source="deployments.jsonl",
)
TRIAGED = ev.Triaged(
    impact=Impact(
        figures={
            "duration_seconds": figure("duration_seconds", 11.0),
            "requests": figure("requests", 273),
            "slow_requests": figure("slow_requests", 104),
            "failed_requests": figure("failed_requests", 0),
            "users_affected": figure("users_affected", 89),
            "budget_spent_fraction": figure("budget_spent_fraction", 0.0763),
            "latency_p95_seconds_now": figure("latency_p95_seconds_now", 0.612),
        }
    ),
    changes=(RELEASE,),
    services=("storefront", "customer-api", "checkout", "inventory", "payments"),
    onset=START - timedelta(seconds=10),
    gaps=("no traces are configured",),
)


def hypothesis(
    number: int,
    statement: str,
    status: HypothesisStatus = HypothesisStatus.OPEN,
    confidence: float = 0.2,
    **more: object,
) -> Hypothesis:
    return Hypothesis.model_validate(
        {
            "id": f"hyp-{number}",
            "statement": statement,
            "service": "customer-api",
            "mechanism": "bad_release",
            "status": status,
            "confidence": confidence,
        }
        | more
    )


RELEASE_BROKE_IT = "The release v2.3.4 of customer-api broke it; v2.3.3 was well."
GUESSES = (
    hypothesis(
        1,
        RELEASE_BROKE_IT,
        confidence=0.35,
        change_id="chg-1",
        predicts=(
            "the symptom begins after the release, and not long after",
            "only the new version is affected",
            "the objective is met again once the version before serves",
        ),
    ),
    hypothesis(2, "customer-api is slow by itself, whatever its version.", confidence=0.15),
    hypothesis(3, "checkout is slow by itself, whatever its version.", confidence=0.12),
    hypothesis(4, "More requests arrive than the services can serve.", confidence=0.2),
    hypothesis(5, "A dependency outside of the catalog is slow.", confidence=0.08),
)
LOOPS = hypothesis(
    6,
    "Each request sends a statement per row that it shows, instead of one for all.",
    confidence=0.5,
    mechanism="n_plus_one",
    parent_id="hyp-1",
    predicts=("statements per request rise with the rows shown, and each stays fast",),
)
SPOT = CodeSpot(
    path="customer_api/views.py",
    line=42,
    symbol="list_customers",
    why="loads customer.orders inside the loop over customers",
)


def question(number: int, guess: int, text: str, bound: Bound, decisive: bool = True) -> Test:
    return Test(
        id=f"test-{number}",
        hypothesis_id=f"hyp-{guess}",
        question=text,
        calls=(ToolCall(tool="prometheus_query"),),
        measure=Derivation(function="value", evidence_ids=()),
        prediction=bound,
        decisive=decisive,
    )


TESTS = (
    question(
        1,
        1,
        "Did the symptom begin after the change, and not long after?",
        Bound(at_least=1795453499.0, at_most=1795453619.0, unit="Unix seconds"),
    ),
    question(
        2,
        1,
        "Is v2.3.4 of customer-api worse than v2.3.3 before?",
        Bound(at_least=1.5, unit="times"),
    ),
    question(
        3,
        3,
        "How much of the added trouble is checkout's own, after its callees' share?",
        Bound(at_least=0.333, unit="of the symptom's excess"),
    ),
    question(
        4, 4, "Is storefront asked more often than before?", Bound(at_least=1.5, unit="times")
    ),
    question(
        5,
        6,
        "Are there more statements per request than before?",
        Bound(at_least=1.5, unit="times"),
    ),
    question(
        6,
        5,
        "How much time is spent outside of the catalog?",
        Bound(at_least=0.1, unit="s"),
        False,
    ),
)


def result(number: int, guess: int, measured: float | None, reading: str, note: str = ""):
    return ev.TestObserved(
        result=TestResult.model_validate(
            {
                "test_id": f"test-{number}",
                "hypothesis_id": f"hyp-{guess}",
                "evidence_ids": (),
                "measured": measured,
                "reading": reading,
                "note": note,
            }
        )
    )


def judged(
    guess: Hypothesis, status: HypothesisStatus, confidence: float, reason: str, **more: object
):
    changed = guess.model_copy(update={"status": status, "confidence": confidence, **more})
    return ev.HypothesisJudged(hypothesis=changed, reason=reason)


ROLLBACK = Action(
    id="act-1",
    hypothesis_id="hyp-1",
    title="Roll customer-api back from v2.3.4 to v2.3.3",
    plan=RunbookCall(
        runbook_id="rollback-release",
        parameters={"service": "customer-api", "to": "v2.3.3", "from": "v2.3.4"},
    ),
    target="customer-api",
    risk=Risk.LOW,
    blast_radius="customer-api and the services that call it",
    preconditions=WorldState(versions={"customer-api": {"v2.3.4": 100}}),
    expected_effect=ExpectedEffect(
        statement="the latency objective of storefront is met again",
        query="q",
        bound=Bound(at_most=1, unit="budgets"),
        hold_seconds=10,
        deadline_seconds=60,
    ),
    effect_probe=EffectProbe(service="customer-api", version="v2.3.3"),
    undo=RunbookCall(
        runbook_id="rollback-release",
        parameters={"service": "customer-api", "to": "v2.3.4", "from": "v2.3.3"},
    ),
    idempotency_key="k",
)
VERDICT = Verdict(
    action_id="act-1",
    effect="seen",
    measured=0.21,
    expected="at most 1 budget burnt",
    held_seconds=10,
    evidence_ids=(),
)
POSTMORTEM = ev.PostmortemWritten(
    markdown_path=f".holdfast/incidents/{INCIDENT}/postmortem.md",
    json_path=f".holdfast/incidents/{INCIDENT}/postmortem.json",
    content_hash="c",
)

_S = HypothesisStatus
_OPENING: tuple[Timed, ...] = (
    (0.0, OPENED),
    (0.0, ev.MilestoneReached(milestone=Milestone(name="detected", at=START))),
    (0.3, kept('sum(rate(edge_requests_slow_total{service_name="storefront"}[5s]))', 9.4)),
    (0.6, kept('sum(rate(edge_requests_failed_total{service_name="storefront"}[5s]))', 0.0)),
    (
        1.0,
        ev.MilestoneReached(
            milestone=Milestone(
                name="impact_started", at=START - timedelta(seconds=10), estimated=True
            )
        ),
    ),
    (1.1, TRIAGED),
    (1.1, ev.StatusChanged(status=Status.ACTIVE, reason="impact measured, changes listed")),
)
_REASONING: tuple[Timed, ...] = (
    *((1.2, ev.HypothesisProposed(hypothesis=guess)) for guess in GUESSES),
    *((1.3, ev.TestPlanned(test=test)) for test in TESTS[:4]),
    (1.8, result(1, 1, 1795453502.0, "supports")),
    (2.2, kept("histogram_quantile(0.95, sum(rate(x[5s])) by (le, service_version))", 0.61)),
    (2.3, result(2, 1, 14.2, "supports")),
    (2.6, result(3, 3, 0.02, "contradicts")),
    (2.9, result(4, 4, 1.01, "contradicts")),
    (3.0, judged(GUESSES[0], _S.SUPPORTED, 0.91, "its predictions held; its rivals' did not")),
    (3.0, judged(GUESSES[1], _S.REFUTED, 0.02, "only v2.3.4 is slow")),
    (3.0, judged(GUESSES[2], _S.REFUTED, 0.03, "0.02 of the excess is its own, ≥ 0.333 predicted")),
    (3.0, judged(GUESSES[3], _S.REFUTED, 0.02, "traffic is what it was")),
    (3.1, ev.TestPlanned(test=TESTS[5])),
    (3.4, kept("sum(rate(outside_seconds_sum[5s]))", None)),
    (3.4, result(6, 5, None, "unknown", "no metric of outside calls is mapped")),
    (
        3.5,
        judged(
            GUESSES[4], _S.UNRESOLVED, 0.08, "it could not be asked",
            gaps=("outside calls are not measured",),
        ),
    ),
)  # fmt: skip
_ACTING: tuple[Timed, ...] = (
    (3.6, ev.ActionProposed(action=ROLLBACK)),
    (
        3.7,
        ev.Guarded(
            decision=GuardDecision(
                action_id="act-1",
                decision="allow",
                autonomy=Autonomy.ACT,
                reasons=("rule rollbacks-in-the-lab allows low risk",),
            )
        ),
    ),
    (3.8, ev.Claimed(action_id="act-1", part="act", attempt=1, world=ROLLBACK.preconditions)),
    (
        5.1,
        ev.Performed(
            performance=Performance(
                action_id="act-1", part="act", attempt=1, outcome="done", seconds=1.31
            )
        ),
    ),
    (5.3, ev.HypothesisProposed(hypothesis=LOOPS)),
    (5.3, ev.TestPlanned(test=TESTS[4])),
    (5.9, result(5, 6, 37.75, "supports")),
    (
        6.0,
        judged(
            LOOPS, _S.SUPPORTED, 0.94, "151 statements a request where 4 were, each as fast",
            code=(SPOT,),
        ),
    ),
)  # fmt: skip
_ENDING: tuple[Timed, ...] = (
    (19.0, ev.Verified(verdict=VERDICT)),
    (
        19.0,
        ev.MilestoneReached(
            milestone=Milestone(name="mitigated", at=START + timedelta(seconds=19))
        ),
    ),
    (
        19.1,
        ev.StatusChanged(
            status=Status.MITIGATED,
            outcome=IncidentOutcome.MITIGATED_ONLY,
            reason="the objective is met again; the cause is still in v2.3.4",
        ),
    ),
    (
        21.0,
        ev.ActionItemFiled(
            item=ActionItem(
                id="item-1",
                type="prevent",
                title="Load orders of all customers at once in list_customers",
                owner="team-customers",
                due=date(2026, 12, 7),
                check="statements per request stay below 10 in the load test",
            )
        ),
    ),
    (22.0, POSTMORTEM),
    (22.1, ev.ContractChecked(met=("a", "b", "c", "d", "e", "f"), unmet=())),
    (22.2, ev.StatusChanged(status=Status.CLOSED, reason="the completion contract holds")),
)

STORY: tuple[Timed, ...] = (*_OPENING, *_REASONING, *_ACTING, *_ENDING)
