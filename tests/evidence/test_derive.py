"""Each derivation computes one number from evidence; no data stays no data, never zero."""

from __future__ import annotations

import math

import pytest

from holdfast.errors import EvidenceError
from holdfast.evidence.derive import compute, derivation_over_gaps, derive
from holdfast.model.base import utc_now
from holdfast.model.evidence import (
    Cell,
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

Parameter = str | float | int | None


def sealed(
    value: Vector | Matrix | Table | Text | None,
    outcome: Outcome = Outcome.DATA,
    step_seconds: float | None = None,
) -> Evidence:
    return Evidence.seal(
        kind=EvidenceKind.METRIC,
        query="q",
        source="s",
        asked_at=utc_now(),
        outcome=outcome,
        value=value,
        step_seconds=step_seconds,
    )


def vector(*values: float, **by_version: float) -> Evidence:
    samples = [Sample(labels={}, at=1.0, value=v) for v in values]
    samples += [Sample(labels={"version": k}, at=1.0, value=v) for k, v in by_version.items()]
    return sealed(Vector(samples=tuple(samples)))


def matrix(*points: tuple[float, float], **by_version: list[tuple[float, float]]) -> Evidence:
    series = [Series(labels={}, points=points)] if points else []
    series += [Series(labels={"version": k}, points=tuple(p)) for k, p in by_version.items()]
    return sealed(Matrix(series=tuple(series)), step_seconds=1.0)


def table(*rows: tuple[Cell, ...]) -> Evidence:
    return sealed(Table(columns=("version", "user", "count"), rows=rows))


def result(function: str, *inputs: Evidence, **parameters: Parameter) -> float | None:
    wanted = Derivation(
        function=function, evidence_ids=tuple(i.id for i in inputs), parameters=parameters
    )
    return compute(wanted, inputs)


V2 = {"label": "version", "equals": "v2"}
NO_DATA = sealed(None, Outcome.NO_DATA)


@pytest.mark.parametrize(
    "function",
    [
        *("value", "total", "largest", "ratio", "difference", "points_max", "points_min"),
        *("points_mean", "points_median", "points_last", "first_time_at_least", "held_seconds"),
        *("rows", "distinct", "cell", "cell_difference", "column_total", "column_max"),
    ],
)
def test_no_data_and_errors_stay_no_data_in_every_derivation(function: str) -> None:
    failed = sealed(None, Outcome.ERROR)
    for item in (NO_DATA, failed):
        assert result(function, item, item) is None


def test_a_derivation_over_gaps_is_given_no_data_but_never_an_error() -> None:
    @derivation_over_gaps
    def gaps_in_this_test(inputs: object, parameters: object) -> float:
        return 1.0

    assert gaps_in_this_test([], {}) == result("gaps_in_this_test", NO_DATA) == 1.0
    assert result("gaps_in_this_test", NO_DATA, sealed(None, Outcome.ERROR)) is None


def test_an_unknown_derivation_and_missing_evidence_are_named() -> None:
    with pytest.raises(EvidenceError, match="no derivation guess"):
        result("guess", NO_DATA)
    item = vector(2.0)
    wanted = Derivation(function="value", evidence_ids=(item.id, "ev-gone"))
    with pytest.raises(EvidenceError, match="ev-gone is missing"):
        derive(wanted, {item.id: item})
    assert derive(Derivation(function="value", evidence_ids=(item.id,)), {item.id: item}) == 2.0


@pytest.mark.parametrize(
    ("function", "item", "words"),
    [
        ("value", matrix((1, 1)), "no instant vector"),
        ("points_max", vector(1.0), "no range matrix"),
        ("rows", vector(1.0), "no table"),
        ("value", vector(1.0, 2.0), "has 2 values where one is needed"),
        ("column_total", table(), "no column None"),
    ],
)
def test_evidence_of_the_wrong_shape_is_refused(function: str, item: Evidence, words: str) -> None:
    with pytest.raises(EvidenceError, match=words):
        result(function, item)


# ---- instant vectors -------------------------------------------------------------------------


def test_samples_are_picked_by_label() -> None:
    item = vector(v1=1.0, v2=5.0)
    assert result("value", item, **V2) == 5.0
    assert result("total", item) == 6.0
    assert result("total", item, **V2) == 5.0
    assert result("largest", item) == 5.0
    assert result("value", item, label="version", equals="v3") is None
    assert result("total", item, label="version", equals="v3") is None


def test_an_unknown_version_picks_nothing() -> None:
    named_none = sealed(Vector(samples=(Sample(labels={"version": "None"}, at=1, value=7),)))
    assert result("value", named_none, label="version", equals=None) is None
    assert (
        result("points_max", matrix(**{"None": [(1.0, 1.0)]}), label="version", equals=None) is None
    )
    assert result("rows", table((None, "u", 1)), key_column="version", key=None) == 0


def test_a_ratio_is_of_two_answers_or_of_two_samples_of_one() -> None:
    assert result("ratio", vector(3.0), vector(4.0)) == 0.75
    both = vector(v1=2.0, v2=5.0)
    assert result("ratio", both, **V2, base="v1") == 2.5
    assert result("difference", both, **V2, base="v1") == 3.0
    assert result("difference", vector(3.0), vector(4.0)) == -1.0


def test_a_ratio_over_nothing_is_no_data_and_so_is_nan() -> None:
    assert result("ratio", vector(3.0), vector(0.0)) is None
    assert result("ratio", vector(3.0), sealed(Vector(samples=()))) is None
    assert result("ratio", vector(math.inf), vector(math.inf)) is None
    assert result("ratio", vector(v2=1.0), **V2, base="v1") is None


# ---- range matrices --------------------------------------------------------------------------


def test_points_are_summarised_over_the_window_asked_for() -> None:
    item = matrix((1, 4.0), (2, 1.0), (3, 2.0), (4, 9.0))
    assert result("points_max", item) == 9.0
    assert result("points_min", item) == 1.0
    assert result("points_mean", item) == 4.0
    assert result("points_median", item) == 2.0
    assert result("points_last", item) == 9.0
    assert result("points_last", item, **{"from": 2, "to": 3}) == 2.0
    assert result("points_max", item, **{"from": 10}) is None


def test_series_are_picked_by_label_and_joined_without_one() -> None:
    item = matrix(v1=[(1, 1.0), (3, 3.0)], v2=[(2, 8.0)])
    assert result("points_max", item, label="version", equals="v1") == 3.0
    assert result("points_mean", item) == 4.0


def test_the_onset_is_the_first_of_enough_points_in_a_row() -> None:
    item = matrix((1, 0.0), (2, 0.5), (3, 0.1), (4, 0.5), (5, 0.6), (6, 0.0))
    assert result("first_time_at_least", item, bound=0.5) == 2
    assert result("first_time_at_least", item, bound=0.5, count=2) == 4
    assert result("first_time_at_least", item, bound=0.5, count=3) is None
    with pytest.raises(EvidenceError, match="needs the parameter bound"):
        result("first_time_at_least", item)
    with pytest.raises(EvidenceError, match="bound is 'high'"):
        result("first_time_at_least", item, bound="high")


def test_how_long_it_held_is_counted_back_from_the_latest_point() -> None:
    item = matrix((1, 0.1), (2, 0.9), (3, 0.1), (4, 0.2), (5, 0.3))
    assert result("held_seconds", item, at_most=0.3) == 2
    assert result("held_seconds", item, at_most=0.3, at_least=None) == 2
    assert result("held_seconds", item, at_most=0.2) == 0
    assert result("held_seconds", item, at_least=0.1) == 4
    assert result("held_seconds", item, at_least=0.15, at_most=0.3) == 1
    assert result("held_seconds", sealed(Matrix(series=()))) is None


def test_a_hole_in_the_measurements_ends_what_was_held() -> None:
    item = matrix((1, 0.1), (2, 0.1), (30, 0.1), (31, 0.1))
    assert result("held_seconds", item, at_most=0.3) == 1


# ---- tables ----------------------------------------------------------------------------------


def test_rows_are_counted_and_picked_by_key() -> None:
    item = table(("v1", "a", 1), ("v2", "a", 2), ("v2", "b", 5), ("v2", "", None))
    picked = {"key_column": "version", "key": "v2"}
    assert result("rows", item) == 4
    assert result("rows", item, **picked) == 3
    assert result("distinct", item, column="user") == 2
    assert result("column_total", item, column="count") == 8
    assert result("column_total", item, **picked, column="count") == 7
    assert result("column_max", item, **picked, column="count") == 5
    assert result("column_max", item, column="user") is None


def test_one_cell_and_the_difference_of_two() -> None:
    item = table(("v1", "a", 1), ("v2", "a", 2.5), ("", "all", 9))
    picked = {"key_column": "version", "key": "v2", "column": "count"}
    assert result("cell", item, **picked) == 2.5
    assert result("cell_difference", item, **picked, base="v1") == 1.5
    assert result("cell", item, **{**picked, "key": ""}) == 9
    assert result("cell", item, **{**picked, "key": "v9"}) is None


def test_text_and_truth_are_no_numbers() -> None:
    assert (
        result("column_total", table(("v1", "a", "7"), ("v1", "a", True)), column="count") is None
    )
