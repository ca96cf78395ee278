"""What a service's logs say: matching lines, requests, statements per trace, traces. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from holdfast.evidence.log_records import LogRecord
from holdfast.evidence.log_time import iso
from holdfast.evidence.redact import Redactor
from holdfast.evidence.statements import template_of
from holdfast.model.evidence import Cell, Table

ALL_VERSIONS = "*"
"""The row of `requests` that counts all versions together."""

_LEVELS = {"trace": 0, "debug": 1, "info": 2, "notice": 2, "warning": 3, "warn": 3, "error": 4}
_WORST_LEVEL = 5  # critical, fatal and whatever else a logger calls it

FAILED_FROM_STATUS = 500


def search(
    records: Iterable[LogRecord],
    redactor: Redactor,
    *,
    text: str = "",
    level: str = "",
    limit: int = 100,
) -> Table:
    """Return the newest matching lines, oldest first: `text` anywhere in message or statement.

    `level` is the lowest that counts; a line without a level counts as info.
    """
    wanted, lowest = text.lower(), _rank(level) if level else 0
    found = [r for r in records if _rank(r.level) >= lowest and _mentions(r, wanted)]
    found.sort(key=lambda r: r.at)
    columns = ("time", "level", "version", "trace_id", "message", "duration_seconds", "status")
    rows = [
        (
            iso(r.at),
            r.level,
            r.version,
            r.trace_id,
            redactor.text(_said(r)),
            r.duration_seconds,
            r.status,
        )
        for r in found[-limit:]
    ]
    return Table(columns=columns, rows=tuple(rows))


def _rank(level: str) -> int:
    return _LEVELS.get(level.lower() or "info", _WORST_LEVEL)


def _mentions(record: LogRecord, wanted: str) -> bool:
    return wanted in record.message.lower() or wanted in record.statement.lower()


def _said(record: LogRecord) -> str:
    """Return the message; a statement is shown by its template: its values may be anybody's."""
    if not record.statement:
        return record.message
    return f"{record.message}: {template_of(record.statement)}"


@dataclass
class _Requests:
    requests: int = 0
    slow: int = 0
    failed: int = 0
    users: set[str] = field(default_factory=set[str])
    affected: set[str] = field(default_factory=set[str])

    def add(self, record: LogRecord, slow_seconds: float) -> None:
        slow = record.duration_seconds is not None and record.duration_seconds > slow_seconds
        failed = record.status is not None and record.status >= FAILED_FROM_STATUS
        self.requests += 1
        self.slow += slow
        self.failed += failed
        if record.user:
            self.users.add(record.user)
            if slow or failed:
                self.affected.add(record.user)

    def row(self, version: str) -> tuple[Cell, ...]:
        known = bool(self.users)
        return (
            *(version, self.requests, self.slow, self.failed),
            *(len(self.users) if known else None, len(self.affected) if known else None),
        )


def requests(records: Iterable[LogRecord], *, slow_seconds: float) -> Table:
    """Return a row a version, and one (`*`) for all: requests, slow, failed (5xx), users, affected.

    A user is affected by at least one slow or failed request. Where no request names a user, both
    counts of users are empty: no data.
    """
    per_version: dict[str, _Requests] = defaultdict(_Requests)
    everything = _Requests()
    for record in records:
        if record.is_request:
            per_version[record.version].add(record, slow_seconds)
            everything.add(record, slow_seconds)
    rows = [per_version[version].row(version) for version in sorted(per_version)]
    if rows:
        rows.append(everything.row(ALL_VERSIONS))
    columns = (
        *("version", "requests", "slow_requests", "failed_requests"),
        *("users", "users_affected"),
    )
    return Table(columns=columns, rows=tuple(rows))


@dataclass
class _Statements:
    executions: int = 0
    seconds: float = 0.0
    timed: int = 0
    per_trace: Counter[str] = field(default_factory=Counter[str])

    def add(self, record: LogRecord) -> None:
        self.executions += 1
        if record.trace_id:
            self.per_trace[record.trace_id] += 1
        if record.duration_seconds is not None:
            self.timed += 1
            self.seconds += record.duration_seconds

    def row(self, template: str, version: str) -> tuple[Cell, ...]:
        counts = self.per_trace.values()
        return (
            *(template, version, len(counts), self.executions),
            *((max(counts), sum(counts) / len(counts)) if counts else (None, None)),
            self.seconds / self.timed if self.timed else None,
        )


def statements(
    records: Iterable[LogRecord], redactor: Redactor, *, limit_per_version: int = 50
) -> Table:
    """Return a row per template and version; those that took longest in total come first.

    `executions` counts all; the two per-trace columns count only those that carry a trace id.
    """
    groups: dict[tuple[str, str], _Statements] = defaultdict(_Statements)
    for record in records:
        if record.statement:
            groups[template_of(record.statement), record.version].add(record)
    kept: Counter[str] = Counter()
    rows: list[tuple[Cell, ...]] = []
    ordered = sorted(groups.items(), key=lambda g: (-g[1].seconds, -g[1].executions, g[0]))
    for (template, version), group in ordered:
        kept[version] += 1
        if kept[version] <= limit_per_version:
            rows.append(group.row(redactor.text(template), version))
    columns = (
        *("template", "version", "traces", "executions"),
        *("executions_per_trace_max", "executions_per_trace_mean", "seconds_mean"),
    )
    return Table(columns=columns, rows=tuple(rows))


def traces(records: Iterable[LogRecord], *, limit: int = 100) -> Table:
    """Return a row per trace id, the slowest first, as far as the logs carry it.

    `seconds` is the longest duration among its lines that are no statements; `statement_seconds`
    the sum over its statements.
    """
    groups: dict[str, list[LogRecord]] = defaultdict(list)
    for record in records:
        if record.trace_id:
            groups[record.trace_id].append(record)
    rows = [_trace_row(trace_id, lines) for trace_id, lines in groups.items()]
    rows.sort(key=lambda row: (-(row[5] or 0.0), row[0]))
    columns = (
        *("trace_id", "started_at", "version", "lines", "statements"),
        *("seconds", "statement_seconds", "status"),
    )
    return Table(columns=columns, rows=tuple(rows[:limit]))


_TraceRow = tuple[str, str, str, int, int, float | None, float, int | None]


def _trace_row(trace_id: str, lines: list[LogRecord]) -> _TraceRow:
    spans = [line.duration_seconds for line in lines if not line.statement]
    run = [line for line in lines if line.statement]
    return (
        trace_id,
        iso(min(line.at for line in lines)),
        next((line.version for line in lines if line.version), ""),
        len(lines),
        len(run),
        max((seconds for seconds in spans if seconds is not None), default=None),
        sum(line.duration_seconds or 0.0 for line in run),
        max((line.status for line in lines if line.status is not None), default=None),
    )
