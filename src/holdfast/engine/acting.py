"""Writes: claimed before they are made, settled after any doubt, undone where they did not help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from holdfast.actions import settle as settling
from holdfast.engine import guarding
from holdfast.engine.investigating import keep
from holdfast.engine.stage import Entries, Stage
from holdfast.engine.world import World
from holdfast.errors import LedgerError
from holdfast.ledger.store import Entry
from holdfast.model.action import Performance, WorldState
from holdfast.model.case import ActionCase, Case, Part
from holdfast.model.event import Claimed, Performed
from holdfast.model.evidence import Evidence
from holdfast.reasoning.reasoner import Proposal


def next_stage(case: Case) -> Stage | None:
    """Say purely what the action under way needs next; None where nothing is under way."""
    latest = case.latest_action
    if latest is None:
        return None
    if latest.claimed("undo"):
        return Stage.SETTLE if _in_doubt(latest, "undo") else None
    if latest.claimed("act"):
        return _after_claim(latest)
    if latest.guard is None or len(latest.approvals) > latest.approvals_weighed:
        return Stage.GUARD
    return Stage.ACT if latest.guard.decision == "allow" else None


def _after_claim(latest: ActionCase) -> Stage | None:
    if _in_doubt(latest, "act"):
        return Stage.SETTLE
    if latest.outcome_of("act") == "failed":
        return None
    if latest.verdict is None:
        return Stage.VERIFY
    return Stage.UNDO if _is_to_be_undone(latest) and latest.undo_guard is None else None


def _is_to_be_undone(latest: ActionCase) -> bool:
    """Whether what was done does not stand.

    Without data nothing is known of a mitigation: neither that it helped nor that undoing it would.
    A new version is taken back all the same: the good one is known, and no data promotes nothing.
    """
    effect = latest.verdict.effect if latest.verdict else "seen"
    on_the_way = latest.action.purpose in ("stage", "canary", "release")
    return effect == "not_seen" or (effect == "no_data" and on_the_way)


def _in_doubt(latest: ActionCase, part: Part) -> bool:
    return latest.unanswered(part) or latest.outcome_of(part) == "unknown"


def act(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Weigh the action once more, claim it, and only then write."""
    del proposal
    latest = under_way(case)
    weighed = guarding.weigh(case, latest, world)
    if guarding.cannot_tell_yet(latest, weighed, world):
        return
    if weighed.decision.decision != "allow":
        yield guarding.told(latest, weighed, f"at-execution:{len(latest.approvals)}")
        return
    yield [*keep(*weighed.evidence), _claim(latest, "act", weighed.world)]
    yield from _perform(latest, "act", 1, world)


def undo(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """The effect did not show: put the world back, if the policy of this moment lets us."""
    del proposal
    yield from _follow_up(case, "undo", 1, world)


def settle(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Nobody knows whether a claimed write took effect: ask the probe, then a person."""
    del proposal
    latest = under_way(case)
    part: Part = "undo" if latest.claimed("undo") else "act"
    executor = world.executor()
    doubt = settling.Doubt(
        probe=executor.probe(latest.action, part),
        told="unknown" if latest.outcome_of(part) == "unknown" else None,
        attempts=latest.claimed(part),
        conditional=executor.conditional(latest.action, part),
        claim_age_seconds=world.now() - latest.claimed_at[-1].timestamp(),
    )
    match settling.settle(doubt):
        case settling.RecordDone(reason=reason):
            yield [_settled(latest, part, "done", reason)]
        case settling.AskPerson(reason=reason):
            yield [_settled(latest, part, "failed", f"a person is needed: {reason}")]
        case settling.RetryOnce(attempt=attempt):
            yield from _follow_up(case, part, attempt, world)
        case settling.Wait():
            return


def under_way(case: Case) -> ActionCase:
    """Return the action under way; `next_stage` has said that there is one."""
    latest = case.latest_action
    if latest is None:
        raise LedgerError(f"{case.incident_id} has no action under way")
    return latest


def _follow_up(case: Case, part: Part, attempt: int, world: World) -> Iterator[Entries]:
    """Weigh a retry or an undo; claim it and write where that is allowed."""
    latest = under_way(case)
    weighed = guarding.weigh_follow_up(case, latest, part, world)
    told = guarding.told(latest, weighed, f"{part}:{attempt}")
    if weighed.decision.decision == "allow":
        yield [*told, _claim(latest, part, weighed.world)]
        yield from _perform(latest, part, attempt, world)
    elif attempt > 1:
        reason = f"a person is needed: not repeated: {'; '.join(weighed.decision.reasons)}"
        yield [*told, _settled(latest, part, "failed", reason)]
    else:
        yield told


def _perform(latest: ActionCase, part: Part, attempt: int, world: World) -> Iterator[Entries]:
    transcripts: list[Evidence] = []
    executor = world.executor(transcripts.append)
    performance = executor.perform(latest.action, part, attempt)
    yield [*keep(*transcripts), _performed(latest, performance)]


def _claim(latest: ActionCase, part: Part, state: WorldState) -> Entry:
    attempt = latest.claimed(part) + 1
    claim = Claimed(action_id=latest.action.id, part=part, attempt=attempt, world=state)
    return f"action:{latest.action.id}:{part}:{attempt}:claimed", claim


def _performed(latest: ActionCase, performance: Performance) -> Entry:
    part = performance.part
    # an attempt is answered once by its writer, and once more where doubt about it was settled
    answers = sum(known.part == part for known in latest.performances)
    attempt = max(performance.attempt, latest.claimed(part))
    key = f"action:{latest.action.id}:{part}:{attempt}:answer:{answers + 1}"
    return key, Performed(performance=performance)


def _settled(
    latest: ActionCase, part: Part, outcome: Literal["done", "failed"], reason: str
) -> Entry:
    performance = Performance(
        action_id=latest.action.id,
        part=part,
        attempt=latest.claimed(part),
        outcome=outcome,
        seconds=0.0,
        detail=reason,
    )
    return _performed(latest, performance)
