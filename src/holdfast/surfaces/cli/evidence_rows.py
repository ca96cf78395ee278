"""Reads rows of tables of evidence for the terminal. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from holdfast.learning.formats import NO_DATA
from holdfast.model.evidence import Cell, Evidence, Table


@dataclass(frozen=True, slots=True)
class RowOf:
    """A row of a table, by column."""

    cells: dict[str, Cell]

    def text(self, column: str) -> str:
        """Return a cell as text; empty where there is none."""
        found = self.cells.get(column)
        return "" if found is None else str(found)

    def said(self, column: str, style: Callable[[float], str]) -> str:
        """Return a number in its format; `no data` where there is none."""
        found = self.cells.get(column)
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        return style(float(found)) if is_number and found is not None else NO_DATA


def rows_of(evidence: Iterable[Evidence], *columns: str) -> list[RowOf]:
    """Return the rows of the last table among the evidence that has these columns."""
    tables = [
        item.value
        for item in evidence
        if isinstance(item.value, Table) and set(columns) <= set(item.value.columns)
    ]
    if not tables:
        return []
    table = tables[-1]
    return [RowOf(dict(zip(table.columns, line, strict=True))) for line in table.rows]
