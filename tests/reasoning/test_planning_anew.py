"""An action that came to nothing because the world had moved is planned anew, within bounds."""

from __future__ import annotations

from typing import Literal

from diagnosis.reading_room import ALERT, library, n_plus_one
from diagnosis.worlds import Drill, World
from holdfast.model import event as ev
from holdfast.model.action import Action, Autonomy, GuardDecision, Performance, WorldState
from holdfast.reasoning.mitigation import MOST_TRIES


def drill() -> Drill:
    return Drill(World("desk", library(), releases=(n_plus_one(),)), at=ALERT)


def proposed(drill: Drill) -> Action:
    action = drill.run().action
    assert action is not None
    return action


def deny(drill: Drill, action: Action, *, drifted: bool) -> None:
    decision = GuardDecision(
        action_id=action.id,
        decision="deny",
        autonomy=Autonomy.ACT,
        reasons=("because",),
        drifted=drifted,
    )
    drill.tell(ev.Guarded(decision=decision))


def refuse(
    drill: Drill,
    action: Action,
    *,
    drifted: bool = True,
    outcome: Literal["failed", "unknown"] = "failed",
) -> None:
    """Claim it; its deployer refuses."""
    drill.tell(
        ev.Claimed(action_id=action.id, part="act", attempt=1, world=WorldState()),
        ev.Performed(
            performance=Performance(
                action_id=action.id,
                part="act",
                attempt=1,
                outcome=outcome,
                seconds=0.1,
                drifted=drifted,
            )
        ),
    )


def test_what_was_denied_only_for_a_world_that_moved_is_planned_anew_at_once() -> None:
    train = drill()
    first = proposed(train)
    deny(train, first, drifted=True)
    proposal = train.step()
    second = proposal.action
    assert second is not None
    assert (second.plan, second.undo) == (first.plan, first.undo)
    assert second.id != first.id
    assert second.idempotency_key != first.idempotency_key
    assert not proposal.tests, "users wait: how it did its damage is asked afterwards"


def test_it_is_not_planned_for_ever() -> None:
    train = drill()
    for _ in range(MOST_TRIES):
        deny(train, proposed(train), drifted=True)
    last = train.run()
    assert (last.action, last.next) == (None, "escalate")
    assert len(train.case.actions) == MOST_TRIES
    assert any("the world moved on at every try" in gap for gap in last.gaps)


def test_what_a_policy_denies_stays_denied() -> None:
    train = drill()
    deny(train, proposed(train), drifted=False)
    last = train.run()
    assert (last.action, last.next) == (None, "escalate")
    assert len(train.case.actions) == 1


def test_a_refusal_is_tried_once_more_and_never_again_in_the_same_world() -> None:
    train = drill()
    for _ in range(2):
        refuse(train, proposed(train))
    last = train.run()
    assert (last.action, last.next) == (None, "escalate")
    assert any("refused twice in the same state of the world" in gap for gap in last.gaps)


def test_a_write_in_doubt_is_never_planned_anew() -> None:
    train = drill()
    refuse(train, proposed(train), drifted=False, outcome="unknown")
    assert train.run().action is None
    assert len(train.case.actions) == 1


def test_a_failure_for_any_other_reason_is_never_planned_anew() -> None:
    train = drill()
    refuse(train, proposed(train), drifted=False)
    assert train.run().action is None


def test_a_rollback_that_helped_at_the_second_try_ends_the_incident() -> None:
    train = drill()
    deny(train, proposed(train), drifted=True)
    proposed(train)
    assert train.act().effect == "seen"
    assert train.run().next == "done"
    assert train.statuses()["bad_release lending"] == "supported"
