"""How an incident ends where one of two causes could be mitigated: kept, and handed to a person."""

from __future__ import annotations

from diagnosis.reading_room import ALERT, ONSET, library, n_plus_one
from diagnosis.worlds import Drill, Fault, World
from holdfast import flow
from holdfast.engine import acting
from holdfast.engine.concluding import outcome
from holdfast.engine.stage import Stage
from holdfast.model.incident import IncidentOutcome


def test_what_relieved_one_service_is_not_undone_and_a_person_is_told_of_the_other() -> None:
    slow = Fault("index", ONSET, {"self_seconds": 0.9})
    world = World("desk", library(), faults=(slow,), releases=(n_plus_one(),))
    drill = Drill(world, at=ALERT)
    assert drill.run().action is not None
    assert drill.act().effect == "seen"
    last = drill.run()
    assert acting.next_stage(drill.case) is None, "nothing is to be undone"
    assert flow.decide(drill.case, last).stage is Stage.CONCLUDE
    ended = outcome(drill.case, last, back=False)
    assert ended.outcome is IncidentOutcome.ESCALATED
    assert "helped in part, and another cause goes on" in ended.reason
