"""The completion contract: an incident is closed only when all of it holds. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from holdfast.evidence.derive import compute
from holdfast.learning.cause import cause_of
from holdfast.learning.derivations import both_above_count
from holdfast.learning.ledger_evidence import tiers_fact
from holdfast.learning.questions import Span, healthy_span, incident_span
from holdfast.learning.report import VerifyReport
from holdfast.model.case import ActionCase, Case
from holdfast.model.evidence import Evidence
from holdfast.model.figure import Derivation
from holdfast.model.hypothesis import HypothesisStatus
from holdfast.model.incident import IncidentOutcome
from holdfast.model.slo import SLO, BurnTier
from holdfast.reasoning.fix_course import course_of

Answer = tuple[bool, str]
"""Whether a clause is met, and the sentence that says so."""


@dataclass(frozen=True)
class AlertProof:
    """What a tier's alert would have done with the evidence kept, rather than what it did.

    `points` are the times in the incident at which both windows were above the threshold,
    `healthy_points` those in the healthy window. None = no data: silence proves nothing.
    """

    slo: str
    tier: str
    points: float | None
    healthy_points: float | None

    @property
    def holds(self) -> bool:
        """Whether it fires on the incident's own data and is silent on healthy data."""
        return bool(self.points) and self.healthy_points == 0


