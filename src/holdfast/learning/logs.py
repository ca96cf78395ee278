"""Counts from a service's log: exact, where counters are extrapolated."""

from __future__ import annotations

from holdfast.evidence.logs import ALL_VERSIONS
from holdfast.learning.figures import Said
from holdfast.learning.writing import Writing


def users_affected(w: Writing) -> Said | None:
    """Return how many users had a bad request; None where no log that carries users is there.

    The figure that triage measured is taken where there is one.
    """
    triage = w.case.triage
    measured = triage.impact.figures.get("users_affected") if triage else None
    counted = from_log(w, "users_affected")
    if counted is not None:
        return counted
    return w.book.adopt(measured, "count") if measured else None


def from_log(w: Writing, column: str) -> Said | None:
    """Return a count of all versions from the service's log; None where it has no log."""
    item = w.answers.get(f"log impact:{w.case.opened.service}")
    if item is None:
        return None
    return w.cell(item, "version", ALL_VERSIONS, column, "count", "")
