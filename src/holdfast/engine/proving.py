"""Proof before users meet it: the fixed version, which has no traffic, is loaded beside the good.

The rate is the one that the service was asked at before the incident, as measured then.
"""

from __future__ import annotations

from holdfast.catalog.template import fill
from holdfast.delivery.proof import Proof, ProofOrder, prove
from holdfast.engine.investigating import keep
from holdfast.engine.world import World
from holdfast.errors import DeliveryError
from holdfast.evidence.derive import compute
from holdfast.ledger.store import Entry
from holdfast.model.action import Verdict
from holdfast.model.case import ActionCase, Case
from holdfast.model.evidence import Evidence
from holdfast.model.figure import Derivation
from holdfast.model.hypothesis import ToolCall
from holdfast.model.service import Service, Signal


def load_test(
    case: Case, latest: ActionCase, world: World
) -> tuple[Verdict | None, tuple[Entry, ...]]:
    """Run the load test of a staged version and return what it comes to. Takes its whole time."""
    service = world.services[latest.action.target]
    rate, asked = _rate_before(case, service, world)
    proof = _proven(latest, service, rate, world)
    verdict = Verdict(
        action_id=latest.action.id,
        effect=proof.effect,
        measured=proof.p95_ratio,
        expected=f"{latest.action.expected_effect.statement}: {'; '.join(proof.reasons)}",
        held_seconds=0.0,
        evidence_ids=tuple(item.id for item in proof.evidence),
    )
    return verdict, tuple(keep(*asked, *proof.evidence))


def _proven(latest: ActionCase, service: Service, rate: float | None, world: World) -> Proof:
    parameters = latest.action.plan.parameters
    if not rate:
        return _impossible("how often it was asked before the incident is not measured")
    policy = world.read_policy().load_test
    try:
        endpoints = dict(world.deployers[service.name].endpoints(service.name))
    except DeliveryError as error:
        return _impossible(str(error))
    return prove(
        ProofOrder(
            service=service.name,
            endpoints=endpoints,
            stable_version=str(parameters["stable_version"]),
            candidate_version=str(parameters["version"]),
            requests=service.requests,
            rate_per_second=rate * policy.rate_factor,
            policy=policy,
        )
    )


def _impossible(reason: str) -> Proof:
    return Proof(status="impossible", reasons=(reason,))


def _rate_before(
    case: Case, service: Service, world: World
) -> tuple[float | None, tuple[Evidence, ...]]:
    """Return how many requests a second the service got in the healthy window."""
    triage = case.triage
    template = service.signals.get(Signal.REQUEST_RATE)
    if triage is None or triage.healthy_from is None or triage.healthy_to is None or not template:
        return None, ()
    window_seconds = (triage.healthy_to - triage.healthy_from).total_seconds()
    query = fill(template, window_seconds)
    at = triage.healthy_to.timestamp()
    call = ToolCall(tool="prometheus_query", arguments={"query": query, "time_range": at})
    asked = (world.toolbox.ask(call),)
    return compute(Derivation(function="total", evidence_ids=("$0",)), asked), asked
