"""Evidence ⇄ hypotheses: what the reasoner proposes is put on record, then asked."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from holdfast.diagnosis.observe import read_test
from holdfast.engine.planning import for_this_world
from holdfast.engine.stage import Entries
from holdfast.engine.world import World
from holdfast.ledger.store import Entry
from holdfast.model.case import Case
from holdfast.model.event import (
    ActionProposed,
    EvidenceKept,
    HypothesisJudged,
    HypothesisProposed,
    TestObserved,
    TestPlanned,
)
from holdfast.model.evidence import Evidence
from holdfast.model.hypothesis import ToolCall
from holdfast.reasoning.reasoner import Proposal

_QUESTIONS_AT_ONCE = 4


def is_news(case: Case, proposal: Proposal) -> bool:
    """Whether the proposal says anything that the case does not hold already."""
    return bool(_news(case, proposal))


def investigate(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Put hypotheses, judgements, planned tests and the proposed action on record, together.

    The action is planned for what its deployer says runs now, where it has one: the measured shares
    of traffic lag behind. One that was refused waits while a deployment is under way.
    """
    action, seen = for_this_world(case, proposal.action, world)
    if news := _news(case, proposal.model_copy(update={"action": action})):
        yield [*keep(*seen), *news]


def run_tests(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Ask the open tests' questions, each once, and read the answers against the predictions.

    Whatever is answered when another answer is waited for is told at once, together.
    """
    del proposal
    asked = {_key(call): call for test in case.open_tests for call in test.calls}
    told: list[Entry] = []
    kept: set[str] = set()
    with ThreadPoolExecutor(_QUESTIONS_AT_ONCE) as pool:
        answers = {key: pool.submit(world.toolbox.ask, call) for key, call in asked.items()}
        for test in case.open_tests:
            wanted = [answers[_key(call)] for call in test.calls]
            if told and not all(answer.done() for answer in wanted):
                yield told
                told = []
            evidence = [answer.result() for answer in wanted]
            new = {item.id: item for item in evidence if item.id not in kept}
            kept |= new.keys()
            observed = TestObserved(result=read_test(test, evidence))
            told += [*keep(*new.values()), (f"test:{test.id}:observed", observed)]
    yield told


def keep(*evidence: Evidence) -> list[Entry]:
    """Return the entries that keep evidence with the incident."""
    return [(f"evidence:{item.id}", EvidenceKept(evidence=item)) for item in evidence]


def _key(call: ToolCall) -> str:
    return call.model_dump_json()


def _news(case: Case, proposal: Proposal) -> list[Entry]:
    entries: list[Entry] = [
        (f"hypothesis:{h.id}", HypothesisProposed(hypothesis=h))
        for h in proposal.new_hypotheses
        if h.id not in case.hypotheses
    ]
    entries += [
        (f"judged:{h.id}:{case.last_sequence}", HypothesisJudged(hypothesis=h, reason=reason))
        for h, reason in proposal.judged
        if case.hypotheses.get(h.id) != h
    ]
    entries += [
        (f"test:{test.id}:planned", TestPlanned(test=test))
        for test in proposal.tests
        if test.id not in case.tests
    ]
    action = proposal.action
    if action is not None and action.id not in case.actions:
        entries.append((f"action:{action.id}", ActionProposed(action=action)))
    return entries
