"""Items are filed as done only where their check was measured; the others stay open."""

from __future__ import annotations

from pathlib import Path

import pytest
from story import INCIDENT, tell

from holdfast.learning.action_items import derive_items, item_id
from holdfast.learning.verify import verify
from holdfast.ledger.fold import fold
from holdfast.model.action import Purpose
from holdfast.model.case import ActionCase, Case
from holdfast.model.event import ActionItemClosed, Prevented, Repaired
from holdfast.model.fix import Fix, RegressionTest
from holdfast.model.incident import IncidentOutcome
from holdfast.model.prevention import AlertRule, Prevention, RuleProof
from support.mechanism import START, config, incident, performed

Status = dict[str, str]


def _fix(*files: str) -> Fix:
    return Fix(
        id="fix-1",
        service="shelf",
        hypothesis_id="hyp-mechanism",
        method="eager_loading",
        good_version="7.4",
        bad_version="7.5",
        version="7.6",
        branch="holdfast/inc-01shelf",
        base="0" * 40,
        commit="1" * 40,
        guilty_commit=None,
        sentences=(),
        files=files,
        regression=RegressionTest(path="t.py", name="t", at_most=4, on_bad=60, unit="statements"),
    )


def _prevention(firing: int) -> Prevented:
    proof = RuleProof(
        incident_evaluations=9, incident_firing=firing, healthy_evaluations=50, healthy_firing=0
    )
    rule = AlertRule(name="High", expression="up > 1")
    return Prevented(
        prevention=Prevention(
            id="p",
            service="shelf",
            hypothesis_id="hyp-mechanism",
            rule=rule,
            proof=proof,
            threshold_from="",
        )
    )


def _steps(*purposes: Purpose) -> dict[str, ActionCase]:
    return {purpose: performed(purpose, START + 200, action_id=purpose) for purpose in purposes}


def _settled(**changes: object) -> Status:
    """Return rule → status of the items that the case files."""
    case: Case = incident(None, **changes)
    items = {item.id: item for item in derive_items(case, config(Path("team")))}
    rules = ("fix", "merge", "alert", "review", "training", "canary")
    return {rule: items[i].status for rule in rules if (i := item_id(case, rule)) in items}


CHECKLIST = "REVIEW_CHECKLIST.md"


def test_a_mitigated_incident_leaves_everything_open() -> None:
    open_items = ("fix", "alert", "review", "training", "canary")
    assert _settled() == dict.fromkeys(open_items, "open")


def test_a_branch_that_waits_for_a_person_is_an_item_of_its_own() -> None:
    waiting = _settled(repaired=Repaired(fix=_fix("app.py", CHECKLIST)))
    assert waiting["merge"] == waiting["fix"] == waiting["review"] == "open"


def test_a_fix_that_serves_settles_what_it_brought() -> None:
    done = _settled(
        repaired=Repaired(fix=_fix("app.py", CHECKLIST)),
        prevented=_prevention(firing=5),
        actions=_steps("stage", "merge", "canary", "release"),
        outcome=IncidentOutcome.FIXED,
    )
    assert done == {
        "fix": "done",
        "alert": "done",
        "review": "done",
        "training": "open",
        "canary": "open",
    }


def test_a_fix_without_the_checklist_leaves_it_open() -> None:
    repaired = Repaired(fix=_fix("app.py"))
    assert _settled(repaired=repaired, actions=_steps("merge"))["review"] == "open"


def test_a_merge_that_was_taken_back_settles_nothing() -> None:
    status = _settled(
        repaired=Repaired(fix=_fix(CHECKLIST)), actions=_steps("merge", "release", "withdraw")
    )
    assert status["fix"] == status["review"] == status["merge"] == "open"


@pytest.mark.parametrize(("firing", "status"), [(5, "done"), (0, "open")])
def test_the_alert_is_done_only_where_its_proof_holds(firing: int, status: str) -> None:
    assert _settled(prevented=_prevention(firing))["alert"] == status


def test_without_a_rule_the_alert_stays_open() -> None:
    assert _settled(prevented=Prevented(prevention=None, reason="too noisy"))["alert"] == "open"


def test_the_same_case_gives_the_same_items() -> None:
    case, team = incident(repaired=Repaired(fix=_fix("app.py"))), config(Path("team"))
    assert derive_items(case, team) == derive_items(case, team)


def test_closing_an_item_later_leaves_the_report_as_it_verifies(tmp_path: Path) -> None:
    story = tell(tmp_path)
    item = story.case.action_items[-1]
    assert item.status == "open"
    closed = ActionItemClosed(item_id=item.id, note="done on Monday")
    story.ledger.append(INCIDENT, [("closed", closed)], actor="mara")
    again = fold(story.events)
    assert [i.status for i in again.action_items if i.id == item.id] == ["done"]
    assert again.action_items[:-1] == story.case.action_items[:-1]
    report = verify(story.folder, story.ledger)
    assert report.ok, report.findings
