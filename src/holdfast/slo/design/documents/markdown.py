"""Markdown, and figures in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

_UNITS = (("d", 86_400.0), ("h", 3600.0), ("min", 60.0))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a bar in a cell is escaped."""
    lines = [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def bullets(lines: Iterable[str]) -> str:
    """Return a list; empty where there are no lines."""
    return "\n".join(f"- {line}" for line in lines)


def code(language: str, text: str) -> str:
    """Return a block of code."""
    return f"```{language}\n{text}\n```"


def page(*parts: str) -> str:
    """Return parts with an empty line between; empty ones are left out."""
    return "\n\n".join(part for part in parts if part) + "\n"


def span(seconds: float) -> str:
    """Return a length of time with three digits, for example `43.2 min`."""
    for name, size in _UNITS:
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds:.3g} s"


def moment(at: float) -> str:
    """Return a Unix time as date and minute, UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def count(events: float) -> str:
    """Return a number of events: whole, by thousands."""
    return f"{events:,.0f}"
