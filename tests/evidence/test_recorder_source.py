"""A recorder that goes silent is no data, never health."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.errors import QueryRefused, SourceUnavailable
from holdfast.evidence.recorded import RecorderSource
from holdfast.promql.store_writer import SampleWriter


@pytest.fixture
def source(tmp_path: Path) -> Iterator[RecorderSource]:
    """Scrapes at 100, 101 … 130 s, then a gap, then 160 … 170 s, then silence."""
    writer = SampleWriter(tmp_path, interval_seconds=1.0, retention_seconds=3600)
    x = writer.series_id({"__name__": "x_total", "job": "shop"})
    for second in (*range(100, 131), *range(160, 171)):
        writer.append("t", second * 1000, [x], [float(second)])
    writer.close()
    source = RecorderSource(tmp_path)
    yield source
    source.close()


def value_at(source: RecorderSource, promql: str, at: float) -> float | None:
    samples = source.query(promql, at).samples
    return samples[0].value if samples else None


@pytest.mark.parametrize("promql", ["x_total", "rate(x_total[30s])", "absent(y)", "1", "vector(0)"])
@pytest.mark.parametrize("at", [99.0, 135.5, 150.0, 159.0, 175.5, 100_000.0])
def test_while_the_recorder_is_silent_nothing_is_known_not_even_a_constant(
    source: RecorderSource, promql: str, at: float
) -> None:
    assert source.query(promql, at).samples == ()


def test_up_to_five_intervals_after_the_last_scrape_it_is_still_known(
    source: RecorderSource,
) -> None:
    assert value_at(source, "x_total", 134.9) == 130.0
    assert value_at(source, "rate(x_total[20s])", 130.0) == pytest.approx(1.0, rel=0.05)
    assert value_at(source, "absent(y)", 130.0) == 1.0


def test_a_range_has_no_points_where_the_recorder_was_silent(source: RecorderSource) -> None:
    (series,) = source.query_range("max_over_time(x_total[20s])", 90, 190, 5).series
    assert [at for at, _ in series.points] == [
        *(100, 105, 110, 115, 120, 125, 130, 135),
        *(160, 165, 170, 175),
    ]
    assert source.query_range("absent(y)", 140, 155, 1).series == ()


def test_a_range_backwards_is_refused(source: RecorderSource) -> None:
    with pytest.raises(QueryRefused):
        source.query_range("x_total", 10, 5, 1)
    with pytest.raises(QueryRefused):
        source.query_range("x_total", 5, 10, 0)


def test_without_a_store_every_question_is_unavailable(tmp_path: Path) -> None:
    source = RecorderSource(tmp_path / "none")
    for ask in (
        lambda: source.query("x", 1.0),
        lambda: source.query_range("x", 1.0, 2.0, 1.0),
        lambda: source.series("x", 1.0, 2.0),
        source.metric_names,
    ):
        with pytest.raises(SourceUnavailable, match="no store"):
            ask()
