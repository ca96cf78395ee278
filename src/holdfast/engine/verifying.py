"""Did it have the expected effect: measured at the client's side, by whatever the effect names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from holdfast.engine.acting import under_way
from holdfast.engine.canarying import judge_canary
from holdfast.engine.investigating import keep
from holdfast.engine.measuring import measure
from holdfast.engine.proving import load_test
from holdfast.engine.stage import Entries
from holdfast.engine.world import World
from holdfast.ledger.store import Entry
from holdfast.model.action import EffectKind, Verdict
from holdfast.model.case import ActionCase, Case
from holdfast.model.event import MilestoneReached, StatusChanged, Verified
from holdfast.model.evidence import Evidence
from holdfast.model.hypothesis import Bound
from holdfast.model.incident import Milestone, MilestoneName, Status
from holdfast.reasoning.reasoner import Proposal
from holdfast.verification.effect import StillWaiting, judge, recovered

Judged = tuple[Verdict | None, tuple[Entry, ...]]
"""A verdict, or None while it is too early for one; and what is told beside it."""


def verify(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Measure the effect of the action under way; tell it once it is seen, or out of time."""
    del proposal
    latest = under_way(case)
    verdict, told = _JUDGES[latest.action.expected_effect.kind](case, latest, world)
    entries = list(told)
    if verdict is not None:
        entries.append((f"action:{verdict.action_id}:verified", Verified(verdict=verdict)))
        entries += _reached(latest, verdict, world) if verdict.effect == "seen" else ()
    if entries:
        yield entries


def _by_query(case: Case, latest: ActionCase, world: World) -> Judged:
    del case
    expected, now = latest.action.expected_effect, world.now()
    acted_at = latest.performed_at[-1].timestamp()
    evidence = measure(world, expected.query, since=acted_at)
    found = judge(expected, evidence, action_id=latest.action.id, acted_at=acted_at, now=now)
    if isinstance(found, StillWaiting):
        refused = latest.action.purpose == "release" and _breaks(latest, evidence, world, now)
        if not refused:
            return None, ()
        found = _refused(latest, evidence, now)
    return found, tuple(keep(evidence))


def _breaks(latest: ActionCase, evidence: Evidence, world: World, now: float) -> bool:
    """Whether the objective has been broken for as long as proves a recovery.

    A release is then taken back at once: nobody waits for its deadline.
    """
    most = latest.action.expected_effect.bound.at_most
    if most is None:
        return False
    outside = Bound(at_least=most * (1 + 1e-9) + 1e-12)
    return recovered(evidence, bound=outside, hold_seconds=world.hold_seconds, now=now).back


def _refused(latest: ActionCase, evidence: Evidence, now: float) -> Verdict:
    expected = latest.action.expected_effect
    last = recovered(evidence, bound=expected.bound, hold_seconds=0.0, now=now)
    return Verdict(
        action_id=latest.action.id,
        effect="not_seen",
        measured=last.measured,
        expected=f"{expected.statement}: {expected.bound}",
        held_seconds=0.0,
        evidence_ids=(evidence.id,),
    )


def _by_probe(case: Case, latest: ActionCase, world: World) -> Judged:
    del case
    answer = world.executor().probe(latest.action, "act")
    age_seconds = world.now() - latest.performed_at[-1].timestamp()
    expected = latest.action.expected_effect
    if answer in ("unknown", "in_progress") and age_seconds < expected.deadline_seconds:
        return None, ()
    taken = {"took_effect": 1.0, "not_taken": 0.0}.get(answer)
    verdict = Verdict(
        action_id=latest.action.id,
        effect="no_data" if taken is None else "seen" if taken else "not_seen",
        measured=taken,
        expected=expected.statement,
        held_seconds=0.0,
        evidence_ids=latest.performances[-1].evidence_ids,
    )
    return verdict, ()


_JUDGES: Mapping[EffectKind, Callable[[Case, ActionCase, World], Judged]] = {
    "query": _by_query,
    "probe": _by_probe,
    "load_test": load_test,
    "canary": judge_canary,
}

_REACHED: Mapping[str, tuple[MilestoneName, Status, str]] = {
    "mitigate": ("mitigated", Status.MITIGATED, "the expected effect was seen"),
    "release": ("resolved", Status.RESOLVED, "the fix serves all traffic, and the objective holds"),
}


def _reached(latest: ActionCase, verdict: Verdict, world: World) -> tuple[Entry, ...]:
    found = _REACHED.get(latest.action.purpose)
    if found is None or latest.action.expected_effect.partial:
        return ()
    name, status, reason = found
    milestone = Milestone(name=name, at=world.clock(), evidence_ids=verdict.evidence_ids)
    return (
        (f"milestone:{name}", MilestoneReached(milestone=milestone)),
        (f"status:{status}", StatusChanged(status=status, reason=reason)),
    )
