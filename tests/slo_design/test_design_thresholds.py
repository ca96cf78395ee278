"""Which bucket stands for a latency bound, and how wrong it may be."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.catalog.families import RequestFamily
from holdfast.catalog.proposals import Boundary, RequestMetric
from holdfast.errors import InputError
from holdfast.evidence.source import MetricsSource
from holdfast.model.evidence import Matrix, Sample, Vector
from holdfast.slo.design.threshold import choose, read_boundaries

SECONDS = RequestMetric(
    RequestFamily("http_request_duration_seconds", "histogram", "x"), 'job="a"', None
)
MILLISECONDS = RequestMetric(
    RequestFamily("http_server_duration_milliseconds", "histogram", "x", seconds_per_unit=0.001),
    'job="a"',
    None,
)


class Buckets(MetricsSource):
    """Answers with bucket counts, and keeps what was asked."""

    def __init__(self, *rows: tuple[dict[str, str], float]) -> None:
        self._rows = rows
        self.asked: list[str] = []

    @property
    def name(self) -> str:
        return "buckets"

    def query(self, promql: str, at: float) -> Vector:
        self.asked.append(promql)
        return Vector(samples=tuple(Sample(labels=k, at=at, value=v) for k, v in self._rows))

    def query_range(self, promql: str, start: float, end: float, step_seconds: float) -> Matrix:
        raise AssertionError(promql)

    def series(self, match: str, start: float, end: float) -> tuple[dict[str, str], ...]:
        raise AssertionError(match)

    def metric_names(self) -> tuple[str, ...]:
        raise AssertionError

    def close(self) -> None:
        """Nothing is open."""


def boundary(seconds: float, fraction: float) -> Boundary:
    return Boundary(f"{seconds:g}", seconds, fraction)


LADDER = (boundary(0.1, 0.9), boundary(0.25, 0.97), boundary(0.5, 0.998), boundary(1, 0.9999))


def test_buckets_become_fractions_and_milliseconds_become_seconds() -> None:
    source = Buckets(({"le": "+Inf"}, 200.0), ({"le": "300"}, 150.0), ({"le": "1000.0"}, 198.0))
    found = read_boundaries(source, MILLISECONDS, 3600, 1.0)
    assert [(b.le, b.seconds, b.measured_fraction) for b in found] == [
        ("300", 0.3, 0.75),
        ("1000.0", 1.0, 0.99),
    ]
    assert source.asked == [
        'sum by (le) (increase(http_server_duration_milliseconds_bucket{job="a"}[1h]))'
    ]


def test_buckets_without_le_are_no_histogram_and_the_metric_is_named() -> None:
    with pytest.raises(InputError, match=r"http_request_duration_seconds_bucket: no label le"):
        read_boundaries(Buckets(({}, 10.0)), SECONDS, 3600, 1.0)


def test_a_boundary_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="le='fast' is no number"):
        read_boundaries(Buckets(({"le": "fast"}, 10.0)), SECONDS, 3600, 1.0)


@pytest.mark.parametrize(
    "rows", [(), (({"le": "+Inf"}, 0.0),), (({"le": "0.5"}, 9.0),)], ids=["none", "idle", "no Inf"]
)
def test_without_requests_or_the_bucket_of_all_nothing_is_known(
    rows: tuple[tuple[dict[str, str], float], ...],
) -> None:
    assert read_boundaries(Buckets(*rows), SECONDS, 3600, 1.0) == ()


def test_without_a_wish_the_first_boundary_that_traffic_keeps_is_measured() -> None:
    found = choose(LADDER, None)
    assert found is not None
    assert found.boundary.seconds == 0.5
    assert found.exact
    assert found.error_fraction == 0


def test_where_hardly_any_request_keeps_a_boundary_none_is_chosen() -> None:
    assert choose((boundary(0.1, 0.2), boundary(0.5, 0.5)), None) is None
    assert choose((), 0.3) is None


def test_a_wish_on_a_boundary_is_exact() -> None:
    found = choose(LADDER, 0.25)
    assert found is not None
    assert found.exact
    assert (found.lower_fraction, found.upper_fraction) == (0.97, 0.97)


def test_off_a_boundary_the_one_below_is_measured_and_the_bound_is_stated() -> None:
    found = choose(LADDER, 0.3)
    assert found is not None
    assert not found.exact
    assert found.boundary.seconds == 0.25
    assert (found.below_seconds, found.above_seconds) == (0.25, 0.5)
    assert found.error_fraction == pytest.approx(0.028)


def test_below_all_boundaries_the_first_is_measured_and_may_be_all_wrong() -> None:
    found = choose(LADDER, 0.05)
    assert found is not None
    assert found.boundary.seconds == 0.1
    assert (found.lower_fraction, found.upper_fraction) == (0.0, 0.9)
    assert found.error_fraction == pytest.approx(0.9)


def test_beyond_all_boundaries_the_last_is_measured() -> None:
    found = choose(LADDER, 3.0)
    assert found is not None
    assert found.boundary.seconds == 1
    assert found.error_fraction == pytest.approx(0.0001)


def test_the_truth_always_lies_within_the_stated_bound() -> None:
    chance = np.random.default_rng(3)
    for _ in range(300):
        durations = chance.lognormal(np.log(0.2), 0.8, 500)
        bounds = np.sort(chance.choice(np.geomspace(0.02, 3, 12), 4, replace=False))
        rows = [({"le": f"{b:.6g}"}, float((durations <= float(f"{b:.6g}")).sum())) for b in bounds]
        source = Buckets(*rows, ({"le": "+Inf"}, 500.0))
        wanted = float(chance.uniform(0.02, 3))
        found = choose(read_boundaries(source, SECONDS, 60, 1.0), wanted)
        assert found is not None
        truth = float((durations <= wanted).mean())
        assert found.lower_fraction - 1e-12 <= truth <= found.upper_fraction + 1e-12
        error = abs(found.boundary.measured_fraction - truth)
        assert error <= found.error_fraction + 1e-12
