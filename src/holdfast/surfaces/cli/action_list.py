"""Action items of all incidents: listed, and closed by a person."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from holdfast.errors import InputError, LedgerError, NotFound
from holdfast.learning.item_checks import is_overdue
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Ledger
from holdfast.model.base import Record, utc_now
from holdfast.model.case import Case
from holdfast.model.event import ActionItemClosed
from holdfast.model.lesson import ActionItem
from holdfast.surfaces.cli.incident_list import open_ledger
from holdfast.surfaces.cli.print_rows import width_of, write
from holdfast.surfaces.cli.styles import wrap

_INDENT = "  "


class ItemRow(Record):
    """One item of the list."""

    incident_id: str
    item: ActionItem
    overdue: bool


@dataclass(frozen=True)
class Cases:
    """Incidents whose items are looked at, oldest first, and those that cannot be read."""

    cases: tuple[Case, ...]
    problems: tuple[str, ...]


def read_cases(ledger: Ledger, incident: str) -> Cases:
    """Return one incident, or all of them where none is named."""
    ids = (ledger.find(incident),) if incident else ledger.incident_ids()
    cases: list[Case] = []
    problems: list[str] = []
    for incident_id in ids:
        try:
            cases.append(fold(ledger.events(incident_id)))
        except LedgerError as error:
            problems.append(str(error))
    return Cases(tuple(cases), tuple(problems))


def list_items(
    stream: TextIO, config: Path, incident: str, *, open_only: bool, as_json: bool
) -> bool:
    """Print the items; return whether each incident could be read."""
    with open_ledger(config) as ledger:
        found = read_cases(ledger, incident)
    rows = list(_rows(found.cases, utc_now().date(), open_only=open_only))
    if as_json:
        for row in rows:
            print(row.model_dump_json(), file=stream)
    elif not rows:
        print("no action item" + (" is open" if open_only else " so far"), file=stream)
    else:
        console = Console(file=stream, highlight=False)
        write(console, *item_texts(rows, width_of(console)))
    tell(found.problems)
    return not found.problems


def close_item(config: Path, wanted: str, person: str, note: str) -> str:
    """Put on record that a person says an item is done; return what was recorded."""
    if not note.strip():
        raise InputError("an item is closed with a note", hint="--note says what shows it")
    with open_ledger(config) as ledger:
        incident_id, item = _find(read_cases(ledger, "").cases, wanted)
        if item.status == "done":
            raise InputError(f"{item.id} is done already: {item.title}")
        closed = ActionItemClosed(item_id=item.id, note=note)
        ledger.append(incident_id, [(f"action-item:{item.id}:closed", closed)], actor=person)
    return f"on record: {person} says that it is done: {item.title}"


def tell(problems: Iterable[str]) -> None:
    """Say on standard error what could not be read."""
    for problem in problems:
        print(f"holdfast: {problem}", file=sys.stderr)


def item_texts(rows: Iterable[ItemRow], width: int) -> list[Text]:
    """Return the items below their incidents, each with its owner, day and closing check."""
    texts: list[Text] = []
    incident = ""
    for row in rows:
        if row.incident_id != incident:
            incident = row.incident_id
            texts.append(Text(incident, "bold"))
        texts += _item(row, width)
    return texts


def state_of(item: ActionItem, *, overdue: bool) -> tuple[str, str]:
    """Return the word for how an item stands, and its style."""
    if item.status == "done":
        return "done", "green"
    return ("overdue", "bold red") if overdue else ("open", "yellow")


def _item(row: ItemRow, width: int) -> list[Text]:
    item = row.item
    word, style = state_of(item, overdue=row.overdue)
    head = Text(f"{_INDENT}{word:<8}", style).append(f"{item.id}  {item.type}", "")
    about = f"owner {item.owner}, due {item.due.isoformat()}"
    said = (item.title, about, f"closed when: {item.check}")
    inside = max(20, width - 2 * len(_INDENT))
    below = [Text(2 * _INDENT + part) for text in said for part in wrap(text, inside)]
    for text in below[-len(wrap(said[-1], inside)) :]:
        text.stylize("dim")
    return [head, *below]


def _rows(cases: Iterable[Case], today: date, *, open_only: bool) -> Iterator[ItemRow]:
    for case in cases:
        for item in case.action_items:
            if item.status == "open" or not open_only:
                yield ItemRow(
                    incident_id=case.incident_id, item=item, overdue=is_overdue(item, today)
                )


def _find(cases: Iterable[Case], wanted: str) -> tuple[str, ActionItem]:
    items = [(case.incident_id, item) for case in cases for item in case.action_items]
    found = [one for one in items if one[1].id == wanted] or [
        one for one in items if wanted in one[1].id
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(f"no action item matches {wanted!r}", hint="`holdfast actions` lists them")
    raise NotFound(
        f"{len(found)} action items match {wanted!r}",
        hint=f"give more of its id, for example {found[-1][1].id}",
    )
