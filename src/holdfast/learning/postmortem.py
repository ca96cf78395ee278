"""Writes the post-mortem: Google's template plus contributing factors, every numeral a figure.

The order of work at an incident's end (each step a pure function of the ledger, then appended):
`action_items.derive_items` → `ledger_evidence.facts` and the answers to `questions.questions`
(appended by `ledger_evidence.entries`) → `compose` → `keep.keep`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.learning.cause import cause_of
from holdfast.learning.charts import digest, draw_charts
from holdfast.learning.figures import FigureBook, placeholders, renumber
from holdfast.learning.ledger_evidence import gathered
from holdfast.learning.numerals import bare_numerals
from holdfast.learning.quotes import Quoter, names_of, prepared
from holdfast.learning.sections.detection import detection
from holdfast.learning.sections.fix import permanent_fix
from holdfast.learning.sections.followup import action_items_section, evidence_section
from holdfast.learning.sections.hypotheses import hypotheses
from holdfast.learning.sections.impact import impact
from holdfast.learning.sections.lessons import lessons
from holdfast.learning.sections.prevention import prevention
from holdfast.learning.sections.proof import proof
from holdfast.learning.sections.resolution import resolution
from holdfast.learning.sections.root_cause import contributing_factors, root_cause, trigger
from holdfast.learning.sections.summary import summary
from holdfast.learning.sections.timeline import timeline
from holdfast.learning.writing import Writing
from holdfast.ledger.fold import fold
from holdfast.model.case import Case
from holdfast.model.config import Config
from holdfast.model.event import Event, PostmortemWritten
from holdfast.model.evidence import Evidence
from holdfast.model.figure import Figure
from holdfast.model.lesson import Paragraph, Postmortem, Section


@dataclass(frozen=True)
class Composed:
    """A report and its charts (path in the incident's folder → SVG)."""

    postmortem: Postmortem
    charts: Mapping[str, str]


def compose(events: Sequence[Event], config: Config) -> Composed:
    """Return the report that the ledger's events tell, facts and answers read from among them.

    What stands behind a report's own entry does not change it: a resumed worker composes the
    same one again.
    """
    own = [at for at, e in enumerate(events) if isinstance(e.payload, PostmortemWritten)]
    before = events[: own[-1]] if own else events
    case, kept = fold(before), gathered(before)
    report = write(case, before, config, facts=kept.facts, answers=kept.answers)
    drawn = draw_charts(case, config, kept.answers)
    return Composed(report, {path: svg for path, (_, svg) in drawn.items()})


_LINK = re.compile(r"\]\(#(ev-[^)]+)\)")


def write(
    case: Case,
    events: Sequence[Event],
    config: Config,
    *,
    facts: Mapping[str, Evidence],
    answers: Mapping[str, Evidence],
) -> Postmortem:
    """Return the post-mortem. `facts` and `answers` as `gathered(events)` reads them back.

    The same inputs give the same bytes. Raises EvidenceError where a figure cannot be computed.
    """
    evidence = _all_evidence(case, facts, answers)
    book = FigureBook(evidence)
    writing = _writing(case, events, config, facts, answers, book)
    sections = _sections(writing)
    used = _used(sections, book.figures, evidence)
    sections = [*sections, evidence_section(writing, [evidence[i] for i in used])]
    shown, figures = _numbered(sections, book.figures)
    return Postmortem(
        incident_id=case.incident_id,
        title=_title(case),
        written_at=case.last_event_at,
        sections=tuple(shown),
        figures=figures,
        action_items=case.action_items,
        evidence_hashes={i: item.hash for i, item in sorted(evidence.items())},
    )


def texts_of(section: Section) -> list[str]:
    """Return all prose of a section, in order; code blocks are no prose."""
    return [t for p in section.paragraphs if p.kind != "code" for t in prose_of(p)]


def prose_of(paragraph: Paragraph) -> tuple[str, ...]:
    """Return a paragraph's prose: its text, and its cells where it is a row."""
    rows = paragraph.kind in ("row", "header_row")
    return (*paragraph.cells,) if rows else (paragraph.text,)


def _all_evidence(
    case: Case, facts: Mapping[str, Evidence], answers: Mapping[str, Evidence]
) -> dict[str, Evidence]:
    named = {item.id: item for item in (*facts.values(), *answers.values())}
    return {**case.evidence, **named}


def _writing(
    case: Case,
    events: Sequence[Event],
    config: Config,
    facts: Mapping[str, Evidence],
    answers: Mapping[str, Evidence],
    book: FigureBook,
) -> Writing:
    quotes = [facts["quotations"], facts["configured texts"]]
    return Writing(
        case=case,
        events=events,
        config=config,
        facts=facts,
        answers=answers,
        book=book,
        quote=Quoter(book, names_of(case), quotes),
        cause=cause_of(case),
    )


def _sections(w: Writing) -> list[Section]:
    drawn = draw_charts(w.case, w.config, w.answers)
    charts = {title: (path, digest(svg)) for path, (title, svg) in drawn.items()}
    after = [found for section in (permanent_fix, proof, prevention) if (found := section(w))]
    return [
        summary(w),
        impact(w, charts),
        trigger(w),
        root_cause(w),
        contributing_factors(w),
        detection(w),
        resolution(w),
        *after,
        hypotheses(w),
        timeline(w),
        *lessons(w),
        action_items_section(w),
    ]


def _used(
    sections: Sequence[Section], figures: Sequence[Figure], evidence: Mapping[str, Evidence]
) -> list[str]:
    """Evidence that a figure or a link names, in order of appearance."""
    texts = [t for section in sections for t in texts_of(section)]
    by_id = {figure.id: figure for figure in figures}
    shown = [by_id[i] for i in placeholders(texts)]
    linked = [i for text in texts for i in _LINK.findall(text)]
    named = [i for figure in shown for i in figure.derivation.evidence_ids]
    return [i for i in dict.fromkeys([*linked, *named]) if i in evidence]


def _numbered(
    sections: Sequence[Section], figures: Sequence[Figure]
) -> tuple[list[Section], tuple[Figure, ...]]:
    """Number the figures that are shown in order of appearance; drop the others."""
    by_id = {figure.id: figure for figure in figures}
    shown = placeholders(t for section in sections for t in texts_of(section))
    new_ids = {old: f"f{position}" for position, old in enumerate(shown, start=1)}
    renamed = [_renamed(section, new_ids) for section in sections]
    return renamed, tuple(by_id[old].model_copy(update={"id": new_ids[old]}) for old in shown)


def _renamed(section: Section, new_ids: Mapping[str, str]) -> Section:
    paragraphs = tuple(
        p
        if p.kind == "code"
        else p.model_copy(
            update={
                "text": renumber(p.text, new_ids),
                "cells": tuple(renumber(cell, new_ids) for cell in p.cells),
            }
        )
        for p in section.paragraphs
    )
    return section.model_copy(update={"paragraphs": paragraphs})


def _title(case: Case) -> str:
    """The incident's title, unless it says numbers: a heading is no place for a footnote."""
    title = prepared(case.opened.title, names_of(case))
    if bare_numerals(title, names_of(case)):
        missed = f" misses its objective `{case.opened.slo}`" if case.opened.slo else ""
        title = f"`{case.opened.service}`{missed}" if missed else f"`{case.opened.service}`"
    return f"Post-mortem: {title}"
