"""What comes after a mitigation: the fix, its way to users, prevention, and how it may end."""

from __future__ import annotations

import pytest

from holdfast.engine import concluding
from holdfast.engine.stage import Decision, Stage
from holdfast.flow import decide, needs_reasoner
from holdfast.model import event as ev
from holdfast.model.case import Case
from holdfast.model.incident import IncidentOutcome, Status
from holdfast.reasoning.reasoner import Proposal
from support.fix_case import Step, after, mitigated

STAGED: Step = ("stage", "seen")
MERGED: Step = ("merge", "seen")
PREVENTED = ev.Prevented(prevention=None, reason="no signal moved")
RESOLVED = ev.StatusChanged(status=Status.RESOLVED, reason="it holds")


@pytest.mark.parametrize(
    ("case", "stage"),
    [
        pytest.param(
            mitigated().model_copy(update={"repaired": None}), Stage.REPAIR, id="users are well"
        ),
        pytest.param(mitigated(fix=None), Stage.PREVENT, id="there is no fix"),
        pytest.param(mitigated(fix=None).model_copy(update={"prevented": PREVENTED}),
                     Stage.CONCLUDE, id="there is no fix, and all else is done"),
        pytest.param(after(), Stage.ROLL_OUT, id="there is a fix"),
        pytest.param(after(("stage", "asked")), Stage.EXPIRE, id="a person is asked for a step"),
        pytest.param(after(("stage", "undone")), Stage.PREVENT, id="the proof fails"),
        pytest.param(after(STAGED, ("merge", "denied")), Stage.ROLL_OUT, id="to be put back"),
        pytest.param(after(STAGED, MERGED, ("canary", "undone")), Stage.ROLL_OUT, id="withdrawn"),
        pytest.param(
            after(STAGED, MERGED, ("release", "seen")).model_copy(
                update={"status": Status.RESOLVED}
            ),
            Stage.PREVENT,
            id="it serves everybody",
        ),
    ],
)  # fmt: skip
def test_what_comes_after_a_mitigation(case: Case, stage: Stage) -> None:
    assert decide(case, Proposal()) == Decision(stage)


def test_a_step_without_data_is_undone_as_one_that_does_harm() -> None:
    assert decide(_unfinished("no_data"), Proposal()) == Decision(Stage.UNDO)
    assert decide(_unfinished("not_seen"), Proposal()) == Decision(Stage.UNDO)


def test_the_reasoner_is_not_asked_once_the_code_is_repaired() -> None:
    assert not needs_reasoner(mitigated())


@pytest.mark.parametrize(
    ("case", "outcome", "reason"),
    [
        (
            after(STAGED, MERGED, ("release", "seen")).model_copy(
                update={"status": Status.RESOLVED}
            ),
            IncidentOutcome.FIXED,
            "merged",
        ),
        (mitigated(fix=None), IncidentOutcome.MITIGATED_ONLY, "no fix was written"),
        (after(("stage", "undone")), IncidentOutcome.MITIGATED_ONLY, "not as good as v1.0.0"),
        (after(("stage", "no_data")), IncidentOutcome.MITIGATED_ONLY, "could not be made"),
        (
            after(STAGED, ("merge", "denied"), ("unstage", "seen")),
            IncidentOutcome.MITIGATED_ONLY,
            "kim refused it",
        ),
        (
            after(STAGED, ("merge", "failed"), ("unstage", "seen")),
            IncidentOutcome.MITIGATED_ONLY,
            "the branch is in conflict",
        ),
        (
            after(STAGED, MERGED, ("canary", "undone"), ("withdraw", "seen")),
            IncidentOutcome.MITIGATED_ONLY,
            "its merge was taken back",
        ),
        (
            after(STAGED, MERGED, ("canary", "stuck"), ("unstage", "failed")),
            IncidentOutcome.ESCALATED,
            "traffic could not be put back",
        ),
    ],
)
def test_the_outcome_says_how_far_the_fix_came(
    case: Case, outcome: IncidentOutcome, reason: str
) -> None:
    found = concluding.outcome(case, Proposal(), back=False)
    assert found.outcome is outcome
    assert reason in found.reason


def _unfinished(effect: str) -> Case:
    """Return a case whose canary has its verdict, and is not put back yet."""
    case = after(STAGED, MERGED, ("canary", "undone"))
    latest = case.latest_action
    assert latest is not None
    assert latest.verdict is not None
    verdict = latest.verdict.model_copy(update={"effect": effect})
    before = latest.model_copy(
        update={
            "verdict": verdict,
            "claims": latest.claims[:1],
            "claimed_at": latest.claimed_at[:1],
            "performances": latest.performances[:1],
        }
    )
    return case.model_copy(update={"actions": {**case.actions, latest.action.id: before}})
