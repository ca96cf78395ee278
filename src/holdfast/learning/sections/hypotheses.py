"""Hypotheses considered, the refuted ones too, each with the test that decided it."""

from __future__ import annotations

from holdfast.learning.quotes import code
from holdfast.learning.sections.root_cause import reading
from holdfast.learning.writing import Writing, header, row, text
from holdfast.model.hypothesis import Hypothesis, HypothesisStatus
from holdfast.model.lesson import Paragraph, Section

_ORDER = (
    HypothesisStatus.SUPPORTED,
    HypothesisStatus.SUSPECTED,
    HypothesisStatus.REFUTED,
    HypothesisStatus.UNRESOLVED,
    HypothesisStatus.OPEN,
)


def hypotheses(w: Writing) -> Section:
    """List every explanation that was weighed."""
    known = sorted(w.case.hypotheses.values(), key=lambda h: (_ORDER.index(h.status), h.id))
    if not known:
        return Section(title="Hypotheses considered", paragraphs=(text("None was proposed."),))
    said = "Each prediction was on record before its query was asked."
    head = header("Hypothesis", "Mechanism", "Status", "Confidence", "Decided by")
    rows = [_row(w, hypothesis) for hypothesis in known]
    return Section(title="Hypotheses considered", paragraphs=(text(said), head, *rows))


def _row(w: Writing, hypothesis: Hypothesis) -> Paragraph:
    confidence = w.fact("hypotheses", hypothesis.id, "confidence", style="percent")
    return row(
        w.quote(hypothesis.statement),
        code(hypothesis.mechanism),
        hypothesis.status.value,
        str(confidence),
        _decided(w, hypothesis),
    )


def _decided(w: Writing, hypothesis: Hypothesis) -> str:
    deciding = hypothesis.supports
    if hypothesis.status is HypothesisStatus.REFUTED:
        deciding = hypothesis.contradicts
    found = [reading(w, test_id) for test_id in deciding]
    found += [f"gap: {w.quote(gap)}" for gap in hypothesis.gaps if not deciding]
    return "; ".join(found) or "no test decided it"
