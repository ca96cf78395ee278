"""What the sum of all requests hides, and how sure that is."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy.stats import binom

from holdfast.evidence.recorded import RecorderSource
from holdfast.slo.design.design import design_reliability_architecture
from holdfast.slo.design.segments import SEGMENTS_AT_MOST, Segment, SegmentTable, low_end
from support.histories import END, Route, service_past


def table(*segments: Segment) -> SegmentTable:
    return SegmentTable("endpoint", "http_route", segments, len(segments))


def segment(value: str, bad: float, total: float) -> Segment:
    return Segment(value, bad, total, low_end(bad, total))


def test_a_segment_that_fails_while_the_whole_looks_well_is_masked() -> None:
    found = table(segment("/pay", 50, 1000), segment("/cart", 10, 100_000))
    assert [s.value for s in found.masked(0.99, 60 / 101_000)] == ["/pay"]


def test_where_the_whole_fails_nothing_is_masked() -> None:
    assert table(segment("/pay", 50, 1000)).masked(0.99, 0.05) == ()


def test_three_bad_of_a_hundred_are_too_few_to_say_so() -> None:
    assert table(segment("/pay", 3, 100)).masked(0.99, 0.001) == ()


@pytest.mark.parametrize(("bad", "total"), [(1, 10), (3, 100), (50, 1000), (10, 10)])
def test_the_lower_end_is_where_so_many_bad_ones_are_two_and_a_half_percent_likely(
    bad: int, total: int
) -> None:
    low = low_end(bad, total)
    assert float(binom.sf(bad - 1, total, low)) == pytest.approx(0.025, rel=1e-6)


def test_endpoints_are_told_apart_and_their_numbers_are_those_of_the_past(tmp_path: Path) -> None:
    past = service_past(
        days=0.5, routes=(Route("/cart", 50.0, 0.0001), Route("/export", 0.5, 0.06))
    )
    source = RecorderSource(past.write_store(tmp_path))
    design = design_reliability_architecture(source, "shop", at=END)
    [availability] = [d for d in design.objectives if d.slo.kind == "availability"]
    [(found, masked)] = availability.masked
    assert (found.dimension, masked.value) == ("endpoint", "/export")
    assert masked.bad_ratio == pytest.approx(0.06, abs=0.01)
    assert sum(s.bad_events for s in found.segments) == pytest.approx(past.bad_events, rel=0.02)
    source.close()


def test_a_label_with_many_values_is_cut_at_those_with_the_most_bad_events(tmp_path: Path) -> None:
    routes = [Route(f"/r{n}", 1.0, 0.001 * n) for n in range(SEGMENTS_AT_MOST + 10)]
    source = RecorderSource(service_past(days=0.1, routes=routes).write_store(tmp_path))
    design = design_reliability_architecture(source, "shop", at=END)
    [found] = design.objectives[0].segments
    assert found.values == SEGMENTS_AT_MOST + 10
    assert len(found.segments) == SEGMENTS_AT_MOST
    assert "/r0" not in {s.value for s in found.segments}
    assert f"/r{SEGMENTS_AT_MOST + 9}" in {s.value for s in found.segments}
    source.close()
