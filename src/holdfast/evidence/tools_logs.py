"""Read tools over a service's JSON logs."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.errors import InputError, NotFound
from holdfast.evidence import logs
from holdfast.evidence.context import Span, ToolContext, look_back, seal
from holdfast.evidence.log_records import LogRecord, read_records
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome, Table
from holdfast.model.hypothesis import Argument
from holdfast.model.service import LogSettings


class LogTools:
    """The tools' functions over one context.

    A window without any line of the kind asked for is no data; lines of which none matches a
    search are data: an empty table.
    """

    def __init__(self, context: ToolContext) -> None:
        self._context = context

    def search_logs(
        self,
        service: str,
        lookback_minutes: float = 10.0,
        text: str = "",
        level: str = "",
        limit: int = 100,
        until: float | None = None,
    ) -> Evidence:
        """Find the newest lines with `text` in them, at `level` or worse; secrets are taken out."""
        if limit < 1:
            raise InputError(f"limit is {limit}; it must be at least 1")
        span, records = self._records(service, lookback_minutes, until)
        table = logs.search(records, self._context.redactor, text=text, level=level, limit=limit)
        asked: dict[str, Argument] = {
            **_asked(service, lookback_minutes),
            "text": text,
            "level": level,
            "limit": limit,
        }
        return self._sealed("search_logs", asked, span, table, any_lines=bool(records))

    def get_slow_queries(
        self, service: str, lookback_minutes: float = 10.0, until: float | None = None
    ) -> Evidence:
        """Group database statements by template and version, with executions per trace."""
        span, records = self._records(
            service, lookback_minutes, until, having=self._logs(service).statement_field
        )
        table = logs.statements(records, self._context.redactor)
        asked = _asked(service, lookback_minutes)
        return self._sealed("get_slow_queries", asked, span, table, any_lines=bool(table.rows))

    def get_traces(
        self,
        service: str,
        lookback_minutes: float = 10.0,
        limit: int = 100,
        until: float | None = None,
    ) -> Evidence:
        """Group log lines by trace id, the slowest traces first, as far as the logs carry it."""
        span, records = self._records(
            service, lookback_minutes, until, having=self._logs(service).trace_field
        )
        table = logs.traces(records, limit=limit)
        asked: dict[str, Argument] = {**_asked(service, lookback_minutes), "limit": limit}
        any_lines = bool(table.rows)
        return self._sealed(
            "get_traces", asked, span, table, any_lines=any_lines, kind=EvidenceKind.TRACE
        )

    def get_request_impact(
        self,
        service: str,
        lookback_minutes: float = 10.0,
        slow_seconds: float = 1.0,
        until: float | None = None,
    ) -> Evidence:
        """Count requests, slow and failed ones, and users affected: per version, and all (`*`)."""
        span, records = self._records(
            service, lookback_minutes, until, having=self._logs(service).status_field
        )
        table = logs.requests(records, slow_seconds=slow_seconds)
        asked: dict[str, Argument] = {
            **_asked(service, lookback_minutes),
            "slow_seconds": slow_seconds,
        }
        return self._sealed("get_request_impact", asked, span, table, any_lines=bool(table.rows))

    def _logs(self, service: str) -> LogSettings:
        found = self._context.service(service).logs
        if found is None:
            raise NotFound(f"{service} has no logs", hint="services[].logs in holdfast.yaml")
        base = self._context.base_folder
        return found.model_copy(update={"paths": tuple(str(base / path) for path in found.paths)})

    def _records(
        self, service: str, lookback_minutes: float, until: float | None, *, having: str = ""
    ) -> tuple[Span, list[LogRecord]]:
        span = look_back(self._context, lookback_minutes, until)
        records: Iterable[LogRecord] = read_records(
            self._logs(service), span.start, span.end, having=having
        )
        return span, list(records)

    def _sealed(
        self,
        tool: str,
        asked: dict[str, Argument],
        span: Span,
        table: Table,
        *,
        any_lines: bool,
        kind: EvidenceKind = EvidenceKind.LOG,
    ) -> Evidence:
        return seal(
            self._context,
            tool,
            asked,
            kind=kind,
            source=f"logs {', '.join(self._logs(str(asked['service'])).paths)}",
            value=table,
            outcome=Outcome.DATA if any_lines else Outcome.NO_DATA,
            span=span,
        )


def _asked(service: str, lookback_minutes: float) -> dict[str, Argument]:
    return {"service": service, "lookback_minutes": lookback_minutes}