def check(
    case: Case,
    *,
    proofs: tuple[AlertProof, ...],
    verified: VerifyReport | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is met and what is not, in sentences. `verified` = the post-mortem's report."""
    answers = [answer for clause in _CLAUSES for answer in clause(case)]
    answers += [_alert(case, proofs), _postmortem(verified)]
    met = tuple(said for holds, said in answers if holds)
    return met, tuple(said for holds, said in answers if not holds)


def alert_proofs(
    case: Case,
    slos: tuple[SLO, ...],
    facts: Mapping[str, Evidence],
    answers: Mapping[str, Evidence],
) -> tuple[AlertProof, ...]:
    """Return what each tier of the service's objectives shows on the evidence kept."""
    started, ended = incident_span(case)
    incident = Span(started.timestamp(), ended.timestamp())
    healthy = healthy_span(case)
    return tuple(
        AlertProof(
            slo=slo.name,
            tier=tier.name,
            points=_fired(case, slo, tier, _points(slo.name, tier.name, incident, facts, answers)),
            healthy_points=_points(
                slo.name, tier.name, _looks_at_health(healthy, tier), facts, answers
            ),
        )
        for slo in slos
        if slo.service == case.opened.service
        for tier in slo.tiers
    )


def _looks_at_health(healthy: Span | None, tier: BurnTier) -> Span | None:
    """Return where the shorter window looks at healthy time alone; at least half of it.

    At its beginning an alert still looks back at what was before: an earlier trouble, perhaps.
    """
    if healthy is None:
        return None
    look_back = min(tier.short_window_seconds, healthy.seconds / 2)
    return Span(healthy.start + look_back, healthy.end)


def _fired(case: Case, slo: SLO, tier: BurnTier, points: float | None) -> float | None:
    """Return the points; at least one where this very alert opened the incident.

    What is asked afterwards is asked at whole steps: it can miss an alert that held for less.
    """
    alert, detected = case.opened.alert, case.milestones.get("detected")
    kept = detected is not None and bool(set(detected.evidence_ids) & case.evidence.keys())
    named = alert is not None and (alert.labels.get("slo"), alert.labels.get("tier"))
    return max(points or 0.0, 1.0) if kept and named == (slo.name, tier.name) else points


def _points(
    slo: str,
    tier: str,
    span: Span | None,
    facts: Mapping[str, Evidence],
    answers: Mapping[str, Evidence],
) -> float | None:
    windows = [answers.get(f"burn:{slo}:{tier}:{which}") for which in ("long", "short")]
    inputs = [item for item in (*windows, facts.get(tiers_fact(slo))) if item is not None]
    if span is None or len(inputs) < 3:
        return None
    wanted = Derivation(
        function=both_above_count.__name__,
        evidence_ids=tuple(item.id for item in inputs),
        parameters={
            "key_column": "tier",
            "key": tier,
            "column": "burn_rate",
            "from": span.start,
            "to": span.end,
        },
    )
    return compute(wanted, inputs)


# ---- the clauses -----------------------------------------------------------------------------


def _mitigation(case: Case) -> Iterator[Answer]:
    reached = case.milestones.get("mitigated")
    if reached is not None and reached.evidence_ids:
        yield True, "The mitigation is verified by measurement."
    elif any(_helped(one) for one in case.actions.values()):
        yield True, "The action's expected effect was seen."
    elif case.outcome in (IncidentOutcome.FALSE_ALARM, IncidentOutcome.RECOVERED):
        yield True, "No mitigation was needed: the objective was measured to hold."
    else:
        yield False, "No mitigation is verified, nor shown to be unnecessary."


def _helped(one: ActionCase) -> bool:
    """Whether an action mitigated; that a step of a fix went well does not say so."""
    mitigates = one.action.purpose == "mitigate"
    return mitigates and one.verdict is not None and one.verdict.effect == "seen"


def _root_cause(case: Case) -> Iterator[Answer]:
    if case.outcome is IncidentOutcome.FALSE_ALARM:
        yield True, "There is no cause to find: a false alarm."
        return
    cause = cause_of(case)
    believed = cause.origin
    if believed is None:
        yield _gaps_named(case)
        return
    if not believed.supports:
        yield False, f"The root cause {believed.id} names no test that supports it."
        return
    yield True, f"The root cause {believed.id} has evidence."
    mechanism = cause.mechanism
    if mechanism and mechanism.status is HypothesisStatus.SUSPECTED and not mechanism.gaps:
        yield False, f"The mechanism {mechanism.id} is suspected, and no gap says why."


def _gaps_named(case: Case) -> Answer:
    gaps = [gap for h in case.hypotheses.values() for gap in h.gaps]
    gaps += case.triage.gaps if case.triage else ()
    gaps += case.escalated.gaps if case.escalated else ()
    if gaps:
        return True, "The root cause is unresolved, with the gaps named."
    return False, "The root cause is unresolved, and no gap is named."


def _fix(case: Case) -> Iterator[Answer]:
    course = course_of(case)
    if case.outcome is IncidentOutcome.FALSE_ALARM:
        yield True, "No permanent fix is needed: a false alarm."
    elif course is not None and course.verified:
        yield True, "The permanent fix is verified: it is merged and holds with all traffic on it."
    elif case.outcome is IncidentOutcome.FIXED:
        yield False, "The outcome is fixed, but no merged fix was seen to hold with all traffic."
    elif any(item.type == "prevent" for item in case.action_items):
        yield True, "The permanent fix is an action item."
    else:
        yield False, "The permanent fix is neither verified nor an action item."


def _items(case: Case) -> Iterator[Answer]:
    for item in case.action_items:
        if not item.owner or not item.check:
            yield False, f"The action item {item.id} lacks an owner or a closing check."
    if all(item.owner and item.check for item in case.action_items):
        yield True, "Every action item has an owner or `unassigned`, a due date and a check."


def _outcome(case: Case) -> Iterator[Answer]:
    if case.outcome is None:
        yield False, "The incident has no outcome."
    else:
        yield True, f"The outcome is {case.outcome.value}."


_CLAUSES: tuple[Callable[[Case], Iterator[Answer]], ...] = (
    _outcome,
    _mitigation,
    _root_cause,
    _fix,
    _items,
)


def _alert(case: Case, proofs: tuple[AlertProof, ...]) -> Answer:
    if case.outcome is IncidentOutcome.FALSE_ALARM:
        return True, "No alert has to catch a false alarm."
    held = next((proof for proof in proofs if proof.holds), None)
    if held:
        return True, (
            f"The alert {held.slo}/{held.tier} fires on the incident's own data and is silent on "
            "the healthy window's."
        )
    prevention = case.prevented.prevention if case.prevented else None
    if prevention is not None and prevention.proof.holds:
        return True, (
            f"The new rule {prevention.rule.name} fires on the incident's own recording and is "
            "silent on healthy ones."
        )
    return False, f"No alert is shown to catch it: {'; '.join(map(_why_not, proofs)) or 'no tier'}."


def _why_not(proof: AlertProof) -> str:
    name = f"{proof.slo}/{proof.tier}"
    if proof.points is None:
        return f"{name} has no data in the incident"
    if not proof.points:
        return f"{name} is silent in the incident"
    if proof.healthy_points is None:
        return f"{name} has no data in the healthy window"
    return f"{name} fires in the healthy window too"


def _postmortem(verified: VerifyReport | None) -> Answer:
    if verified is None:
        return False, "The post-mortem is not verified yet."
    if verified.ok:
        return True, "The post-mortem verifies."
    return False, f"The post-mortem does not verify: {verified.findings[0].message}."
