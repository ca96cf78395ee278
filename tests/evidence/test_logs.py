"""Logs are read by window, wherever the files are cut, and grouped into what can be asked."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from holdfast.errors import QueryRefused, SourceUnavailable
from holdfast.evidence import logs
from holdfast.evidence.log_files import lines_between
from holdfast.evidence.log_records import LogRecord, read_records
from holdfast.evidence.log_time import iso, unix_seconds
from holdfast.evidence.redact import Redactor
from holdfast.model.evidence import Cell, Table
from holdfast.model.service import LogSettings

T0 = 1_700_000_000.0


def line(at: float, **fields: object) -> str:
    return json.dumps({"time": iso(at), **{k.replace("__", "."): v for k, v in fields.items()}})


def write(file: Path, lines: list[str], changed_at: float) -> None:
    file.write_text("".join(f"{text}\n" for text in lines))
    os.utime(file, (changed_at, changed_at))


def read(pattern: Path | str, start: float, end: float, **more: str) -> list[float]:
    return [at for at, _ in lines_between([str(pattern)], "time", start, end, **more)]


def records(folder: Path, *lines: str) -> list[LogRecord]:
    write(folder / "app.log", list(lines), T0 + 1000)
    return list(read_records(LogSettings(paths=(str(folder / "*.log"),)), T0 - 1, T0 + 1000))


def dicts(table: Table) -> list[dict[str, Cell]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_exactly_the_lines_of_the_window_are_read(tmp_path: Path) -> None:
    file = tmp_path / "app.log"
    write(file, [line(T0 + n) for n in range(100)], T0 + 100)
    assert read(file, T0 + 10, T0 + 20) == [T0 + n for n in range(10, 21)]
    assert read(file, T0 - 50, T0) == [T0]
    assert read(file, T0 + 200, T0 + 300) == []


def test_lines_a_little_out_of_order_are_found(tmp_path: Path) -> None:
    file = tmp_path / "app.log"
    times = [T0, T0 + 12, T0 + 8, T0 + 15, T0 + 9, T0 + 30]
    write(file, [line(at) for at in times], T0 + 30)
    assert sorted(read(file, T0 + 8, T0 + 12)) == [T0 + 8, T0 + 9, T0 + 12]


def test_rotated_files_take_part_and_older_ones_are_not_opened(tmp_path: Path) -> None:
    write(tmp_path / "app.log.2", ["not even JSON"], T0 - 1000)
    write(tmp_path / "app.log.1", [line(T0 + n) for n in range(5)], T0 + 5)
    write(tmp_path / "app.log", [line(T0 + n) for n in range(5, 10)], T0 + 10)
    assert sorted(read(tmp_path / "app.log*", T0 + 2, T0 + 7)) == [T0 + n for n in range(2, 8)]


def test_a_line_that_is_still_being_written_and_foreign_lines_are_passed_over(
    tmp_path: Path,
) -> None:
    file = tmp_path / "app.log"
    file.write_text(f"Traceback:\n[1]\n{line(T0)}\n" + '{"no": "time"}\n' + line(T0 + 1)[:-5])
    assert read(file, T0 - 5, T0 + 5) == [T0]


def test_a_file_without_any_time_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "app.log"
    write(file, ["plain text", '{"ts": 1}'], T0)
    with pytest.raises(QueryRefused, match=r"app\.log holds no JSON lines with the field 'time'"):
        read(file, T0 - 5, T0 + 5)
    with pytest.raises(SourceUnavailable, match="no log file matches"):
        read(tmp_path / "other*.log", T0, T0 + 1)


def test_the_end_of_a_large_file_is_read_without_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "app.log"
    padding = "x" * 200
    write(file, [line(T0 + n / 100, message=padding) for n in range(200_000)], T0 + 2000)
    began = time.perf_counter()
    found = read(file, T0 + 1995, T0 + 2005)
    seconds = time.perf_counter() - began
    print(f"{len(found)} lines at the end of {file.stat().st_size / 1e6:.0f} MB: {seconds:.3f} s")
    assert len(found) == 500
    assert read(file, T0 + 1000, T0 + 1000.05) == [round(T0 + 1000 + n / 100, 2) for n in range(6)]
    assert seconds < 0.3


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2023-11-14T22:13:20Z", T0),
        ("2023-11-14T22:13:20.5+00:00", T0 + 0.5),
        ("2023-11-14T23:13:20+01:00", T0),
        ("2023-11-14T22:13:20.123456789Z", T0 + 0.123456),
        ("2023-11-14 22:13:20", T0),
        (T0, T0),
        (int(T0 * 1000), T0),
        (int(T0) * 10**9, T0),
        ("yesterday", None),
        (None, None),
        (True, None),
    ],
)
def test_times_are_read_as_text_or_unix_numbers(value: object, seconds: float | None) -> None:
    assert unix_seconds(value) == (None if seconds is None else pytest.approx(seconds, abs=1e-5))


def test_fields_are_found_by_the_names_that_are_configured(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    write(file, [json.dumps({"ts": T0, "msg": "hi", "sev": "WARN", "took": "0.5"})], T0)
    settings = LogSettings(
        paths=(str(file),),
        time_field="ts",
        message_field="msg",
        level_field="sev",
        duration_seconds_field="took",
    )
    (record,) = read_records(settings, T0 - 1, T0 + 1)
    assert (record.message, record.level, record.duration_seconds) == ("hi", "warn", 0.5)


def test_a_search_finds_the_newest_by_text_and_level_without_secrets(tmp_path: Path) -> None:
    found = records(
        tmp_path,
        line(T0, level="info", message="connected"),
        line(T0 + 1, level="error", message="Timeout with password=hunter2"),
        line(T0 + 2, level="critical", message="timeout again"),
        line(T0 + 3, level="debug", message="statement", db__query__text="SELECT 1 -- timeout"),
    )
    redactor = Redactor()
    by_text = dicts(logs.search(found, redactor, text="timeout"))
    assert [row["message"] for row in by_text] == [
        "Timeout with password=REDACTED",
        "timeout again",
        "statement: SELECT ?",
    ]
    by_level = dicts(logs.search(found, redactor, level="error"))
    assert [row["level"] for row in by_level] == ["error", "critical"]
    newest = dicts(logs.search(found, redactor, limit=1))
    assert [row["time"] for row in newest] == [iso(T0 + 3)]


def test_requests_and_affected_users_are_counted_per_version_and_in_all(tmp_path: Path) -> None:
    def request(user: str | None, version: str, seconds: float, status: int) -> str:
        return line(
            T0,
            user__id=user,
            service__version=version,
            duration_seconds=seconds,
            http__response__status_code=status,
        )

    found = records(
        tmp_path,
        request("u1", "v1", 0.1, 200),
        request("u2", "v1", 0.9, 200),
        request("u2", "v2", 0.1, 503),
        request("u3", "v2", 0.2, 404),
        request(None, "v2", 0.8, 500),
        line(T0, message="statement", db__query__text="SELECT 1", duration_seconds=9),
    )
    table = dicts(logs.requests(found, slow_seconds=0.3))
    assert [list(row.values()) for row in table] == [
        ["v1", 2, 1, 0, 2, 1],
        ["v2", 3, 1, 2, 2, 1],
        ["*", 5, 2, 2, 3, 1],
    ]
    assert logs.requests([], slow_seconds=1).rows == ()


def test_without_user_ids_the_users_affected_are_unknown_not_none(tmp_path: Path) -> None:
    found = records(tmp_path, line(T0, duration_seconds=9, http__response__status_code=200))
    row = dicts(logs.requests(found, slow_seconds=1))[-1]
    assert (row["slow_requests"], row["users"], row["users_affected"]) == (1, None, None)


def test_statements_are_grouped_by_template_and_version_per_trace(tmp_path: Path) -> None:
    def statement(trace: str, version: str, text: str, seconds: float = 0.002) -> str:
        return line(
            T0,
            trace_id=trace,
            service__version=version,
            db__query__text=text,
            duration_seconds=seconds,
        )

    n_plus_1 = [statement("b", "v2", f"SELECT * FROM orders WHERE c = {n}") for n in range(50)]
    found = records(
        tmp_path,
        statement("a", "v1", "SELECT * FROM orders WHERE c IN (1, 2)", 0.004),
        *n_plus_1,
        statement("c", "v2", "SELECT * FROM orders WHERE c = 7"),
        statement("", "v2", "SELECT * FROM orders WHERE c = 8"),
    )
    first, second = dicts(logs.statements(found, Redactor()))
    assert first == {
        "template": "SELECT * FROM orders WHERE c = ?",
        "version": "v2",
        "traces": 2,
        "executions": 52,
        "executions_per_trace_max": 50,
        "executions_per_trace_mean": 25.5,
        "seconds_mean": pytest.approx(0.002),
    }
    assert (second["version"], second["executions_per_trace_max"]) == ("v1", 1)


def test_the_templates_of_one_version_do_not_push_out_those_of_another(tmp_path: Path) -> None:
    def statement(version: str, table: str) -> str:
        return line(T0, service__version=version, db__query__text=f"SELECT * FROM {table}")

    busy = [statement("v2", f"t_{n}") for n in range(9) for _ in range(3)]
    found = records(tmp_path, *busy, statement("v1", "u"))
    table = dicts(logs.statements(found, Redactor(), limit_per_version=2))
    assert sorted(str(row["version"]) for row in table) == ["v1", "v2", "v2"]


def test_traces_are_listed_slowest_first(tmp_path: Path) -> None:
    found = records(
        tmp_path,
        line(T0, trace_id="fast", duration_seconds=0.1, http__response__status_code=200),
        line(T0 + 1, trace_id="slow", db__query__text="SELECT 1", duration_seconds=0.5),
        line(T0 + 2, trace_id="slow", db__query__text="SELECT 2", duration_seconds=0.5),
        line(T0 + 3, trace_id="slow", duration_seconds=1.2, http__response__status_code=500),
        line(T0 + 4, message="no trace"),
    )
    slow, fast = dicts(logs.traces(found))
    assert slow == {
        "trace_id": "slow",
        "started_at": iso(T0 + 1),
        "version": "",
        "lines": 3,
        "statements": 2,
        "seconds": 1.2,
        "statement_seconds": 1.0,
        "status": 500,
    }
    assert fast["trace_id"] == "fast"


def test_a_busy_minute_of_statement_logs_is_grouped_in_seconds(tmp_path: Path) -> None:
    lines = [
        line(
            T0 + n / 2000,
            level="debug",
            message="statement",
            trace_id=f"{n // 150:032x}",
            service__version="v2",
            db__query__text="SELECT orders.id FROM orders WHERE orders.customer_id = ?",
            duration_seconds=0.002,
        )
        for n in range(100_000)
    ]
    write(tmp_path / "app.log", lines, T0 + 60)
    settings = LogSettings(paths=(str(tmp_path / "app.log"),))
    began = time.perf_counter()
    found = read_records(settings, T0, T0 + 60, having="db.query.text")
    (row,) = dicts(logs.statements(found, Redactor()))
    seconds = time.perf_counter() - began
    print(f"100,000 statement lines in {seconds:.2f} s")
    assert row["executions_per_trace_max"] == 150
    assert seconds < 5
