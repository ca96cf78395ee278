"""Action items, and the evidence: what was missing and how to ask again."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.learning.quotes import code
from holdfast.learning.sections.root_cause import case_gaps
from holdfast.learning.writing import Writing, bullet, header, row, text
from holdfast.model.evidence import Evidence, Outcome
from holdfast.model.lesson import ActionItem, Paragraph, Section

_LONGEST_QUERY = 160


def action_items_section(w: Writing) -> Section:
    """List the work that is left."""
    if not w.case.action_items:
        return Section(title="Action items", paragraphs=(text("None was filed."),))
    head = header("Type", "Action item", "Owner", "Due", "Closed by")
    rows = [_item(w, item) for item in w.case.action_items]
    return Section(title="Action items", paragraphs=(head, *rows))


def evidence_section(w: Writing, used: Sequence[Evidence]) -> Section:
    """Say which gaps there are, and where each evidence came from."""
    gaps = [bullet(w.quote(gap)) for gap in case_gaps(w)]
    gaps += [bullet(_unanswered(w, item)) for item in used if item.outcome is not Outcome.DATA]
    found = [text("What could not be asked or had no answer:"), *gaps]
    if not gaps:
        found = [text("Everything that was asked had an answer.")]
    found.append(
        text(
            "All evidence is kept beside this file in `evidence.jsonl`, the ledger in "
            "`ledger.jsonl`. `holdfast verify` on this file computes every figure again; with "
            "`--live` it asks the sources again. By hand: send a query to its source for the "
            "window given."
        )
    )
    head = header("Evidence", "Kind", "Answer", "Question", "Source")
    return Section(title="Evidence", paragraphs=(*found, head, *(_evidence_row(i) for i in used)))


def _item(w: Writing, item: ActionItem) -> Paragraph:
    due = w.fact("action items", item.id, "due", style="date")
    return row(item.type, w.quote(item.title), w.quote(item.owner), str(due), w.quote(item.check))


def _unanswered(w: Writing, item: Evidence) -> str:
    failed = code(f"error: {item.error}") if item.error else "error"
    word = "no data" if item.outcome is Outcome.NO_DATA else failed
    name = next((n for n, a in w.answers.items() if a.id == item.id), None)
    about = f" ({code(name)})" if name else ""
    return f"[{code(item.id)}](#{item.id}){about}: {word}"


def _evidence_row(item: Evidence) -> Paragraph:
    anchor = f'<a id="{item.id}"></a>{code(item.id)}'
    window = ""
    if item.window:
        times = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (item.window.start, item.window.end))
        window = f" over {code('/'.join(times))}"
    query = item.query if len(item.query) <= _LONGEST_QUERY else item.query[:_LONGEST_QUERY] + "…"
    answer = item.outcome.value.replace("_", " ")
    asked = f"{item.source}, asked at {item.asked_at:%Y-%m-%dT%H:%M:%SZ}"
    return row(anchor, item.kind.value, answer, f"{code(query)}{window}", code(asked))
