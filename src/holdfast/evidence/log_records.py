"""One log line as a record: the fields that a question can be asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from holdfast.evidence.log_files import LogLine, lines_between
from holdfast.model.service import LogSettings


@dataclass(frozen=True, slots=True)
class LogRecord:
    """Empty text and None = the line does not carry the field. `at` is Unix seconds."""

    at: float
    level: str
    message: str
    trace_id: str
    version: str
    user: str
    statement: str
    duration_seconds: float | None
    status: int | None

    @property
    def is_request(self) -> bool:
        """Whether it tells of one handled request: it has a status and no statement."""
        return self.status is not None and not self.statement


def read_records(
    settings: LogSettings, start: float, end: float, *, having: str = ""
) -> Iterator[LogRecord]:
    """Yield the records of a window (Unix seconds), as written: redact before showing them.

    With `having`, only lines that carry that field. Raises as `lines_between`.
    """
    to_record = _reader(settings)
    lines = lines_between(settings.paths, settings.time_field, start, end, having=having)
    for at, line in lines:
        yield to_record(at, line)


def _reader(s: LogSettings) -> Callable[[float, LogLine], LogRecord]:
    def to_record(at: float, line: LogLine) -> LogRecord:
        return LogRecord(
            at=at,
            level=_text(line.get(s.level_field)).lower(),
            message=_text(line.get(s.message_field)),
            trace_id=_text(line.get(s.trace_field)),
            version=_text(line.get(s.version_field)),
            user=_text(line.get(s.user_field)),
            statement=_text(line.get(s.statement_field)),
            duration_seconds=_number(line.get(s.duration_seconds_field)),
            status=_whole(line.get(s.status_field)),
        )

    return to_record


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _whole(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number)
