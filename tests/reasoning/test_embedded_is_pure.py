"""The embedded reasoner is a function of the case: no clock, no chance, no word of its prose."""

from __future__ import annotations

import time

import pytest

from diagnosis.reading_room import ALERT, library, n_plus_one
from diagnosis.worlds import Drill, World
from holdfast.model.case import Case
from holdfast.reasoning import narrate
from holdfast.reasoning.reasoner import Proposal

_WORDS = {"statement", "question", "predicts", "gaps", "reason", "plan_text", "title", "note"}
_WORDS |= {"blast_radius", "summary", "why", "excerpt", "text"}


def drilled() -> Drill:
    drill = Drill(World("desk", library(), releases=(n_plus_one(),)), at=ALERT)
    drill.run()
    drill.act()
    drill.run()
    return drill


def cases_of(drill: Drill) -> list[Case]:
    """Return the case at each proposal of a whole investigation."""
    seen: list[Case] = []
    replay = Drill(drill.world.__class__("desk", library(), releases=(n_plus_one(),)), at=ALERT)
    for _ in range(3):
        seen.append(replay.case)
        replay.step()
        if replay.case.actions and replay.case.latest_action.verdict is None:  # type: ignore[union-attr]
            replay.act()
            seen.append(replay.case)
    return [*seen, replay.case]


def test_the_same_case_gives_the_identical_proposal() -> None:
    drill = drilled()
    for case in cases_of(drill):
        first = drill.reasoner().propose(case)
        again = drill.reasoner().propose(Case.model_validate_json(case.model_dump_json()))
        assert first == again
        assert first.model_dump_json() == again.model_dump_json()


def test_a_proposal_does_not_change_as_time_goes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    drill = drilled()
    cases = cases_of(drill)
    before = [drill.reasoner().propose(case) for case in cases]
    monkeypatch.setattr(time, "time", lambda: 4e9)
    monkeypatch.setattr(time, "time_ns", lambda: 4 * 10**18)
    assert [drill.reasoner().propose(case) for case in cases] == before


def stripped(value: object) -> object:
    """Return a record's plain form with every rendered text emptied."""
    if isinstance(value, dict):
        return {
            key: _emptied(item) if key in _WORDS else stripped(item) for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [stripped(item) for item in value]
    return value


def _emptied(value: object) -> object:
    return (
        []
        if isinstance(value, (list, tuple))
        else ""
        if isinstance(value, str)
        else stripped(value)
    )


def wordless(case: Case) -> Case:
    """Return the case without a rendered word; evidence stays as it was answered."""
    plain = case.model_dump(mode="json")
    for part in ("hypotheses", "tests", "results", "actions"):
        plain[part] = stripped(plain[part])
    return Case.model_validate(plain)


def decisions(proposal: Proposal) -> object:
    plain = proposal.model_dump(mode="json")
    plain["plan"] = ""
    plain["judged"] = []
    return stripped(plain)


def test_without_any_rendered_text_the_decisions_are_the_same() -> None:
    drill = drilled()
    for case in cases_of(drill):
        spoken = drill.reasoner().propose(case)
        silent = drill.reasoner().propose(wordless(case))
        assert decisions(silent) == decisions(spoken)
        changed = {h.id: h.status for h, _ in spoken.judged}
        believed = {h.id: h.status for h, _ in silent.judged} | {
            i: h.status for i, h in case.hypotheses.items() if i not in changed
        }
        assert all(believed[i] == status for i, status in changed.items())


def test_predictions_stand_before_the_questions_are_asked() -> None:
    drill = drilled()
    for test in drill.case.tests.values():
        assert test.prediction.at_least is not None or test.prediction.at_most is not None
        for call in test.calls:
            times = call.arguments.get("time_range", call.arguments.get("until", 0.0))
            assert times is not None


def test_an_investigation_to_the_action_asks_few_distinct_questions() -> None:
    drill = Drill(World("desk", library(), releases=(n_plus_one(),)), at=ALERT)
    started = time.perf_counter()
    drill.run()
    seconds = time.perf_counter() - started
    distinct = set(drill.world.asked)
    print(f"{len(drill.world.asked)} questions, {len(distinct)} distinct, {seconds:.3f} s")
    assert len(distinct) <= 40
    assert not any(asked.startswith(("diff", "statements")) for asked in distinct)


def test_prose_is_made_of_fields_and_carries_no_figures() -> None:
    drill = drilled()
    first, second = drill.proposals[0], drill.proposals[1]
    assert first.plan.startswith("Ask: ")
    assert second.plan == "Act: Roll lending back from 4.2.0 to 4.1.0."
    assert second.reason.startswith("Acting on: The release 4.2.0 of lending broke it")
    assert second.action is not None
    assert "Undo: rollback-release reversed" in narrate.action_text(second.action)
    for proposal in drill.proposals:
        for text in (proposal.plan, proposal.reason, *(r for _, r in proposal.judged)):
            bare = text.replace("4.2.0", "").replace("4.1.0", "")
            assert not any(letter.isdigit() for letter in bare), text


def test_an_observation_tells_measure_and_prediction() -> None:
    drill = drilled()
    role = "statements"
    test = next(t for t in drill.case.tests.values() if t.role == role)
    told = narrate.observation(test, drill.case.results[test.id])
    assert told == (
        "How many more statements does a request of 4.2.0 make than one of 4.1.0? "
        "13.33, predicted ≥ 1.5 times: as predicted."
    )


def test_before_triage_nothing_is_proposed() -> None:
    drill = Drill(World("desk", library()), at=ALERT)
    case = drill.case.model_copy(update={"triage": None})
    proposal = drill.reasoner().propose(case)
    assert (proposal.next, proposal.tests, proposal.new_hypotheses) == ("continue", (), ())
