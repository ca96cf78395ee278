"""The tools of this stage: a runbook goes through the guard; health is real data, held."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.actions.tools import (
    HEALTH_COLUMNS,
    execute_runbook_tool,
    validate_service_health_tool,
)
from holdfast.errors import GuardDenied, InputError, NotFound
from holdfast.evidence.recorded import RecorderSource
from holdfast.evidence.toolbox import Tool, Toolbox
from holdfast.model.action import RunbookCall
from holdfast.model.base import utc_now
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome, Table, Text
from holdfast.model.hypothesis import ToolCall
from holdfast.model.slo import SLO, RatioIndicator
from holdfast.promql.store_writer import SampleWriter
from support.action_world import RUNBOOKS

END = 1_000_180

SHOP_LATENCY = SLO(
    name="shop-latency",
    service="shop",
    kind="latency",
    indicator=RatioIndicator(
        bad_query="sum(rate(slow_total[$window]))", total_query="sum(rate(all_total[$window]))"
    ),
    objective=0.95,
    period_seconds=3600,
)


def _recorded(folder: Path, slow_per_second: float, *, last: int = END, gap: int = 0) -> Tool:
    """Three minutes of 20 requests a second; `gap` = seconds in the middle without a scrape."""
    writer = SampleWriter(folder, interval_seconds=1.0, retention_seconds=3600)
    slow = writer.series_id({"__name__": "slow_total"})
    every = writer.series_id({"__name__": "all_total"})
    for second in range(END - 180, last + 1):
        if not END - 90 <= second < END - 90 + gap:
            passed = second - END + 180
            writer.append(
                "t", second * 1000, [slow, every], [slow_per_second * passed, 20.0 * passed]
            )
    writer.close()
    return validate_service_health_tool(
        RecorderSource(folder), [SHOP_LATENCY], resolution_seconds=1.0, clock=lambda: float(END)
    )


def _row(evidence: Evidence) -> dict[str, object]:
    assert isinstance(evidence.value, Table)
    return dict(zip(HEALTH_COLUMNS, evidence.value.rows[0], strict=True))


def test_an_objective_that_held_all_the_time_is_healthy(tmp_path: Path) -> None:
    health = _recorded(tmp_path, 0.2).function("shop", 1.0)
    row = _row(health)
    assert (row["slo"], row["reading"]) == ("shop-latency", "held")
    assert row["bad_ratio_now"] == pytest.approx(0.01)
    assert row["watched_seconds"] == 60
    assert health.outcome is Outcome.DATA


def test_an_objective_that_is_missed_is_not_held(tmp_path: Path) -> None:
    row = _row(_recorded(tmp_path, 4).function("shop", 1.0))
    assert row["reading"] == "not held"
    assert row["bad_ratio_now"] == pytest.approx(0.2)


def test_silence_is_no_data_and_not_health(tmp_path: Path) -> None:
    health = _recorded(tmp_path, 0.2, last=END - 30).function("shop", 1.0)
    assert health.outcome is Outcome.NO_DATA
    assert _row(health)["reading"] == "no data"


def test_a_gap_in_the_watched_time_is_no_health(tmp_path: Path) -> None:
    assert _row(_recorded(tmp_path, 0.2, gap=30).function("shop", 2.0))["reading"] == "no data"


def test_a_service_without_objectives_is_an_answer_of_its_own(tmp_path: Path) -> None:
    toolbox = Toolbox()
    toolbox.register(_recorded(tmp_path, 0.2))
    call = ToolCall(
        tool="validate_service_health", arguments={"service": "mail", "duration_minutes": 1.0}
    )
    answer = toolbox.ask(call)
    assert answer.outcome is Outcome.ERROR
    assert "mail has no objective" in answer.error


def test_no_duration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be more than 0"):
        _recorded(tmp_path, 0.2).function("shop", 0.0)


# ---- execute_runbook -------------------------------------------------------------------------


def _guarded(calls: list[RunbookCall]) -> Tool:
    def run(call: RunbookCall) -> Evidence:
        calls.append(call)
        return Evidence.seal(
            kind=EvidenceKind.COMMAND,
            query="guarded",
            source="test",
            asked_at=utc_now(),
            outcome=Outcome.DATA,
            value=Text(text="asked a person"),
        )

    return execute_runbook_tool(RUNBOOKS, run)


GOOD = {"service": "shop", "from_version": "v2", "to_version": "v1"}


def test_a_checked_call_goes_the_guarded_way() -> None:
    calls: list[RunbookCall] = []
    answer = _guarded(calls).function("rollback-release", GOOD)
    assert calls == [RunbookCall(runbook_id="rollback-release", parameters=dict(GOOD))]
    assert answer.outcome is Outcome.DATA


def test_a_wrong_call_never_reaches_it() -> None:
    calls: list[RunbookCall] = []
    tool = _guarded(calls)
    with pytest.raises(NotFound):
        tool.function("rollback", GOOD)
    with pytest.raises(InputError):
        tool.function("rollback-release", GOOD | {"to_version": "v1; reboot"})
    assert calls == []


def test_it_cannot_be_asked_like_a_question() -> None:
    toolbox = Toolbox()
    toolbox.register(_guarded([]))
    with pytest.raises(GuardDenied, match="writes go through the guard"):
        toolbox.ask(ToolCall(tool="execute_runbook", arguments={"runbook_id": "rollback-release"}))
