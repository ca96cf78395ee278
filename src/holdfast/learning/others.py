"""What others changed while Holdfast took no action, in the words of a report."""

from __future__ import annotations

from holdfast.learning.evidence_tables import words
from holdfast.learning.meanwhile import MEANWHILE, others_changes
from holdfast.learning.quotes import code
from holdfast.learning.writing import Writing, evidence_links
from holdfast.model.evidence import Cell, Evidence, Outcome


def changes_by_others(w: Writing) -> list[str] | None:
    """Return what others changed of the services in question, a text each; None = not known.

    Where it was not asked, nothing is on record.
    """
    answer = w.answers.get(MEANWHILE)
    if answer is None or MEANWHILE not in w.facts:
        return []
    if answer.outcome is Outcome.ERROR:
        return None
    return [_told(w, answer, change) for change in others_changes(w.case, answer)]


def _told(w: Writing, answer: Evidence, change: dict[str, Cell]) -> str:
    at = w.fact(MEANWHILE, str(change["id"]), "unix_seconds", style="clock")
    moved = _moved(w, change)
    by = f" by {words(w, str(change['actor']))}" if change["actor"] else ""
    what = f"{str(change['type']).capitalize()} {code(str(change['id']))}"
    links = evidence_links([answer.id])
    return f"{at}: {what} of {code(str(change['service']))}{moved}{by} ({links})"


def _moved(w: Writing, change: dict[str, Cell]) -> str:
    both = [change.get("from_version"), change.get("to_version")]
    setting = ""
    if not any(both) and change.get("setting"):
        setting = f" {code(str(change['setting']))}"
        both = [change.get("from_value"), change.get("to_value")]
    found = [words(w, str(value)) for value in both if value]
    return f"{setting} {' → '.join(found)}" if found else setting
