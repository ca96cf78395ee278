"""The tool: a proposal as evidence, and nothing written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.evidence.recorded import RecorderSource
from holdfast.evidence.toolbox import Toolbox
from holdfast.model.evidence import Evidence, Outcome, Table
from holdfast.model.hypothesis import ToolCall
from holdfast.model.slo import SLO, BurnTier, RatioIndicator
from holdfast.slo.design.tool import COLUMNS, NAME, design_tool
from support.histories import END, service_past

COMPRESSED = SLO(
    name="shop",
    service="shop",
    kind="availability",
    indicator=RatioIndicator(bad_query="a", total_query="b"),
    objective=0.9,
    period_seconds=7200,
    period_note="compressed",
    tiers=(
        BurnTier(
            name="page",
            action="page",
            budget_fraction=0.05,
            long_window_seconds=600,
            short_window_seconds=300,
        ),
    ),
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecorderSource]:
    found = RecorderSource(service_past(days=0.2).write_store(tmp_path_factory.mktemp("store")))
    yield found
    found.close()


def ask(source: RecorderSource, service: str, *slos: SLO, days: float = 1.0) -> Evidence:
    toolbox = Toolbox()
    toolbox.register(design_tool(source, {"shop": "team-shop"}, slos, clock=lambda: END))
    return toolbox.ask(ToolCall(tool=NAME, arguments={"service": service, "days": days}))


def table(evidence: Evidence) -> list[dict[str, object]]:
    assert isinstance(evidence.value, Table)
    return [dict(zip(COLUMNS, row, strict=True)) for row in evidence.value.rows]


def test_it_answers_with_objectives_and_what_history_shows(
    source: RecorderSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    evidence = ask(source, "shop")
    assert evidence.outcome is Outcome.DATA
    assert evidence.is_whole()
    rows = table(evidence)
    assert [row["slo"] for row in rows] == ["shop-availability", "shop-latency"]
    for row in rows:
        low, ratio = row["good_ratio_low"], row["good_ratio"]
        assert isinstance(low, float)
        assert isinstance(ratio, float)
        assert low <= ratio
        assert row["period_seconds"] == 30 * 86_400
    assert os.listdir(tmp_path) == []


def test_a_period_that_is_not_a_real_one_is_kept(source: RecorderSource) -> None:
    assert {row["period_seconds"] for row in table(ask(source, "shop", COMPRESSED))} == {7200}


@pytest.mark.parametrize(("service", "days"), [("till", 1.0), ("shop", 0.0), ("shop", -1.0)])
def test_what_cannot_be_designed_is_an_error_as_evidence(
    source: RecorderSource, service: str, days: float
) -> None:
    evidence = ask(source, service, days=days)
    assert evidence.outcome is Outcome.ERROR
    assert service in evidence.error or "days" in evidence.error
