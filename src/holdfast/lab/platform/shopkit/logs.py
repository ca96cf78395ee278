"""JSON logs, one line an event, straight to standard output so that a crash loses none."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

from .settings import settings
from .trace import Span, current_span

Field = str | float | int | bool


def log(message: str, *, level: str = "info", span: Span | None = None, **fields: Field) -> None:
    """Write one line. Dots in field names are written as `__` in the call."""
    line: dict[str, Field] = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level,
        "message": message,
        "service.name": settings().service,
        "service.version": settings().version,
    }
    line.update(_span_fields(span or current_span()))
    line.update({name.replace("__", "."): value for name, value in fields.items()})
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def _span_fields(span: Span | None) -> dict[str, Field]:
    if span is None:
        return {}
    found = {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "user.id": span.user_id,
    }
    return {name: value for name, value in found.items() if value}
