"""Prose, rendered from the fields of proposals and cases. No decision reads a word of it.

Sentences carry names of services, versions and patterns, and no numbers: figures are the report's.
"""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.diagnosis.board import Board
from holdfast.model.action import Action, Verdict
from holdfast.model.case import ActionCase, Case
from holdfast.model.fix import DeclinedFix
from holdfast.model.hypothesis import Hypothesis, HypothesisStatus, Test, TestResult
from holdfast.reasoning.fix_course import course_of, where_it_is, why_no_further
from holdfast.reasoning.reasoner import Proposal

NOT_TRIAGED = "The impact is not measured yet."
QUIET = "no trouble was measured any more when its cause was found: nothing was done about it"

_STATUS_WORDS = {
    HypothesisStatus.OPEN: "stays open",
    HypothesisStatus.SUPPORTED: "is supported",
    HypothesisStatus.SUSPECTED: "is suspected",
    HypothesisStatus.REFUTED: "is refuted",
    HypothesisStatus.UNRESOLVED: "is unresolved",
}

_READING_WORDS = {
    "supports": "as predicted",
    "contradicts": "against the prediction",
    "unknown": "no answer",
}


_AWAITED = {
    "load_test": "Load test under way",
    "canary": "Canary under way",
}


def render(proposal: Proposal, case: Case) -> Proposal:
    """Return the proposal with its plan, and its reason where it has none, in words."""
    reason = proposal.reason or thought(proposal, case)
    return proposal.model_copy(update={"plan": plan(proposal), "reason": reason})


def plan(proposal: Proposal) -> str:
    """Say what is done next."""
    if proposal.action is not None:
        return f"Act: {proposal.action.title}."
    if proposal.tests:
        asked = dict.fromkeys(test.question for test in proposal.tests)
        return "Ask: " + " ".join(asked)
    if proposal.next == "done":
        return "Nothing more would change what is believed."
    return "Hand over to a person." if proposal.next == "escalate" else "Wait."


def thought(proposal: Proposal, case: Case) -> str:
    """Say why: which rivals are told apart, or which cause is acted on."""
    if proposal.action is not None:
        return f"Acting on: {_statement(proposal.action.hypothesis_id, proposal, case)}"
    asked = dict.fromkeys(test.hypothesis_id for test in proposal.tests)
    if asked:
        told = " / ".join(_statement(i, proposal, case) for i in asked)
        return f"To tell apart: {told}"
    return ""


def action_text(action: Action) -> str:
    """Say what a write does, what it is expected to show, and how it is undone."""
    return (
        f"{action.title}. Expected: {action.expected_effect.statement}. "
        f"At most touched: {action.blast_radius}. Undo: {action.undo.runbook_id} reversed."
    )


def observation(test: Test, result: TestResult) -> str:
    """Say what a test measured against its prediction: terminal text, with the figures."""
    if result.measured is None:
        return f"{test.question} No answer: {result.note or 'no data'}."
    return (
        f"{test.question} {result.measured:.4g}, predicted {test.prediction}: "
        f"{_READING_WORDS[result.reading]}."
    )


def reflection(hypothesis: Hypothesis, reason: str) -> str:
    """Say what is believed of a hypothesis now."""
    return f"{hypothesis.statement} It {_STATUS_WORDS[hypothesis.status]}. {reason}".strip()


def verdict_text(verdict: Verdict) -> str:
    """Say whether the expected effect was measured."""
    seen = {"seen": "The effect is measured", "not_seen": "The effect does not show"}
    return f"{seen.get(verdict.effect, 'The effect could not be measured')}: {verdict.expected}."


def judgement(hypothesis: Hypothesis, case: Case) -> str:
    """Say which answers made a hypothesis what it is now."""
    against = [_question(test_id, case) for test_id in hypothesis.contradicts]
    if hypothesis.status is HypothesisStatus.REFUTED and against:
        return f"Refuted by: {' '.join(against)}"
    parts = [
        _listed("For it", [_question(i, case) for i in hypothesis.supports]),
        _listed("Against it", against),
        _listed("Unknown", list(hypothesis.gaps)),
    ]
    return " ".join(part for part in parts if part) or "Nothing is measured yet."


def waiting_for(item: ActionCase) -> str:
    """Say what is waited for."""
    kind = item.action.expected_effect.kind
    words = _AWAITED.get(kind, "Waiting for")
    return f"{words}: {item.action.title}."


def fix_ended(case: Case) -> str:
    """Say how far the permanent fix came, and what became of it."""
    course = course_of(case)
    if course is None:
        return "a permanent fix was not begun"
    fix = course.fix
    if fix is None:
        declined = case.repaired.declined if case.repaired else ()
        return f"no permanent fix could be written: {_reasons(declined)}"
    if course.verified:
        return (
            f"{fix.version} of {fix.service} holds the objective with all traffic on it, and "
            f"{fix.branch} is merged"
        )
    return f"{why_no_further(course, fix)}; {where_it_is(course, fix)}"


def _reasons(declined: Sequence[DeclinedFix]) -> str:
    return "; ".join(one.reason.rstrip(".") for one in declined) or "no way to one is known"


def already_tried(action: Action) -> str:
    """Say why an action is not proposed again."""
    return f"it was tried already: {action.title}"


def in_doubt(title: str) -> str:
    """Say why a mitigation of a cause that is shown is not proposed."""
    return f"a likelier cause is not decided, and would hide what came of it: {title}"


def blind_spot(name: str) -> str:
    """Name a service that is called and not in the catalog."""
    return f"{name} is called and not in the catalog: nothing was asked of it"


def mitigated(board: Board) -> str:
    """Say how it ended after an action that helped."""
    return f"The action's effect is measured. Cause: {_cause(board)}"


def recovered(board: Board) -> str:
    """Say that the symptom went away by itself."""
    del board
    return "The objective was met again before any action; the cause was not examined."


def escalated(board: Board, latest: ActionCase | None) -> str:
    """Say why a person is needed."""
    return f"{_why_no_action(latest)} Cause: {_cause(board)}"


def _why_no_action(latest: ActionCase | None) -> str:
    if latest is None:
        return "No action fits what is known."
    title = latest.action.title
    if latest.guard is not None and latest.guard.drifted:
        return f"The world had moved on before it could be done: {title}."
    if latest.guard is not None and latest.guard.decision == "deny":
        return f"It was not permitted: {title}."
    if latest.verdict is None:
        return f"It could not be carried out: {title}."
    if latest.verdict.effect == "not_seen":
        return f"It did not help: {title}."
    if latest.verdict.effect == "seen":
        return f"It helped in part: {title}. Another cause goes on."
    return f"Whether it helped could not be measured: {title}."


def _cause(board: Board) -> str:
    supported = [
        j.hypothesis.statement
        for j in board.ranked
        if j.hypothesis.status in (HypothesisStatus.SUPPORTED, HypothesisStatus.SUSPECTED)
    ]
    return " / ".join(supported) or "unresolved."


def _statement(hypothesis_id: str | None, proposal: Proposal, case: Case) -> str:
    known = {**case.hypotheses, **{h.id: h for h in proposal.new_hypotheses}}
    found = known.get(hypothesis_id or "")
    return found.statement if found else ""


def _question(test_id: str, case: Case) -> str:
    return case.tests[test_id].question if test_id in case.tests else ""


def _listed(title: str, items: list[str]) -> str:
    return f"{title}: {' '.join(items)}" if items else ""
