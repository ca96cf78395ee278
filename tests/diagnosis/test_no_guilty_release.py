"""Incidents that no release brought: what is named, what is left open, and why."""

from __future__ import annotations

from dataclasses import replace

from diagnosis.reading_room import ALERT, HARMLESS_DIFF, ONSET, library, n_plus_one
from diagnosis.worlds import Drill, Fault, GuardedAs, Release, World
from holdfast.diagnosis.conclusion import conclude
from holdfast.model.hypothesis import Hypothesis
from holdfast.model.service import Signal

SLOW = Fault("index", ONSET, {"self_seconds": 0.9})


def hypothesis(drill: Drill, mechanism: str, service: str) -> Hypothesis:
    (found,) = (
        h
        for h in drill.case.hypotheses.values()
        if (h.mechanism, h.service) == (mechanism, service)
    )
    return found


def test_a_release_that_served_well_for_a_while_is_not_blamed_for_its_service() -> None:
    release = Release("index", ONSET - 20, "3.0.0", "3.0.1", diff=HARMLESS_DIFF)
    drill = Drill(World("desk", library(), faults=(SLOW,), releases=(release,)), at=ALERT)
    last = drill.run()
    assert (last.next, drill.case.actions) == ("escalate", {})
    blamed = hypothesis(drill, "bad_release", "index")
    named = hypothesis(drill, "slow_dependency", "index")
    assert (blamed.status, named.status) == ("unresolved", "supported")
    assert blamed.confidence < named.confidence
    left = "3.0.1 of index served well until it began: only a late effect of it is left"
    assert left in blamed.gaps
    assert left in last.gaps


def test_a_release_that_was_slow_from_its_first_requests_on_is_rolled_back_however_late() -> None:
    canary = replace(n_plus_one(), at=ONSET - 20)
    fault = Fault("lending", ONSET - 20, {"self_seconds": 0.11}, until=ONSET)
    world = World("desk", library(), faults=(fault,), releases=(canary,))
    drill = Drill(world, at=ALERT)
    action = drill.run().action
    assert action is not None
    roles = {t.role: drill.case.results[t.id].reading for t in drill.case.tests.values()
             if t.hypothesis_id == action.hypothesis_id}  # fmt: skip
    assert roles["at_first:latency"] == "supports"


def test_a_release_just_before_the_onset_cannot_be_cleared_and_is_tried() -> None:
    release = Release("index", ONSET - 2, "3.0.0", "3.0.1", diff=HARMLESS_DIFF)
    drill = Drill(World("desk", library(), faults=(SLOW,), releases=(release,)), at=ALERT)
    assert drill.run().action is not None
    assert "at_first:latency" not in {test.role for test in drill.case.tests.values()}


def test_where_a_rollback_is_denied_the_rival_that_looks_the_same_says_why_it_is_open() -> None:
    drill = Drill(World("desk", library(), releases=(n_plus_one(),)), at=ALERT)
    action = drill.run().action
    assert action is not None
    drill.tell(GuardedAs(action.id, "deny"))
    drill.run()
    rival = hypothesis(drill, "slow_dependency", "lending")
    assert rival.status == "unresolved"
    assert rival.gaps == (
        "a change to lending would look the same; what follows on undoing it would tell",
    )


def test_mechanisms_that_nothing_here_can_measure_are_one_gap_and_no_hypotheses() -> None:
    plain = (Signal.REQUEST_RATE, Signal.LATENCY_MEAN, Signal.SLOW_RATIO)
    parts = {name: replace(part, signals=plain, logs=False) for name, part in library().items()}
    drill = Drill(World("desk", parts, faults=(SLOW,)), at=ALERT)
    last = drill.run()
    assert drill.statuses()["slow_dependency index"] == "supported"
    assert {h.mechanism for h in drill.case.hypotheses.values() if h.parent_id} == {"bad_instance"}
    assert "index has no metric for pool_utilization_fraction" in last.gaps
    assert not any("versions" in gap for gap in last.gaps), "there is no change to speak of"
    assert conclude(drill.case).mechanisms == ()
