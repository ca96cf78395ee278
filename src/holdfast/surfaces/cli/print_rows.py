"""Prints rows as a person reads them: within a terminal's width, or one a line in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from holdfast.ledger.fold import fold
from holdfast.model.base import utc_now
from holdfast.model.case import Case
from holdfast.model.event import Event
from holdfast.surfaces.cli.phases import detected_at
from holdfast.surfaces.cli.render import render_all
from holdfast.surfaces.cli.styles import TONES, since, styled, wrap
from holdfast.surfaces.cli.summary import SummaryRow, summary

_HEADING_WIDTH = 9
_PIPE_WIDTH = 100_000


def width_of(console: Console) -> int:
    """Return the terminal's width; a pipe has none, so that nothing is wrapped."""
    return console.width if console.is_terminal else _PIPE_WIDTH


def print_summary(console: Console, case: Case, events: Sequence[Event], now: datetime) -> None:
    """Print what the incident came to."""
    title = f"{case.severity} {case.opened.service} · {case.incident_id}"
    if case.opened.laboratory:
        title += " · laboratory"
    rule = Text("── ", "dim").append(title, "bold").append(" ")
    if console.is_terminal:
        rule.append("─" * max(0, console.width - rule.cell_len), "dim")
    write(console, Text(), rule)
    for row in summary(case, events, now, Path.cwd()):
        write(console, *_summary_texts(row, width_of(console)))


def print_incident(stream: TextIO, events: Sequence[Event]) -> None:
    """Print all that the ledger tells of an incident, then what it came to."""
    console = Console(file=stream, highlight=False)
    case = fold(events)
    for entry, lines in render_all(tuple(events)):
        clock = since(detected_at(case), entry.at)
        for line in lines:
            write(console, *styled(line, clock, width_of(console)))
    print_summary(console, case, events, utc_now())


def write(console: Console, *rows: Text) -> None:
    """Print rows as they are."""
    for row in rows:
        row.rstrip()
        console.print(row, soft_wrap=True, highlight=False)


def _summary_texts(row: SummaryRow, width: int) -> list[Text]:
    indent = " " * (_HEADING_WIDTH + 2)
    texts: list[Text] = []
    for text in row.texts:
        parts = [text] if row.whole else wrap(text, width - len(indent) - 2)
        for place, part in enumerate(parts):
            style = TONES[row.tone] if not texts else ""
            texts.append(Text(indent).append("  " * bool(place)).append(part, style))
    heading = Text(f" {row.heading:<{_HEADING_WIDTH}} ", "bold")
    return [heading.append_text(texts[0][len(indent) :]), *texts[1:]]
