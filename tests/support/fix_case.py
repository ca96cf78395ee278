"""Cases that are past their mitigation: a fix, and steps of it with what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from holdfast.ledger.fold import fold
from holdfast.model import event as ev
from holdfast.model.action import (
    Action,
    Autonomy,
    EffectProbe,
    ExpectedEffect,
    GuardDecision,
    Performance,
    Purpose,
    Risk,
    RunbookCall,
    Verdict,
    WorldState,
)
from holdfast.model.case import Case, Part
from holdfast.model.event import Event, Payload
from holdfast.model.fix import Fix, RegressionTest
from holdfast.model.hypothesis import Bound
from holdfast.model.incident import Impact, Milestone, Severity, Status

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Effect = Literal["seen", "not_seen", "no_data"]
Step = tuple[Purpose, str]
"""A step and what came of it: `seen`, `undone`, `no_data`, `stuck`, `denied`, `failed`, `asked`."""

FIX = Fix(
    id="fix-1",
    service="api",
    hypothesis_id="hyp-1",
    method="eager_loading",
    good_version="v1.0.0",
    bad_version="v1.0.1",
    version="v1.0.2",
    branch="holdfast/inc-1",
    base="b" * 40,
    commit="c" * 40,
    guilty_commit="d" * 40,
    guilty_subject="Build summaries in one place",
    sentences=("The query loads orders with their customers.",),
    files=("src/api/queries.py",),
    regression=RegressionTest(
        path="tests/test_statements.py",
        name="test_a_page",
        at_most=4,
        on_bad=151,
        unit="statements",
    ),
)


def mitigated(*payloads: Payload, fix: Fix | None = FIX) -> Case:
    """Return a case that is mitigated and repaired, and then this."""
    first: tuple[Payload, ...] = (
        ev.Opened(
            title="slow", service="api", slo=None, severity=Severity.SEV2, severity_reason="burn"
        ),
        ev.Triaged(impact=Impact(), changes=(), services=("api",), onset=BEGAN),
        ev.MilestoneReached(milestone=Milestone(name="mitigated", at=BEGAN)),
        ev.StatusChanged(status=Status.MITIGATED, reason="seen"),
        ev.Repaired(fix=fix),
    )
    return fold([_event(number, p) for number, p in enumerate((*first, *payloads), start=1)])


def after(*steps: Step) -> Case:
    """Return the case after these steps of the fix."""
    return mitigated(*(p for number, step in enumerate(steps, 1) for p in _of_step(number, step)))


def action(number: int, purpose: Purpose) -> Action:
    """Return a step of the fix, as far as decisions look at it."""
    call = RunbookCall(
        runbook_id=f"{purpose}-fix", parameters={"percent": 10.0, "expect_head": "b" * 40}
    )
    return Action(
        id=f"act-{number}",
        hypothesis_id="hyp-1",
        title=f"{purpose} the fix",
        plan=call,
        target="api",
        risk=Risk.MEDIUM,
        blast_radius="some requests",
        preconditions=WorldState(),
        expected_effect=ExpectedEffect(
            statement="it is well",
            query="",
            bound=Bound(at_most=1),
            hold_seconds=0,
            deadline_seconds=9,
        ),
        effect_probe=EffectProbe(service="api", version="v1.0.2"),
        undo=call,
        idempotency_key=f"key-{number}",
        purpose=purpose,
    )


def _of_step(number: int, step: Step) -> Sequence[Payload]:
    purpose, came = step
    planned = action(number, purpose)
    told: list[Payload] = [ev.ActionProposed(action=planned)]
    decision = {"denied": "deny", "asked": "ask"}.get(came, "allow")
    told.append(ev.Guarded(decision=_decision(planned, decision)))
    if decision != "allow":
        return told
    told += _write(planned, "act", "failed" if came == "failed" else "done")
    if came == "failed":
        return told
    effect: Effect = "seen" if came == "seen" else "no_data" if came == "no_data" else "not_seen"
    told.append(ev.Verified(verdict=_verdict(planned, effect)))
    if came in ("undone", "no_data", "stuck"):
        told += _write(planned, "undo", "failed" if came == "stuck" else "done")
    return told


def _write(planned: Action, part: Part, outcome: Literal["done", "failed"]) -> list[Payload]:
    performance = Performance(
        action_id=planned.id,
        part=part,
        attempt=1,
        outcome=outcome,
        seconds=1,
        drifted=False,
        detail="the branch is in conflict" if outcome == "failed" else "",
    )
    claim = ev.Claimed(action_id=planned.id, part=part, attempt=1, world=WorldState())
    return [claim, ev.Performed(performance=performance)]


def _decision(planned: Action, decision: str) -> GuardDecision:
    return GuardDecision.model_validate(
        {
            "action_id": planned.id,
            "decision": decision,
            "autonomy": Autonomy.ACT,
            "reasons": ("kim refused it",),
        }
    )


def _verdict(planned: Action, effect: Effect) -> Verdict:
    return Verdict(
        action_id=planned.id,
        effect=effect,
        measured=None,
        expected="well",
        held_seconds=0,
        evidence_ids=(),
    )


def _event(number: int, payload: Payload) -> Event:
    return Event(
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
