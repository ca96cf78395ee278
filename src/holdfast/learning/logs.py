"""Users affected, counted from logs where their lines carry a user."""

from __future__ import annotations

from holdfast.learning.figures import Said
from holdfast.learning.writing import Writing
from holdfast.model.evidence import Table


def users_affected(w: Writing) -> Said | None:
    """Return how many users had a bad request; None where no log that carries users is there.

    The figure that triage measured is taken where there is one.
    """
    triage = w.case.triage
    measured = triage.impact.figures.get("users_affected") if triage else None
    item = w.answers.get(f"logs:{w.case.opened.service}")
    if item is not None and isinstance(item.value, Table) and "users" in item.value.columns:
        return w.book.of("column_total", item, style="count", column="users")
    return w.book.adopt(measured, "count") if measured else None
