"""Evidence ⇄ hypotheses: what the reasoner proposes is put on record, then asked."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from holdfast.diagnosis.observe import read_test
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
from holdfast.model.hypothesis import Test
from holdfast.reasoning.reasoner import Proposal

_QUESTIONS_AT_ONCE = 4


def is_news(case: Case, proposal: Proposal) -> bool:
    """Whether the proposal says anything that the case does not hold already."""
    return bool(_news(case, proposal))


def investigate(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Put hypotheses, judgements, planned tests and the proposed action on record, together."""
    del world
    yield _news(case, proposal)


def run_tests(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Ask each open test's questions and read the answers against the prediction on record."""
    del proposal
    with ThreadPoolExecutor(_QUESTIONS_AT_ONCE) as pool:
        answers = pool.map(partial(_ask, world), case.open_tests)
        for test, evidence in zip(case.open_tests, answers, strict=True):
            result = read_test(test, evidence)
            yield [*keep(*evidence), (f"test:{test.id}:observed", TestObserved(result=result))]


def keep(*evidence: Evidence) -> list[Entry]:
    """Return the entries that keep evidence with the incident."""
    return [(f"evidence:{item.id}", EvidenceKept(evidence=item)) for item in evidence]


def _ask(world: World, test: Test) -> list[Evidence]:
    return [world.toolbox.ask(call) for call in test.calls]


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
