"""An effect is seen only in real data, held without a gap up to now; silence is never health."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime

import pytest

from holdfast.errors import EvidenceError
from holdfast.model.action import ExpectedEffect, Verdict
from holdfast.model.evidence import Evidence, EvidenceKind, Matrix, Outcome, Series, Text, Window
from holdfast.model.hypothesis import Bound
from holdfast.verification.effect import StillWaiting, judge, recovered

ACTED = 1_800_000_000.0
EFFECT = ExpectedEffect(
    statement="slow requests are within the objective",
    query="slow_ratio",
    bound=Bound(at_most=0.05),
    hold_seconds=10,
    deadline_seconds=60,
)
GOOD, BAD = 0.01, 0.5
Points = list[tuple[float, float]]


def _evidence(
    *series: Points, query: str = EFFECT.query, outcome: Outcome = Outcome.DATA, step: float = 1
) -> Evidence:
    """Points are (seconds after the act, value)."""
    shifted = tuple(
        Series(labels={"n": str(n)}, points=tuple((ACTED + at, v) for at, v in points))
        for n, points in enumerate(series)
    )
    asked = Evidence.seal(
        kind=EvidenceKind.METRIC,
        query=query,
        source="test",
        asked_at=datetime.now(UTC),
        step_seconds=step,
        outcome=outcome,
    )
    if outcome is not Outcome.DATA:
        return asked
    return asked.model_copy(update={"value": Matrix(series=shifted)})  # a NaN cannot be sealed


def _seconds(start: int, end: int, value: float) -> Points:
    """One point each second, both ends included."""
    return [(float(at), value) for at in range(start, end + 1)]


def _judge(evidence: Evidence, now: float) -> Verdict | StillWaiting:
    return judge(EFFECT, evidence, action_id="act-1", acted_at=ACTED, now=ACTED + now)


def _effect(evidence: Evidence, now: float) -> str:
    judged = _judge(evidence, now)
    return judged.effect if isinstance(judged, Verdict) else "waiting"


def test_an_effect_that_holds_for_long_enough_is_seen() -> None:
    verdict = _judge(_evidence(_seconds(0, 4, BAD) + _seconds(5, 15, GOOD)), now=15)
    assert isinstance(verdict, Verdict)
    assert verdict.effect == "seen"
    assert verdict.held_seconds == 10
    assert verdict.measured == GOOD
    assert verdict.action_id == "act-1"
    assert "≤ 0.05 for 10 s within 60 s" in verdict.expected
    assert len(verdict.evidence_ids) == 1


def test_one_second_before_it_has_held_it_is_waited_for() -> None:
    judged = _judge(_evidence(_seconds(0, 4, BAD) + _seconds(5, 14, GOOD)), now=14)
    assert judged == StillWaiting(seconds_left=46, held_so_far=9, silent=False)


def test_one_value_outside_starts_the_count_again() -> None:
    points = [*_seconds(0, 8, GOOD), (9.0, BAD), *_seconds(10, 15, GOOD)]
    judged = _judge(_evidence(points), now=15)
    assert isinstance(judged, StillWaiting)
    assert judged.held_so_far == 5


def test_health_before_the_act_does_not_count() -> None:
    judged = _judge(_evidence(_seconds(-30, 4, GOOD)), now=4)
    assert isinstance(judged, StillWaiting)
    assert judged.held_so_far == 4


def test_at_the_deadline_a_bad_value_is_not_seen() -> None:
    assert _effect(_evidence(_seconds(0, 59, BAD)), now=59.9) == "waiting"
    assert _effect(_evidence(_seconds(0, 60, BAD)), now=60) == "not_seen"


def test_an_effect_that_comes_too_late_to_hold_by_the_deadline_is_not_seen() -> None:
    assert _effect(_evidence(_seconds(0, 54, BAD) + _seconds(55, 60, GOOD)), now=60) == "not_seen"


def test_who_looks_late_and_finds_it_held_has_seen_it() -> None:
    """A worker that was down over the deadline does not undo what has worked meanwhile."""
    assert _effect(_evidence(_seconds(0, 70, BAD) + _seconds(71, 300, GOOD)), now=300) == "seen"


@pytest.mark.parametrize("outcome", [Outcome.NO_DATA, Outcome.ERROR])
def test_a_source_without_an_answer_is_no_data(outcome: Outcome) -> None:
    silent = _evidence(outcome=outcome)
    assert _judge(silent, now=30) == StillWaiting(seconds_left=30, held_so_far=0, silent=True)
    verdict = _judge(silent, now=60)
    assert isinstance(verdict, Verdict)
    assert (verdict.effect, verdict.measured, verdict.held_seconds) == ("no_data", None, 0)


def test_an_empty_matrix_is_no_data() -> None:
    assert _effect(_evidence(), now=60) == "no_data"
    assert _effect(_evidence([]), now=60) == "no_data"


def test_a_source_that_falls_silent_while_healthy_is_no_data_not_health() -> None:
    healthy_then_silent = _evidence(_seconds(0, 30, GOOD))
    assert _effect(healthy_then_silent, now=32) == "seen"
    assert _effect(healthy_then_silent, now=33) == "waiting"
    assert _effect(healthy_then_silent, now=60) == "no_data"


def test_no_traffic_is_no_data() -> None:
    """0/0 is NaN in PromQL."""
    assert _effect(_evidence(_seconds(0, 60, math.nan)), now=60) == "no_data"


def test_one_missing_answer_is_bridged_and_two_in_a_row_are_a_gap() -> None:
    whole = _seconds(0, 20, GOOD)
    one_missing = [p for p in whole if p[0] != 14]
    two_missing = [p for p in whole if p[0] not in (14, 15)]
    assert _effect(_evidence(one_missing), now=20) == "seen"
    judged = _judge(_evidence(two_missing), now=20)
    assert isinstance(judged, StillWaiting)
    assert judged.held_so_far == 4
    assert judged.silent


def test_data_at_every_second_step_is_too_thin() -> None:
    every_other = [p for p in _seconds(0, 60, GOOD) if p[0] % 2 == 0]
    assert _effect(_evidence(every_other), now=60) == "no_data"


def test_a_gap_at_the_deadline_is_no_data() -> None:
    points = _seconds(0, 50, GOOD) + _seconds(56, 60, GOOD)
    assert _effect(_evidence(points), now=60) == "no_data"


def test_infinity_is_data_and_outside() -> None:
    assert _effect(_evidence(_seconds(0, 60, math.inf)), now=60) == "not_seen"


def test_of_several_series_all_must_be_inside() -> None:
    both = _evidence(_seconds(0, 15, GOOD), _seconds(0, 15, BAD))
    assert _effect(both, now=15) == "waiting"


def test_a_series_that_ends_with_its_version_does_not_hold_up_the_others() -> None:
    gone = _evidence(_seconds(0, 30, GOOD), _seconds(0, 15, BAD))
    assert _effect(gone, now=30) == "seen"


def test_the_answer_to_another_question_is_refused() -> None:
    with pytest.raises(EvidenceError, match="answers 'other'"):
        _judge(_evidence(_seconds(0, 60, GOOD), query="other"), now=60)


def test_a_question_that_failed_is_no_data_whatever_it_was_called() -> None:
    failed = _evidence(query="prometheus_query(query='slow_ratio')", outcome=Outcome.ERROR)
    assert _effect(failed, now=60) == "no_data"


@pytest.mark.parametrize(("read_after", "effect"), [(0, "seen"), (4.5, "seen"), (8, "waiting")])
def test_the_wait_for_an_answer_is_no_silence_but_an_old_answer_is(
    read_after: float, effect: str
) -> None:
    window = Window(
        start=datetime.fromtimestamp(ACTED, UTC), end=datetime.fromtimestamp(ACTED + 20, UTC)
    )
    asked = _evidence(_seconds(0, 20, GOOD)).model_copy(update={"window": window})
    assert _effect(asked, now=20 + read_after) == effect


def test_evidence_of_another_shape_is_refused() -> None:
    text = _evidence(_seconds(0, 1, GOOD)).model_copy(update={"value": Text(text="fine")})
    with pytest.raises(EvidenceError, match="no range matrix"):
        _judge(text, now=60)


def test_no_series_whatsoever_is_called_seen_without_a_held_time_in_real_data() -> None:
    """Random series with gaps, NaN and bad values, judged against a plain restatement."""
    seeded = random.Random(7)
    seen = 0
    for _ in range(4000):
        end = seeded.randint(1, 70)
        keep, bad = seeded.choice([1.0, 0.97, 0.7]), seeded.choice([0.0, 0.02, 0.3])
        points = [
            (float(at), seeded.choice([BAD, math.nan]) if seeded.random() < bad else GOOD)
            for at in range(end + 1)
            if seeded.random() < keep
        ]
        judged = _judge(_evidence(points), now=end)
        last_ten = {at: v for at, v in points if at >= end - 10}
        values = [v for v in last_ten.values() if not math.isnan(v)]
        if isinstance(judged, Verdict) and judged.effect == "seen":
            seen += 1
            # the run may end up to two steps ago, and then began as much earlier
            assert BAD not in values
            assert len(values) >= 8
        if len(values) == 11 and BAD not in values and end >= 10:
            assert isinstance(judged, Verdict)
            assert judged.effect == "seen"
        if values and values[-1] == BAD:
            assert not (isinstance(judged, Verdict) and judged.effect == "seen")
    assert seen > 300


def test_recovery_without_an_action_is_measured_in_the_same_way() -> None:
    points = _evidence(_seconds(0, 20, BAD) + _seconds(21, 31, GOOD), query="anything")
    back = recovered(points, bound=EFFECT.bound, hold_seconds=10, since=ACTED, now=ACTED + 31)
    assert (back.back, back.held_seconds, back.measured) == (True, 10, GOOD)
    too_early = recovered(points, bound=EFFECT.bound, hold_seconds=11, now=ACTED + 31)
    assert not too_early.back


def test_silence_is_no_recovery() -> None:
    silent = recovered(
        _evidence(outcome=Outcome.NO_DATA), bound=EFFECT.bound, hold_seconds=10, now=ACTED
    )
    assert not silent.back
    assert silent.silent
