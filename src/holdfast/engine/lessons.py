"""Lessons: the whole incident measured once more, action items, the post-mortem, the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from holdfast.engine.stage import Entries
from holdfast.engine.world import World
from holdfast.errors import HoldfastError
from holdfast.learning import ledger_evidence
from holdfast.learning.action_items import derive_items
from holdfast.learning.contract import alert_proofs, check
from holdfast.learning.keep import incident_folder, keep, written
from holdfast.learning.postmortem import compose
from holdfast.learning.questions import Question, asked_span, questions
from holdfast.learning.verify import verify
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Entry
from holdfast.model.case import Case
from holdfast.model.event import ActionItemFiled, ContractChecked, StatusChanged
from holdfast.model.evidence import Evidence
from holdfast.model.incident import Status
from holdfast.model.policy import Policy
from holdfast.reasoning.reasoner import Proposal

_QUESTIONS_AT_ONCE = 4


def learn(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Measure the whole incident, file what is left to do, and write the post-mortem."""
    del proposal
    incident = case.incident_id
    kept = ledger_evidence.gathered(world.ledger.events(incident))
    if not kept.answers:
        yield ledger_evidence.entries({}, _ask_all(case, world))
    filed = {item.id for item in case.action_items}
    yield [
        (f"action-item:{item.id}", ActionItemFiled(item=item))
        for item in derive_items(case, world.config)
        if item.id not in filed
    ]
    if not kept.facts:
        yield ledger_evidence.entries(_facts(incident, world), {})
    events = world.ledger.events(incident)
    composed = compose(events, world.config)
    keep(world.config.data_folder, composed.postmortem, events, composed.charts)
    yield [("postmortem", written(world.config.data_folder, composed.postmortem))]


def close(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Keep the folder as the ledger now names it, verify it, and hold the contract against it."""
    del proposal
    events = world.ledger.events(case.incident_id)
    composed = compose(events, world.config)
    keep(world.config.data_folder, composed.postmortem, events, composed.charts)
    report = verify(incident_folder(world.config.data_folder, case.incident_id), world.ledger)
    kept = ledger_evidence.gathered(events)
    proofs = alert_proofs(case, world.config.slos, kept.facts, kept.answers)
    met, unmet = check(case, proofs=proofs, verified=report)
    entries: list[Entry] = [("contract", ContractChecked(met=met, unmet=unmet))]
    if not unmet:
        closed = StatusChanged(status=Status.CLOSED, reason="the completion contract holds")
        entries.append(("status:closed", closed))
    yield entries


def _ask_all(case: Case, world: World) -> Mapping[str, Evidence]:
    start, end = asked_span(case, world.config.slos)
    asked = questions(
        case,
        world.config.services,
        world.config.slos,
        start,
        end,
        resolution_seconds=world.config.metrics.resolution_seconds,
    )
    with ThreadPoolExecutor(_QUESTIONS_AT_ONCE) as pool:
        answers = pool.map(partial(_ask, world), asked)
        return {question.name: answer for question, answer in zip(asked, answers, strict=True)}


def _ask(world: World, question: Question) -> Evidence:
    return world.toolbox.ask(question.call)


def _facts(incident_id: str, world: World) -> Mapping[str, Evidence]:
    events = world.ledger.events(incident_id)
    return ledger_evidence.facts(fold(events), events, world.config, _policy(world))


def _policy(world: World) -> Policy:
    try:
        return world.read_policy()
    except HoldfastError as error:
        return Policy(name=f"unreadable: {error}")
