"""The incidents of a ledger, in a table or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from holdfast.catalog.config import load_config
from holdfast.errors import LedgerError, NotFound
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Ledger
from holdfast.model.base import Record, UtcTime
from holdfast.model.case import Case
from holdfast.model.incident import IncidentOutcome, Severity, Status
from holdfast.surfaces.cli.print_rows import width_of, write
from holdfast.surfaces.cli.styles import cut

_GAP = "  "
_TITLE_WIDTH = 24


class IncidentRow(Record):
    """One incident of the list."""

    id: str
    opened_at: UtcTime
    severity: Severity
    status: Status
    outcome: IncidentOutcome | None
    service: str
    title: str


@contextmanager
def open_ledger(config: Path) -> Generator[Ledger]:
    """Open the ledger of a configuration for reading and appending; it is never made here."""
    folder = load_config(config).data_folder
    if not (folder / "ledger.db").exists():
        raise NotFound(f"no incident is known in {folder}", hint="`holdfast watch` opens them")
    with closing(Ledger.at(folder)) as ledger:
        yield ledger


def print_incidents(stream: TextIO, config: Path, *, as_json: bool) -> bool:
    """Print all incidents, oldest first; return whether each could be read.

    One that cannot is said on standard error, and hides no other.
    """
    with open_ledger(config) as ledger:
        rows, problems = _rows(ledger)
    if as_json:
        for row in rows:
            print(row.model_dump_json(), file=stream)
    elif not rows:
        print("no incident so far", file=stream)
    else:
        console = Console(file=stream, highlight=False)
        write(console, *table(rows, width_of(console)))
    for problem in problems:
        print(f"holdfast: {problem}", file=sys.stderr)
    return not problems


def _rows(ledger: Ledger) -> tuple[list[IncidentRow], list[LedgerError]]:
    rows: list[IncidentRow] = []
    problems: list[LedgerError] = []
    for incident_id in ledger.incident_ids():
        try:
            rows.append(row_of(fold(ledger.events(incident_id))))
        except LedgerError as error:
            problems.append(error)
    return rows, problems


def row_of(case: Case) -> IncidentRow:
    """Return what the list says of an incident."""
    return IncidentRow(
        id=case.incident_id,
        opened_at=case.opened_at,
        severity=case.severity,
        status=case.status,
        outcome=case.outcome,
        service=case.opened.service,
        title=case.opened.title,
    )


def table(rows: list[IncidentRow], width: int) -> list[Text]:
    """Return aligned rows below a heading; titles that do not fit stand on rows of their own.

    Where the service does not fit either it is left to the title, and where not even the other
    cells do, an incident is a few short rows.
    """
    heading = ("id", "opened (UTC)", "severity", "status", "outcome", "service")
    cells = [_cells(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(heading, *cells, strict=True)]
    if _wide(widths[:-1]) > width:
        return [cut(text, width) for row in rows for text in _stacked(row)]
    shown = len(heading) if _wide(widths) <= width else len(heading) - 1
    beside = width - _wide(widths) - len(_GAP) >= _TITLE_WIDTH
    title = ("title",) if beside else ()
    texts = [_aligned((*heading[:shown], *title), widths, "bold")]
    for row, known in zip(rows, cells, strict=True):
        if beside:
            texts.append(_aligned((*known, row.title), widths, _style(row)))
        else:
            texts.append(_aligned(known[:shown], widths, _style(row)))
            texts.append(Text(f"{_GAP}{row.title}", "dim"))
    return [cut(text, width) for text in texts]


def _wide(widths: list[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _stacked(row: IncidentRow) -> list[Text]:
    _, opened, severity, status, outcome, service = _cells(row)
    ended = f" ({outcome})" if row.outcome else ""
    return [
        Text(row.id, _style(row) or "bold"),
        Text(f"{_GAP}{opened}{_GAP}{severity}{_GAP}{service}", _style(row)),
        Text(f"{_GAP}{status}{ended}", _style(row)),
        Text(f"{_GAP}{row.title}", "dim"),
    ]


def _style(row: IncidentRow) -> str:
    return "" if row.outcome is None else "dim"


def _cells(row: IncidentRow) -> tuple[str, ...]:
    outcome = row.outcome.value.replace("_", " ") if row.outcome else "-"
    opened = f"{row.opened_at:%Y-%m-%d %H:%M}"
    return (row.id, opened, row.severity.value, row.status.value, outcome, row.service)


def _aligned(cells: tuple[str, ...], widths: list[int], style: str) -> Text:
    padded = [f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=False)]
    return Text(_GAP.join((*padded, *cells[len(widths) :])).rstrip(), style)
