"""What was changed while an incident lasted that ended without an action of Holdfast. Pure.

The record of changes is asked once more at the end (`questions`), as triage has seen only its
beginning; the times of what is found are a fact, so that a report can show them.
"""

from __future__ import annotations

from datetime import datetime

from holdfast.model.case import Case
from holdfast.model.evidence import Cell, Evidence, Table

MEANWHILE = "changes meanwhile"
"""The question and the fact that hold them."""

OURSELVES = "holdfast"
_COLUMNS = ("change", "unix_seconds")
_NEEDED = {"id", "service", "at", "actor", "type"}


def meanwhile_tables(case: Case, answer: Evidence | None) -> dict[str, Table]:
    """Return the fact of when each change was, where the question was asked."""
    if answer is None:
        return {}
    rows = tuple((str(c["id"]), unix_seconds(c["at"])) for c in others_changes(case, answer))
    return {MEANWHILE: Table(columns=_COLUMNS, rows=rows)}


def others_changes(case: Case, answer: Evidence) -> list[dict[str, Cell]]:
    """Return the changes after the onset, of a service in question, that were not ours."""
    table = answer.value
    if not isinstance(table, Table) or not set(table.columns) >= _NEEDED:
        return []
    triage = case.triage
    began = triage.onset if triage and triage.onset else case.opened_at
    services = {case.opened.service, *(triage.services if triage else ())}
    found = [dict(zip(table.columns, line, strict=True)) for line in table.rows]
    return [
        change
        for change in found
        if change["service"] in services
        and change["actor"] != OURSELVES
        and unix_seconds(change["at"]) > began.timestamp()
    ]


def unix_seconds(at: Cell) -> float:
    """Return the Unix time of an RFC 3339 text, as change tables hold it."""
    return datetime.fromisoformat(str(at)).timestamp()
