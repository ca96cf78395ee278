"""Events step by step: the grid, gaps, and what must not be counted."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.errors import EvidenceError, InputError
from holdfast.evidence.source import MetricsSource
from holdfast.model.evidence import Matrix, Series, Vector
from holdfast.model.slo import SLO, RatioIndicator
from holdfast.slo.history import EventHistory, read_history

OBJECTIVE = SLO(
    name="shop",
    service="shop",
    kind="availability",
    indicator=RatioIndicator(
        bad_query="sum(rate(bad_total[$window]))", total_query="sum(rate(all_total[$window]))"
    ),
    objective=0.99,
    period_seconds=3600,
)


class Answers(MetricsSource):
    """Answers range queries with given points, by the metric that they name."""

    @property
    def name(self) -> str:
        return "answers"

    def __init__(self, **points: dict[float, float]) -> None:
        self.points = points
        self.asked: list[tuple[float, float, float]] = []

    def query_range(self, promql: str, start: float, end: float, step_seconds: float) -> Matrix:
        self.asked.append((start, end, step_seconds))
        found = next(points for name, points in self.points.items() if f"{name}_total" in promql)
        return Matrix(series=(Series(labels={}, points=tuple(found.items())),) if found else ())

    def query(self, promql: str, at: float) -> Vector:
        raise AssertionError(promql)

    def series(self, match: str, start: float, end: float) -> tuple[dict[str, str], ...]:
        raise AssertionError(match)

    def metric_names(self) -> tuple[str, ...]:
        raise AssertionError

    def close(self) -> None:
        """Nothing is open."""


def test_each_step_has_its_own_events_and_gaps_stay_gaps() -> None:
    source = Answers(bad={240.0: -0.1, 300.0: 9.0}, all={180: 10, 240: 5, 300: 8})
    found = read_history(source, OBJECTIVE, 61, 310, 60)
    assert source.asked == [(180, 300, 60)] * 2
    assert (found.start, found.end) == (120, 300)
    assert found.ends.tolist() == [180, 240, 300]
    np.testing.assert_array_equal(found.bad, [np.nan, 0, 8])
    assert found.known.tolist() == [False, True, True]


@pytest.mark.parametrize(("is_zero", "known"), [(True, [True, True]), (False, [False, False])])
def test_a_counter_of_bad_events_that_is_not_there_is_zero_only_where_that_is_asked(
    is_zero: bool, known: list[bool]
) -> None:
    source = Answers(bad={}, all={60.0: 10.0, 120.0: 10.0})
    found = read_history(source, OBJECTIVE, 0, 120, 60, absent_bad_is_zero=is_zero)
    assert found.known.tolist() == known


def test_a_part_holds_whole_steps_only() -> None:
    history = EventHistory(0, 60, np.arange(5.0), np.full(5, 9.0))
    part = history.between(30, 250)
    assert (part.start, part.end) == (60, 240)
    assert part.bad.tolist() == [1, 2, 3]
    assert len(history.between(400, 500).total) == 0


def test_an_interval_without_a_whole_step_is_refused() -> None:
    with pytest.raises(InputError, match="no whole step of 60 s"):
        read_history(Answers(), OBJECTIVE, 61, 119, 60)


@pytest.mark.parametrize("at", [90.0, 240.0])
def test_a_server_that_answers_other_steps_than_were_asked_is_refused(at: float) -> None:
    source = Answers(bad={60.0: 0.0}, all={at: 10.0})
    with pytest.raises(EvidenceError, match="no step of 60 s that was asked"):
        read_history(source, OBJECTIVE, 0, 120, 60)


def test_several_series_are_refused() -> None:
    class Two(Answers):
        def query_range(self, promql: str, start: float, end: float, step_seconds: float) -> Matrix:
            one = Series(labels={"a": "1"}, points=((60.0, 1.0),))
            return Matrix(series=(one, one))

    with pytest.raises(EvidenceError, match="gives 2 series"):
        read_history(Two(), OBJECTIVE, 0, 60, 60)
