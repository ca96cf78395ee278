"""A test's reading: evidence bound to its places, measured, held to the prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from holdfast.diagnosis.candidates import PATTERNS
from holdfast.diagnosis.mechanisms import MECHANISMS
from holdfast.diagnosis.observe import bound_measure, read_test
from holdfast.diagnosis.patterns import CAUSES
from holdfast.diagnosis.weigh import confidence, log_likelihood_ratio, prior
from holdfast.errors import EvidenceError
from holdfast.evidence.derive import compute, derive
from holdfast.model.base import utc_now
from holdfast.model.evidence import (
    Evidence,
    EvidenceKind,
    Matrix,
    Outcome,
    Sample,
    Series,
    Table,
    Text,
    Vector,
)
from holdfast.model.figure import Derivation
from holdfast.model.hypothesis import Bound, Test, ToolCall


def evidence(value: float | dict[str, float] | None, *, error: str = "") -> Evidence:
    samples = value if isinstance(value, dict) else {} if value is None else {"": value}
    return sealed(
        Vector(samples=tuple(Sample(labels={"k": k}, at=0, value=v) for k, v in samples.items())),
        Outcome.ERROR if error else Outcome.NO_DATA if value is None else Outcome.DATA,
        error,
    )


def sealed(
    value: Vector | Matrix | Table | Text, outcome: Outcome = Outcome.DATA, error: str = ""
) -> Evidence:
    return Evidence.seal(
        kind=EvidenceKind.METRIC,
        query="q",
        source="s",
        asked_at=utc_now(),
        outcome=outcome,
        value=value if outcome is Outcome.DATA else None,
        error=error,
    )


def asks(
    function: str, *places: str, at_least: float | None = None, at_most: float | None = None
) -> Test:
    return Test(
        id="test-1",
        hypothesis_id="hyp-1",
        question="?",
        calls=tuple(ToolCall(tool="prometheus_query") for _ in places),
        measure=Derivation(function=function, evidence_ids=places),
        prediction=Bound(at_least=at_least, at_most=at_most),
    )


def test_a_value_within_the_prediction_supports() -> None:
    result = read_test(asks("ratio", "$0", "$1", at_least=2), [evidence(6.0), evidence(2.0)])
    assert (result.measured, result.reading) == (3.0, "supports")
    assert len(result.evidence_ids) == 2


def test_places_may_stand_in_another_order_than_the_answers() -> None:
    result = read_test(asks("ratio", "$1", "$0", at_least=2), [evidence(6.0), evidence(2.0)])
    assert (result.measured, result.reading) == (1 / 3, "contradicts")


def test_no_data_is_unknown() -> None:
    result = read_test(asks("value", "$0", at_most=1), [evidence(None)])
    assert (result.measured, result.reading, result.note) == (None, "unknown", "no data")


def test_a_ratio_to_nothing_is_unknown_and_not_endless() -> None:
    result = read_test(asks("value", "$0", at_least=1), [evidence(math.inf)])
    assert (result.measured, result.reading) == (None, "unknown")
    assert result.note == "a ratio to nothing measures nothing"


def test_an_error_is_unknown_and_says_why() -> None:
    result = read_test(asks("value", "$0", at_most=1), [evidence(None, error="timed out")])
    assert (result.reading, result.note) == ("unknown", "timed out")


def test_evidence_of_the_wrong_shape_is_unknown_and_says_why() -> None:
    two = evidence({"a": 1.0, "b": 2.0})
    result = read_test(asks("value", "$0", at_most=1), [two])
    assert result.reading == "unknown"
    assert "2 values where one is needed" in result.note


def test_a_bound_measure_recomputes_the_figure() -> None:
    test, answers = asks("ratio", "$0", "$1", at_least=2), [evidence(6.0), evidence(2.0)]
    bound = bound_measure(test, [item.id for item in answers])
    assert derive(bound, {item.id: item for item in answers}) == 3.0
    with pytest.raises(EvidenceError, match=r"names \$1, and 1 answers"):
        bound_measure(test, ["ev-1"])


def four(
    now: float | None, before: float | None, rate: float | None, rate_before: float | None = None
) -> list[Evidence]:
    rates = (rate, rate if rate_before is None else rate_before)
    return [evidence(now), evidence(before), *(evidence(r) for r in rates)]


def share(*fours: list[Evidence]) -> float | None:
    inputs = [item for group in fours for item in group]
    places = tuple(f"${i}" for i in range(len(inputs)))
    return compute(Derivation(function="own_excess_share", evidence_ids=places), inputs)


def test_a_service_keeps_what_its_callees_do_not_explain() -> None:
    entry = four(1.0, 0.1, 10.0)
    callee = four(1.0, 0.1, 9.0)
    assert share(entry, entry, callee) == pytest.approx(0.1)
    assert share(entry, callee) == pytest.approx(0.9)


def test_an_idle_callee_explains_nothing_and_an_unmeasured_one_is_unknown() -> None:
    entry = four(1.0, 0.1, 10.0)
    assert share(entry, entry, four(None, None, 0.0)) == pytest.approx(1.0)
    assert share(entry, entry, four(None, 0.1, 5.0)) is None


def test_a_callee_that_hangs_explains_what_its_callers_keep_though_it_is_asked_less() -> None:
    entry, middle = four(3.0, 0.03, 12.0, 12.0), four(5.0, 0.02, 4.0, 12.0)
    hangs = four(5.0, 0.01, 4.0, 12.0)
    assert share(entry, entry, middle) == pytest.approx(-0.68, abs=0.01)
    assert share(entry, middle, hangs) == pytest.approx(0.0, abs=0.01)
    assert share(entry, hangs) == pytest.approx(1.68, abs=0.01)


def test_more_traffic_at_the_entry_is_expected_of_its_callees_too() -> None:
    entry, callee = four(1.0, 0.1, 24.0, 12.0), four(0.4, 0.1, 6.0, 6.0)
    assert share(entry, callee) == pytest.approx(12 * 0.3 / (24 * 0.9))


def test_without_a_material_rise_there_is_nothing_to_share_out() -> None:
    entry = four(0.105, 0.1, 10.0)
    assert share(entry, entry) is None


def test_largest_share_over_the_graph() -> None:
    inputs = [*four(1.0, 0.1, 10.0), *four(0.9, 0.1, 10.0), *four(0.1, 0.1, 10.0)]
    wanted = Derivation(
        function="largest_own_share",
        evidence_ids=(),
        parameters={"services": "a,b,c", "calls": "a>b,a>c"},
    )
    assert compute(wanted, inputs) == pytest.approx(8 / 9)


def half_rise(levels: Sequence[float], *, healthy_to: float) -> float | None:
    points = tuple((float(i), level) for i, level in enumerate(levels))
    wanted = Derivation(
        function="half_rise_time",
        evidence_ids=("$0",),
        parameters={"healthy_to": healthy_to, "smallest_rise": 0.025},
    )
    return compute(wanted, [sealed(Matrix(series=(Series(labels={}, points=points),)))])


def test_a_rise_is_dated_half_way_up_whatever_burst_before() -> None:
    assert half_rise([0, 0, 0, 0.4, 0.3, 0.4, 0, 0, 0.1, 0.3, 0.6, 0.9, 1, 1], healthy_to=2) == 10
    assert half_rise([0, 0, 0, 1, 1, 1, 0, 1, 1], healthy_to=2) == 3
    assert half_rise([0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1], healthy_to=1) == 8
    assert half_rise([0, 0, 0, 0.01, 0.01, 0.01], healthy_to=2) is None
    assert half_rise([1, 1, 1], healthy_to=-1) is None


def test_one_bad_instance_stands_out_of_at_least_three() -> None:
    wanted = Derivation(function="largest_over_others", evidence_ids=())
    assert compute(wanted, [evidence({"a": 0.1, "b": 0.1, "c": 0.5})]) == pytest.approx(5)
    with pytest.raises(EvidenceError, match="told apart: 2, and at least 3 are needed"):
        compute(wanted, [evidence({"a": 0.1, "b": 0.5})])


@pytest.mark.parametrize(
    ("then", "before", "traffic_then", "traffic_now", "measured"),
    [
        (0.8, 0.1, 10.0, 10.0, pytest.approx(8)),
        (0.1, 0.1, 8.0, 10.0, 1.0),
        (0.0, 0.0, 10.0, 10.0, 1.0),
        (0.2, 0.0, 10.0, 10.0, None),
        (0.1, 0.1, 5.0, 10.0, None),
    ],
)
def test_how_a_version_served_at_first_counts_only_under_the_traffic_of_now(
    then: float, before: float, traffic_then: float, traffic_now: float, measured: float | None
) -> None:
    wanted = Derivation(
        function="ratio_under_like_traffic",
        evidence_ids=(),
        parameters={"label": "k", "equals": "2", "base": "1"},
    )
    inputs = [{"2": then}, {"1": before}, {"2": traffic_then}, {"2": traffic_now}]
    assert compute(wanted, [evidence(one) for one in inputs]) == measured


def test_added_cpu_is_compared_with_added_latency() -> None:
    wanted = Derivation(function="differences_ratio", evidence_ids=())
    inputs = [evidence(v) for v in (0.05, 0.01, 0.5, 0.1)]
    assert compute(wanted, inputs) == pytest.approx(0.1)
    assert compute(wanted, [*inputs[:2], evidence(0.1), evidence(0.1)]) is None


def test_repeated_statements_are_compared_between_versions() -> None:
    table = Table(columns=("version", "n"), rows=(("1", 2), ("2", 40), ("2", 3)))
    wanted = Derivation(
        function="column_max_ratio",
        evidence_ids=(),
        parameters={"key_column": "version", "key": "2", "base": "1", "column": "n"},
    )
    assert compute(wanted, [sealed(table)]) == 20


def test_code_shapes_of_a_diff_without_python_are_unknown() -> None:
    wanted = Derivation(
        function="code_shapes", evidence_ids=(), parameters={"shape": "query_in_loop"}
    )
    text = Text(text="--- a/x.yaml\n+++ b/x.yaml\n@@ -1 +1 @@\n-a\n+b")
    assert compute(wanted, [sealed(text)]) is None


def test_confidence_is_the_arithmetic_that_is_documented() -> None:
    (pattern,) = [p for p in CAUSES if p.id == "traffic_surge"]
    question = pattern.questions[0]
    assert prior(4) == 0.2
    odds = math.log(0.2 / 0.8) + math.log(question.sensitivity / question.false_alarm)
    expected = 1 / (1 + math.exp(-odds))
    assert confidence(0.2, [(question, "supports")]) == pytest.approx(expected, abs=1e-4)
    assert confidence(0.2, [(question, "unknown")]) == 0.2
    assert log_likelihood_ratio(question, "contradicts") < 0


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_every_pattern_can_be_supported_and_each_answer_tells_something(pattern: object) -> None:
    found = PATTERNS[pattern.id]  # type: ignore[attr-defined]
    assert found.questions
    parts = {question.part for question in found.questions}
    assert parts & {"required", "measure"}
    for question in found.questions:
        assert 0 < question.false_alarm < question.sensitivity < 1
    kinds = {(q.role, q.slo_kind) for q in found.questions}
    assert len(kinds) == len(found.questions), "two questions of one role"


def test_pattern_ids_are_unique() -> None:
    assert len({p.id for p in (*CAUSES, *MECHANISMS)}) == len(CAUSES) + len(MECHANISMS)
