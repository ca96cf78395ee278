"""The read tools answer with evidence that can be asked again: metrics, changes, git, logs."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.evidence.context import ToolContext
from holdfast.evidence.derive import compute
from holdfast.evidence.recorded import RecorderSource
from holdfast.evidence.redact import Redactor
from holdfast.evidence.toolbox import Toolbox
from holdfast.evidence.tools import read_tools
from holdfast.model.change import Change, ChangeType
from holdfast.model.evidence import Cell, Evidence, EvidenceKind, Outcome, Table, Text, Vector
from holdfast.model.figure import Derivation
from holdfast.model.hypothesis import Argument, ToolCall
from holdfast.model.service import LogSettings, Service, Signal
from holdfast.promql.store_writer import SampleWriter

NOW = 1_700_000_000.0


def moment(seconds_ago: float) -> datetime:
    return datetime.fromtimestamp(NOW - seconds_ago, UTC)


CHANGES = (
    Change(
        id="d2",
        type=ChangeType.DEPLOYMENT,
        service="shop",
        at=moment(60),
        finished_at=moment(50),
        from_version="v1",
        to_version="v2",
        source="log",
        actor="ci",
    ),
    Change(id="d1", type=ChangeType.DEPLOYMENT, service="other", at=moment(120), source="log"),
    Change(
        id="f1",
        type=ChangeType.FLAG,
        service="shop",
        at=moment(90),
        source="log",
        setting="new_layout",
        from_value="off",
        to_value="on",
    ),
    Change(
        id="c1",
        type=ChangeType.CONFIG,
        service="shop",
        at=moment(89),
        source="log",
        setting="API_TOKEN",
        from_value="abcdef123",
        to_value="fedcba321",
    ),
    Change(id="old", type=ChangeType.CONFIG, service="shop", at=moment(90_000), source="log"),
)


def read_changes(start: float, end: float) -> Sequence[Change]:
    return [c for c in CHANGES if start <= c.at.timestamp() <= end]


def record_metrics(folder: Path) -> None:
    writer = SampleWriter(folder, interval_seconds=1.0, retention_seconds=3600)
    ids = [
        writer.series_id({"__name__": "requests_total", "service_version": version})
        for version in ("v1", "v2")
    ]
    for second in range(-120, 1):
        writer.append("t", int(NOW + second) * 1000, ids, [10.0 * second, 30.0 * second])
    writer.close()


def write_logs(file: Path) -> None:
    lines = [
        {
            "time": moment(30 - n).isoformat(),
            "level": "error" if n == 3 else "info",
            "message": "login token=abcdef123" if n == 3 else "request",
            "trace_id": f"t{n}",
            "service.version": "v2",
            "user.id": f"u{n % 2}",
            "duration_seconds": 0.1 * n,
            "http.response.status_code": 200,
        }
        for n in range(5)
    ]
    statement = {
        "time": moment(20).isoformat(),
        "trace_id": "t1",
        "service.version": "v2",
        "db.query.text": "SELECT * FROM a WHERE b = 7",
        "duration_seconds": 0.002,
    }
    file.write_text("".join(f"{json.dumps(entry)}\n" for entry in [*lines, statement, statement]))


def make_repository(folder: Path) -> None:
    folder.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for arguments in (
        ("init", "-q"),
        ("commit", "-q", "--allow-empty", "-m", "first"),
        ("tag", "v1"),
        ("commit", "-q", "--allow-empty", "-m", "drop password=hunter2 from the docs"),
        ("tag", "v2"),
    ):
        argv = ["git", "-C", str(folder), *identity, *arguments]
        subprocess.run(argv, check=True, env=environment)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToolContext]:
    base = tmp_path_factory.mktemp("world")
    record_metrics(base / "metrics")
    write_logs(base / "shop.log")
    make_repository(base / "shop.git")
    rate = "sum by ($by) (rate(requests_total[$window]))"
    shop = Service(
        name="shop",
        repository="shop.git",
        logs=LogSettings(paths=("*.log",)),
        signals={
            Signal.REQUEST_RATE: rate,
            Signal.MEMORY_BYTES: "max(memory_bytes) + 0 * max_over_time(up[$window])",
        },
    )
    source = RecorderSource(base / "metrics")
    yield ToolContext(
        source=source,
        services={"shop": shop, "bare": Service(name="bare")},
        changes=read_changes,
        redactor=Redactor(),
        clock=lambda: datetime.fromtimestamp(NOW, UTC),
        base_folder=base,
    )
    source.close()


@pytest.fixture
def toolbox(context: ToolContext) -> Toolbox:
    toolbox = Toolbox()
    for tool in read_tools(context):
        toolbox.register(tool)
    return toolbox


def ask(toolbox: Toolbox, tool: str, **arguments: Argument) -> Evidence:
    return toolbox.ask(ToolCall(tool=tool, arguments=arguments))


def rows(evidence: Evidence) -> list[dict[str, Cell]]:
    assert isinstance(evidence.value, Table), evidence.error
    return [dict(zip(evidence.value.columns, row, strict=True)) for row in evidence.value.rows]


def test_all_names_of_the_design_are_there_typed_and_described(toolbox: Toolbox) -> None:
    fixed = {
        "prometheus_query": ["query", "time_range"],
        "prometheus_query_batch": ["queries", "time_range"],
        "get_system_health": ["service", "lookback_minutes"],
        "get_recent_deployments": ["services", "lookback_minutes"],
        "get_recent_changes": ["types", "lookback_minutes"],
        "get_deployment_diff": ["service", "from_version", "to_version"],
        "get_slow_queries": ["service"],
        "search_logs": ["service", "lookback_minutes"],
        "get_traces": ["service", "lookback_minutes"],
    }
    for name, arguments in fixed.items():
        tool = toolbox.get(name)
        assert list(inspect.signature(tool.function).parameters)[: len(arguments)] == arguments
        assert tool.effect == "read"
        assert tool.summary.endswith(".")
        assert tool.timeout_seconds > 0


def test_a_metric_is_asked_at_an_instant_or_over_a_range(toolbox: Toolbox) -> None:
    at = ask(toolbox, "prometheus_query", query="requests_total", time_range=NOW)
    assert at.kind is EvidenceKind.METRIC
    assert at.query == "requests_total"
    over = ask(toolbox, "prometheus_query", query="requests_total", time_range=(NOW - 9, NOW, 3.0))
    assert over.step_seconds == 3.0
    wrong = ask(toolbox, "prometheus_query", query="up", time_range=("1", "2"))
    assert wrong.outcome is Outcome.ERROR
    assert "neither an instant nor" in wrong.error


def test_a_batch_names_the_query_of_each_answer(toolbox: Toolbox) -> None:
    queries = ("sum(requests_total)", "count(requests_total)", "nothing")
    evidence = ask(toolbox, "prometheus_query_batch", queries=queries, time_range=NOW - 1)
    assert isinstance(evidence.value, Vector)
    assert {s.labels["__query__"]: s.value for s in evidence.value.samples} == {
        "sum(requests_total)": -40.0,
        "count(requests_total)": 2.0,
    }
    picked = Derivation(
        function="value",
        evidence_ids=("$0",),
        parameters={"label": "__query__", "equals": "count(requests_total)"},
    )
    assert compute(picked, [evidence]) == 2.0
    over = ask(toolbox, "prometheus_query_batch", queries=queries, time_range=(NOW - 2, NOW, 1.0))
    assert over.outcome is Outcome.DATA


def test_a_batch_with_a_wrong_query_is_an_error_as_a_whole(toolbox: Toolbox) -> None:
    evidence = ask(toolbox, "prometheus_query_batch", queries=("1", "sum("), time_range=NOW)
    assert evidence.outcome is Outcome.ERROR
    assert evidence.value is None
    assert evidence.error.startswith("sum(: ")
    none = ask(toolbox, "prometheus_query_batch", queries=("x", "y"), time_range=NOW)
    assert none.outcome is Outcome.NO_DATA


def test_health_lists_each_signal_per_version_and_says_what_is_not_measured(
    toolbox: Toolbox,
) -> None:
    evidence = ask(toolbox, "get_system_health", service="shop", lookback_minutes=1.0)
    found = [(r["signal"], r["version"], r["outcome"]) for r in rows(evidence)]
    assert found == [
        ("request_rate_per_second", "", "data"),
        ("request_rate_per_second", "v1", "data"),
        ("request_rate_per_second", "v2", "data"),
        ("memory_bytes", "", "no_data"),
    ]
    first = rows(evidence)[0]
    assert first["value"] == pytest.approx(40.0)
    assert "[1m]" in str(first["query"])


def test_health_of_a_service_without_data_or_signals_is_no_health(toolbox: Toolbox) -> None:
    silent = ask(toolbox, "get_system_health", service="shop", until=NOW + 3600)
    assert silent.outcome is Outcome.NO_DATA
    assert ask(toolbox, "get_system_health", service="bare").outcome is Outcome.NO_DATA


def test_deployments_are_listed_oldest_first_with_the_columns_of_a_change(
    toolbox: Toolbox,
) -> None:
    evidence = ask(toolbox, "get_recent_deployments", services=(), lookback_minutes=10.0)
    assert [row["id"] for row in rows(evidence)] == ["d1", "d2"]
    (only,) = rows(ask(toolbox, "get_recent_deployments", services=("shop",)))
    assert rows(ask(toolbox, "get_recent_deployments", services="shop")) == [only]
    assert only == {
        "id": "d2",
        "type": "deployment",
        "service": "shop",
        "predicate": "upgraded",
        "at": moment(60).isoformat(),
        "finished_at": moment(50).isoformat(),
        "from_version": "v1",
        "to_version": "v2",
        "summary": "",
        "source": "log",
        "actor": "ci",
    }


def test_changes_are_listed_by_type_and_none_is_an_answer(toolbox: Toolbox) -> None:
    told = [r["id"] for r in rows(ask(toolbox, "get_recent_changes"))]
    assert told == ["d1", "f1", "c1", "d2"]
    flags = ask(toolbox, "get_recent_changes", types=("flag",), lookback_minutes=5.0)
    (flag,) = rows(flags)
    assert (flag["setting"], flag["from_value"], flag["to_value"]) == ("new_layout", "off", "on")
    assert Change.model_validate(flag).setting == "new_layout"
    (secret,) = rows(ask(toolbox, "get_recent_changes", types=("config",), lookback_minutes=5.0))
    assert (secret["from_value"], secret["to_value"]) == (None, None)
    none = ask(toolbox, "get_recent_changes", types=("traffic",))
    assert (none.outcome, rows(none)) == (Outcome.DATA, [])
    wrong = ask(toolbox, "get_recent_changes", types=("weather",))
    assert "no type of change" in wrong.error


def test_without_a_log_of_changes_the_answer_is_an_error_not_none(context: ToolContext) -> None:
    tools = read_tools(ToolContext(source=context.source, services=context.services))
    toolbox = Toolbox()
    for tool in tools:
        toolbox.register(tool)
    evidence = ask(toolbox, "get_recent_changes")
    assert evidence.outcome is Outcome.ERROR
    assert "no source of changes" in evidence.error


def test_a_releases_diff_begins_with_its_commits_without_secrets(toolbox: Toolbox) -> None:
    evidence = ask(
        toolbox, "get_deployment_diff", service="shop", from_version="v1", to_version="v2"
    )
    assert evidence.kind is EvidenceKind.DIFF
    assert isinstance(evidence.value, Text)
    assert evidence.value.text.startswith("commit ")
    assert "drop password=REDACTED from the docs" in evidence.value.text
    gone = ask(toolbox, "get_deployment_diff", service="shop", from_version="v1", to_version="v9")
    assert "no version 'v9'" in gone.error
    bare = ask(toolbox, "get_deployment_diff", service="bare", from_version="a", to_version="b")
    assert "has no repository" in bare.error


def test_logs_are_searched_counted_grouped_and_traced(toolbox: Toolbox) -> None:
    (error,) = rows(ask(toolbox, "search_logs", service="shop", level="error"))
    assert error["message"] == "login token=REDACTED"
    (statement,) = rows(ask(toolbox, "get_slow_queries", service="shop", lookback_minutes=5.0))
    assert statement["template"] == "SELECT * FROM a WHERE b = ?"
    assert statement["executions_per_trace_max"] == 2
    traces = ask(toolbox, "get_traces", service="shop", lookback_minutes=5.0)
    assert traces.kind is EvidenceKind.TRACE
    assert rows(traces)[0]["trace_id"] == "t4"
    impact = rows(ask(toolbox, "get_request_impact", service="shop", slow_seconds=0.25))[-1]
    assert impact == {
        "version": "*",
        "requests": 5,
        "slow_requests": 2,
        "failed_requests": 0,
        "users": 2,
        "users_affected": 2,
    }


def test_a_window_without_lines_is_no_data_and_lines_without_a_match_are_data(
    toolbox: Toolbox,
) -> None:
    assert ask(toolbox, "search_logs", service="shop", text="absent").outcome is Outcome.DATA
    early = NOW - 86_400
    for tool in ("search_logs", "get_slow_queries", "get_traces", "get_request_impact"):
        assert ask(toolbox, tool, service="shop", until=early).outcome is Outcome.NO_DATA
        assert "has no logs" in ask(toolbox, tool, service="bare").error


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("get_system_health", {"service": "shop", "lookback_minutes": 1.0}),
        ("get_recent_changes", {"types": ("flag",), "lookback_minutes": 5.0}),
        ("search_logs", {"service": "shop", "lookback_minutes": 1.0, "text": "login"}),
    ],
)
def test_a_replay_asks_the_same_window_and_hears_the_same(
    toolbox: Toolbox, tool: str, arguments: dict[str, Argument]
) -> None:
    first = ask(toolbox, tool, **arguments)
    again = ask(toolbox, tool, **arguments, until=NOW)
    assert again.hash == first.hash
    assert f"until={NOW}" in first.query
    assert first.window
    assert first.window.end.timestamp() == NOW


def test_a_question_that_makes_no_sense_is_an_error(toolbox: Toolbox) -> None:
    unknown = ask(toolbox, "search_logs", service="ghost")
    assert "known: bare, shop" in unknown.error
    assert "above 0" in ask(toolbox, "search_logs", service="shop", lookback_minutes=0.0).error
    assert "at least 1" in ask(toolbox, "search_logs", service="shop", limit=0).error
