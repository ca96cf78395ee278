"""An alert that opened the incident, on answers that are kept, is shown to fire on its data."""

from __future__ import annotations

from datetime import UTC, datetime

from holdfast.learning.contract import alert_proofs
from holdfast.ledger.fold import fold
from holdfast.model.alert import Alert
from holdfast.model.case import Case
from holdfast.model.event import Event, EvidenceKept, MilestoneReached, Opened, Payload
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome
from holdfast.model.incident import Milestone, Severity
from holdfast.model.slo import SLO, BurnTier, RatioIndicator

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TIERS = tuple(
    BurnTier(
        name=name,
        action="page",
        budget_fraction=0.02,
        long_window_seconds=60,
        short_window_seconds=5,
    )
    for name in ("fast", "slow")
)
OBJECTIVE = SLO(
    name="shop-latency",
    service="shop",
    kind="latency",
    indicator=RatioIndicator(bad_query="bad", total_query="all"),
    objective=0.95,
    period_seconds=3600,
    tiers=TIERS,
)
ANSWER = Evidence.seal(
    kind=EvidenceKind.METRIC,
    query="bad / all",
    source="test",
    asked_at=BEGAN,
    outcome=Outcome.NO_DATA,
    value=None,
)


def case(*, kept: bool) -> Case:
    """Return an incident that the alert `fast` opened."""
    alert = Alert(
        fingerprint="f",
        source="holdfast",
        status="firing",
        severity="page",
        starts_at=BEGAN,
        labels={"alertname": "it burns", "slo": OBJECTIVE.name, "tier": "fast"},
    )
    opened = Opened(
        title="it burns",
        service="shop",
        slo=OBJECTIVE.name,
        severity=Severity.SEV1,
        severity_reason="burn",
        alert=alert,
    )
    detected = Milestone(name="detected", at=BEGAN, evidence_ids=(ANSWER.id,))
    payloads: list[Payload] = [opened, MilestoneReached(milestone=detected)]
    payloads += [EvidenceKept(evidence=ANSWER)] if kept else []
    return fold(
        [
            Event(
                incident_id="inc-1",
                sequence=number,
                step_key=str(number),
                at=BEGAN,
                actor="test",
                payload=payload,
                payload_hash="",
                previous_hash="",
                hash="",
            )
            for number, payload in enumerate(payloads, start=1)
        ]
    )


def test_the_alert_that_opened_it_fired_though_no_whole_step_shows_it() -> None:
    proofs = alert_proofs(case(kept=True), (OBJECTIVE,), {}, {})
    assert {proof.tier: proof.points for proof in proofs} == {"fast": 1.0, "slow": None}


def test_without_its_answers_nothing_is_shown() -> None:
    proofs = alert_proofs(case(kept=False), (OBJECTIVE,), {}, {})
    assert {proof.tier: proof.points for proof in proofs} == {"fast": None, "slow": None}
