"""How far back an indicator is read, in which steps, and which answers are not believed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from holdfast.errors import EvidenceError, NotFound
from holdfast.evidence.source import MetricsSource
from holdfast.model.evidence import Matrix, Sample, Series, Vector
from holdfast.model.slo import SLO, RatioIndicator
from holdfast.slo.design.past import STEPS_SECONDS, read_past, step_for

AT = 1_760_000_400.0
OBJECTIVE = SLO(
    name="shop-availability",
    service="shop",
    kind="availability",
    indicator=RatioIndicator(
        bad_query="sum(rate(bad_total[$window]))", total_query="sum(rate(all_total[$window]))"
    ),
    objective=0.99,
    period_seconds=30 * 86_400,
)

Cut = Callable[[tuple[tuple[float, float], ...]], tuple[tuple[float, float], ...]]


@dataclass
class Steady(MetricsSource):
    """Ten events a second, one of them bad, known since a time; `cut` alters range answers."""

    since: float
    silent: tuple[float, float] = (0.0, 0.0)
    cut: Cut = lambda points: points
    steps: list[float] = field(default_factory=list[float])

    @property
    def name(self) -> str:
        return "prometheus http://steady"

    def _value(self, promql: str, at: float) -> float | None:
        if at <= self.since or self.silent[0] < at <= self.silent[1]:
            return None
        window = float(promql.rsplit("* ", 1)[1])
        return window * (1.0 if "bad_total" in promql else 10.0)

    def query(self, promql: str, at: float) -> Vector:
        value = self._value(promql, at)
        found = () if value is None else (Sample(labels={}, at=at, value=value),)
        return Vector(samples=found)

    def query_range(self, promql: str, start: float, end: float, step_seconds: float) -> Matrix:
        self.steps.append(step_seconds)
        times = start + step_seconds * np.arange(
            math.floor((end - start) / step_seconds + 1e-9) + 1
        )
        pairs = ((float(t), self._value(promql, float(t))) for t in times)
        points = self.cut(tuple((t, v) for t, v in pairs if v is not None))
        return Matrix(series=(Series(labels={}, points=points),) if points else ())

    def series(self, match: str, start: float, end: float) -> tuple[dict[str, str], ...]:
        raise AssertionError(match)

    def metric_names(self) -> tuple[str, ...]:
        raise AssertionError

    def close(self) -> None:
        """Nothing is open."""


def past(source: Steady, days: float = 30.0, scrape_seconds: float = 15.0):
    return read_past(source, OBJECTIVE, AT, days * 86_400, scrape_seconds)


def test_a_month_is_read_in_steps_of_five_minutes() -> None:
    source = Steady(since=0.0)
    history = past(source)
    assert set(source.steps) == {300.0}
    assert len(history.total) == 30 * 288
    assert np.allclose(history.total, 3000)
    assert np.allclose(history.bad, 300)


def test_a_past_of_minutes_is_read_again_in_short_steps_from_its_beginning() -> None:
    source = Steady(since=AT - 400)
    history = past(source, scrape_seconds=0.25)
    assert source.steps == [300.0, 300.0, 0.5, 0.5]
    assert history.start == pytest.approx(AT - 400, abs=0.5)
    assert history.total.sum() == pytest.approx(4000, rel=0.01)


def test_a_past_shorter_than_a_step_is_found_all_the_same() -> None:
    history = past(Steady(since=AT - 50), scrape_seconds=0.25)
    assert history.total.sum() == pytest.approx(500, rel=0.05)


def test_steps_are_no_finer_than_samples_and_no_more_than_can_be_held() -> None:
    for scrape in (0.25, 1.0, 15.0, 60.0, 120.0):
        for days in (0.01, 1, 30, 90, 365):
            step = step_for(days * 86_400, scrape)
            assert step in STEPS_SECONDS
            assert step >= 1.9 * scrape
            assert days * 86_400 / step <= 35_041


def test_a_gap_stays_a_gap() -> None:
    history = past(Steady(since=0.0, silent=(AT - 7200, AT - 3600)), days=3)
    unknown = np.flatnonzero(~history.known)
    assert len(unknown) * history.step_seconds == 3600


def test_no_data_at_all_names_the_query() -> None:
    with pytest.raises(NotFound, match=r"indicator.total_query has no data.*all_total"):
        past(Steady(since=AT + 1))


def test_where_only_the_bad_events_are_missing_it_says_how_to_make_them_a_zero() -> None:
    class NoneBad(Steady):
        def _value(self, promql: str, at: float) -> float | None:
            return None if "bad_total" in promql else super()._value(promql, at)

    with pytest.raises(NotFound, match=r"indicator.bad_query has no data.*BAD or 0 \* TOTAL"):
        past(NoneBad(since=0.0))


LIES: dict[str, Cut] = {
    "only the newest are answered": lambda points: points[-500:],
    "only the oldest are answered": lambda points: points[:500],
    "every other step is left out": lambda points: points[::2],
    "some in the middle are left out": lambda points: (*points[:300], *points[340:]),
}


@pytest.mark.parametrize("cut", LIES.values(), ids=list(LIES))
def test_an_answer_that_is_cut_short_is_refused_and_not_read_as_a_gap(cut: Cut) -> None:
    with pytest.raises(EvidenceError, match="prometheus http://steady left the step"):
        past(Steady(since=0.0, cut=cut))


def test_answers_for_other_steps_are_refused() -> None:
    with pytest.raises(EvidenceError, match="no step of 300 s that was asked"):
        past(Steady(since=0.0, cut=lambda points: tuple((t + 100, v) for t, v in points)))
