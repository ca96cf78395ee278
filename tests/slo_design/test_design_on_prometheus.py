"""A design from a real Prometheus whose past holds known incidents."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from holdfast.evidence.recorded import RecorderSource
from holdfast.integrations.prometheus.client import PrometheusSource
from holdfast.model.config import MetricsSettings
from holdfast.slo.design.design import design_reliability_architecture
from holdfast.slo.design.files import design_files
from holdfast.slo.design.folder import write_folder
from support.backfilled import prometheus_with_past
from support.histories import END, Outage, Route, service_past

BEGINS_BEFORE_END = 1.5 * 86_400
OUTAGE = Outage(BEGINS_BEFORE_END, 1200, 0.5)


def test_incidents_of_the_past_are_found_and_the_files_are_accepted(tmp_path: Path) -> None:
    past = service_past(
        routes=(Route("/cart", 40.0, 0.0001), Route("/export", 0.5, 0.05)),
        outages=(OUTAGE,),
    )
    with (
        prometheus_with_past(past, tmp_path / "prometheus") as url,
        PrometheusSource(MetricsSettings(url=url)) as source,
    ):
        found = design_reliability_architecture(source, "shop", at=END)
    store = RecorderSource(past.write_store(tmp_path / "store"))
    same = design_reliability_architecture(store, "shop", at=END)
    store.close()
    assert found.asked.queries == same.asked.queries
    for one, other in zip(found.objectives, same.objectives, strict=True):
        assert one.slo.objective == other.slo.objective
        assert one.baseline.bad_events == pytest.approx(other.baseline.bad_events, rel=0.05)
        assert [s.value for _, s in one.masked] == [s.value for _, s in other.masked]
    availability = found.objectives[0]
    assert [segment.value for _, segment in availability.masked] == ["/export"]
    page = next(replay for replay in availability.replays if replay.tier == "page-fast")
    begin = END - BEGINS_BEFORE_END
    assert page.episodes
    assert all(begin < e.start and e.end <= begin + 1200 + 600 for e in page.episodes)
    checked = write_folder(design_files(found, date(2026, 1, 2)), tmp_path / "slo")
    assert {result.command[1] for result in checked} == {"check", "test"}
    assert all(result.passed for result in checked)
