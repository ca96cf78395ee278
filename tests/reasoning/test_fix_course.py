"""How far a fix came is read from its steps; only a merged one that was watched is verified."""

from __future__ import annotations

import pytest

from holdfast.ledger.fold import fold
from holdfast.model import event as ev
from holdfast.model.action import Autonomy, GuardDecision
from holdfast.model.case import Case
from holdfast.model.event import Event
from holdfast.reasoning.fix_course import FixCourse, course_of, steps_of
from holdfast.reasoning.narrate import fix_ended, waiting_for
from support.fix_script import fix_events
from support.fix_story import FixEnding


def case_of(ending: FixEnding, until: float = 800.0) -> Case:
    return fold(fix_events(ending, until=until))


def course(ending: FixEnding, until: float = 800.0) -> FixCourse:
    found = course_of(case_of(ending, until))
    assert found is not None
    return found


def test_before_anybody_works_on_a_fix_it_has_no_course():
    assert course_of(case_of("released", 20)) is None
    assert fix_ended(case_of("released", 20)) == "a permanent fix was not begun"


def test_a_fix_is_verified_when_it_is_merged_and_was_watched_with_all_traffic():
    early, late = course("released", 737.9), course("released")
    assert (early.verified, early.merged, early.halt) == (False, True, None)
    assert (late.verified, late.released, late.halt) == (True, True, None)


@pytest.mark.parametrize(
    ("ending", "purpose", "halt", "merged", "withdrawn"),
    [
        ("load_failed", "stage", "not_seen", False, False),
        ("load_impossible", "stage", "no_data", False, False),
        ("rejected", "merge", "rejected", False, False),
        ("unanswered", "merge", "unanswered", False, False),
        ("conflict", "merge", "not_done", False, False),
        ("canary_worse", "canary", "not_seen", False, True),
        ("canary_silent", "canary", "no_data", True, False),
    ],
)
def test_each_halt_is_told_apart(
    ending: FixEnding, purpose: str, halt: str, merged: bool, withdrawn: bool
):
    found = course(ending)
    assert found.last is not None
    assert (found.last.action.purpose, found.halt) == (purpose, halt)
    assert (found.merged, found.withdrawn, found.verified) == (merged, withdrawn, False)


def test_while_a_person_is_awaited_nothing_has_halted():
    assert course("unanswered", 735.05).halt is None


def test_a_step_that_the_guard_denies_says_so_with_its_title():
    events: list[Event] = fix_events("unanswered", until=735.05)
    case = fold(events)
    (merge,) = steps_of(case, "merge")
    denied = GuardDecision(
        action_id=merge.action.id,
        decision="deny",
        autonomy=Autonomy.OBSERVE,
        reasons=("paused",),
    )
    more = events[-1].model_copy(
        update={"sequence": len(events) + 1, "payload": ev.Guarded(decision=denied)}
    )
    said = fix_ended(fold([*events, more]))
    assert said.startswith("this was not permitted: Merge holdfast/")
    assert said.endswith("it is not merged: the fix is on holdfast/inc-01m0story0-parcel")


def test_what_is_waited_for_is_named_by_its_kind():
    staged, canary = case_of("released", 734.5), case_of("released", 736.15)
    assert staged.latest_action
    assert canary.latest_action
    assert waiting_for(staged.latest_action).startswith("Load test under way: Start 7.6")
    assert waiting_for(canary.latest_action).startswith("Canary under way: Give 10 %")
