"""Shows a table of evidence in a report: each number a figure, each text as it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from holdfast.errors import EvidenceError
from holdfast.learning.numerals import is_quantity
from holdfast.learning.quotes import code, names_of, prepared
from holdfast.learning.writing import Writing, header, row
from holdfast.model.case import Case
from holdfast.model.evidence import Cell, Evidence, Table
from holdfast.model.lesson import Paragraph

NOTHING = "—"


@dataclass(frozen=True)
class Column:
    """A column of evidence under a title. `style` and `unit` are those of its numbers.

    `is_name`: its texts are names, written as code and cut to `most` characters where that is set.
    """

    name: str
    title: str
    style: str = "number"
    unit: str = ""
    is_name: bool = False
    most: int | None = None


def table_of(case: Case, ids: Iterable[str], *columns: str) -> Evidence | None:
    """Return the last evidence among these that is a table with these columns."""
    found = [
        item
        for i in ids
        if (item := case.evidence.get(i)) is not None
        and isinstance(item.value, Table)
        and set(columns) <= set(item.value.columns)
    ]
    return found[-1] if found else None


def shown(
    w: Writing,
    item: Evidence,
    columns: Sequence[Column],
    *,
    wanted: Callable[[str], bool] = lambda _: True,
) -> list[Paragraph]:
    """Return the rows as a table; the evidence's first column is the key. None where it has none.

    Columns that the evidence does not have are left out.
    """
    table = item.value
    if not isinstance(table, Table):
        return []
    present = [column for column in columns if column.name in table.columns]
    rows = [
        row(*(_cell(w, item, table, line, column) for column in present))
        for line in table.rows
        if wanted(str(line[0]))
    ]
    return [header(*(column.title for column in present)), *rows] if rows else []


def _cell(w: Writing, item: Evidence, table: Table, line: tuple[Cell, ...], column: Column) -> str:
    value = line[table.columns.index(column.name)]
    match value:
        case None | "":
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case str() if column.is_name:
            return words(w, value[: column.most], is_name=True)
        case str():
            return words(w, value)
        case _:
            return _number(w, item, table, line[0], column)


def _number(w: Writing, item: Evidence, table: Table, key: Cell, column: Column) -> str:
    try:
        said = w.cell(item, table.columns[0], str(key), column.name, column.style, column.unit)
    except EvidenceError:  # two rows of one name: the evidence itself tells them apart
        return NOTHING
    return str(said)


def words(w: Writing, text: str, *, is_name: bool = False) -> str:
    """Return a text of evidence: as code where it has digits, which are then nobody's figures."""
    if not is_name and not any(character.isdigit() for character in text):
        return prepared(text.replace("_", " "), ())
    bare = is_quantity(text) and text.strip() not in names_of(w.case)
    return code(f"“{text}”" if bare else text)
