"""Several objectives in one expression: the worst counts, and what is not measured is not met."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from holdfast.diagnosis.objectives import worst_burn_query
from holdfast.model.slo import SLO, RatioIndicator
from holdfast.promql.engine import Engine
from holdfast.promql.samples import Matcher, StoredSeries

NO_TRAFFIC = ("vector(0)", "vector(0)")
NO_DATA = ("absent(vector(1))", "vector(100)")


class Nothing:
    """Implements SampleStore without a sample: the objectives below are constants."""

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[StoredSeries]:
        """Return no series."""
        return []


def objective(number: int, bad_and_total: tuple[str, str], budget: float) -> tuple[SLO, float]:
    bad, total = bad_and_total
    indicator = RatioIndicator(bad_query=bad, total_query=total)
    name = f"objective-{number}"
    kind = "availability"
    slo = SLO(name=name, service="s", kind=kind, indicator=indicator, objective=1 - budget,
              period_seconds=3600)  # fmt: skip
    return slo, 30.0


def bad(count: int) -> tuple[str, str]:
    return f"vector({count})", "vector(100)"


@pytest.mark.parametrize(
    ("objectives", "worst"),
    [
        ([bad(2)], 0.4),
        ([bad(2), bad(2)], 0.4),
        ([bad(2), bad(0)], 0.4),
        ([bad(0), bad(0)], 0.0),
        ([bad(2), bad(10)], 2.0),
        ([bad(10), bad(2), bad(1)], 2.0),
        ([bad(1), bad(2), bad(10)], 2.0),
        ([bad(2), NO_TRAFFIC], None),
        ([NO_TRAFFIC, bad(2)], None),
        ([bad(2), NO_DATA], None),
        ([NO_DATA, bad(2)], None),
        ([bad(2), bad(2), NO_DATA], None),
    ],
)
def test_the_worst_counts_and_what_is_not_measured_is_no_answer(
    objectives: list[tuple[str, str]], worst: float | None
) -> None:
    query = worst_burn_query([objective(i, o, 0.05) for i, o in enumerate(objectives)])
    samples = Engine(Nothing()).instant(query, 0.0).samples
    assert [s.value for s in samples] == ([] if worst is None else [pytest.approx(worst)])


def test_each_is_held_to_its_own_budget() -> None:
    query = worst_burn_query([objective(1, bad(4), 0.05), objective(2, bad(3), 0.01)])
    (sample,) = Engine(Nothing()).instant(query, 0.0).samples
    assert sample.value == pytest.approx(3.0)
