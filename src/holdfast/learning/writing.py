"""What every section of a post-mortem is written with: the case, its evidence, and the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from holdfast.diagnosis.observe import bound_measure
from holdfast.errors import EvidenceError
from holdfast.learning.cause import Cause
from holdfast.learning.figures import FigureBook, Said
from holdfast.learning.ledger_evidence import slo_fact
from holdfast.learning.numerals import TIMES
from holdfast.learning.quotes import Quoter, code
from holdfast.model.case import Case
from holdfast.model.change import Change
from holdfast.model.config import Config
from holdfast.model.event import Event
from holdfast.model.evidence import Evidence
from holdfast.model.hypothesis import Test, TestResult
from holdfast.model.incident import IncidentOutcome, MilestoneName
from holdfast.model.lesson import Paragraph
from holdfast.model.slo import SLO

MOST_LINKS = 3

_STYLES = {
    "s": "duration",
    "seconds": "duration",
    TIMES: "multiple",
    "x": "multiple",
    "ratio": "multiple",
    "times": "multiple",
    "fraction": "percent",
    "Unix seconds": "datetime",
}
"""Units of measured values that have a format of their own."""


@dataclass(frozen=True)
class Writing:
    """The material of one report. `facts` and `answers` are evidence by name."""

    case: Case
    events: Sequence[Event]
    config: Config
    facts: Mapping[str, Evidence]
    answers: Mapping[str, Evidence]
    book: FigureBook
    quote: Quoter
    cause: Cause

    @property
    def slos(self) -> tuple[SLO, ...]:
        """The objectives of the service that suffered; the one that alerted first."""
        own = [slo for slo in self.config.slos if slo.service == self.case.opened.service]
        return tuple(sorted(own, key=lambda slo: slo.name != self.case.opened.slo))

    @property
    def slo(self) -> SLO | None:
        """The objective that alerted, or else the service's first."""
        return next(iter(self.slos), None)

    @property
    def unneeded(self) -> bool:
        """Whether it was over without an action, or never was: no mitigation is owed."""
        return self.case.outcome in (IncidentOutcome.RECOVERED, IncidentOutcome.FALSE_ALARM)

    # ---- figures from facts ------------------------------------------------------------------

    def fact(self, name: str, key: str | int, column: str, *, style: str, unit: str = "") -> Said:
        """Return the figure of one cell of a fact; the first column picks the row."""
        item = self.facts.get(name)
        if item is None:
            raise EvidenceError(
                f"the ledger holds no fact {name!r}",
                hint="facts are appended before the post-mortem is written, with the same "
                "configuration",
            )
        return self.cell(item, _key_column(item), key, column, style, unit)

    def cell(
        self, item: Evidence, key_column: str, key: str | int, column: str, style: str, unit: str
    ) -> Said:
        """Return the figure of one cell of a table."""
        return self.book.of(
            "cell", item, style=style, unit=unit, key_column=key_column, key=key, column=column
        )

    def at(self, name: MilestoneName, style: str = "clock") -> Said:
        """Return when a milestone was reached, as a clock time."""
        return self.fact("milestones", name, "unix_seconds", style=style)

    def between(self, first: MilestoneName, then: MilestoneName | Literal["last_entry"]) -> Said:
        """Return how long it took from one milestone to another; `no data` where one is missing."""
        return self.book.of(
            "cell_difference",
            self.facts["milestones"],
            style="duration",
            key_column="milestone",
            key=then,
            base=first,
            column="unix_seconds",
        )

    def target(self, phase: str) -> Said:
        """Return how long a phase may take."""
        return self.fact("targets", phase, "seconds", style="duration")

    def setting(self, slo: SLO, name: str, style: str) -> Said:
        """Return a setting of an objective."""
        return self.fact(slo_fact(slo.name), name, "value", style=style)

    # ---- figures from answers ----------------------------------------------------------------

    def asked(
        self, name: str, function: str, style: str, **parameters: str | float | int | None
    ) -> Said | None:
        """Return a figure of an answer; None where it was not asked, or has not that shape."""
        item = self.answers.get(name)
        if item is None:
            return None
        try:
            return self.book.of(function, item, style=style, unit="", **parameters)
        except EvidenceError:  # for example several series where an objective must give one
            return None

    # ---- tests -------------------------------------------------------------------------------

    def measured(self, test: Test, result: TestResult) -> Said:
        """Return what a test measured, computed again from its evidence.

        Where the measure cannot be computed from what is kept, the ledger's own word is taken.
        """
        style, unit = style_of(test.prediction.unit)
        try:
            measure = bound_measure(test, result.evidence_ids)
            return self.book.add(measure, style, unit)
        except EvidenceError:
            return self.fact("tests", test.id, "measured", style=style, unit=unit)

    def bound(self, name: str, key: str, low: float | None, high: float | None, unit: str) -> str:
        """Return a predicted or expected range in words, from the row `key` of a fact."""
        style, unit = style_of(unit)
        parts: list[str] = []
        if low is not None:
            parts.append(f"at least {self.fact(name, key, 'at_least', style=style, unit=unit)}")
        if high is not None:
            parts.append(f"at most {self.fact(name, key, 'at_most', style=style, unit=unit)}")
        return " and ".join(parts)


def style_of(unit: str) -> tuple[str, str]:
    """Return the format and the unit to write for a measured value's unit."""
    style = _STYLES.get(unit)
    if style:
        return style, ""
    return ("percent" if unit.startswith("of ") else "number"), unit


def milestone_at(case: Case, name: MilestoneName) -> datetime | None:
    """Return when a milestone was reached, None where it was not."""
    found = case.milestones.get(name)
    return found.at if found else None


def evidence_links(ids: Sequence[str]) -> str:
    """Return links to evidence in the report's last section; `—` where there is none.

    Three at most, so that a row stays readable: footnotes and the ledger name the others.
    """
    found = list(dict.fromkeys(ids))
    links = [f"[{code(i)}](#{i})" for i in found[:MOST_LINKS]]
    return ", ".join(links) + (" …" if len(found) > MOST_LINKS else "") if links else "—"


def _key_column(item: Evidence) -> str:
    columns = getattr(item.value, "columns", ())
    if not columns:
        raise EvidenceError(f"evidence {item.id} is no table")
    return str(columns[0])


def moved_words(w: Writing, change: Change) -> str:
    """Return what a change moved: versions, or a setting's values; empty where neither is known."""
    versions = [code(v) for v in (change.from_version, change.to_version) if v]
    if versions or not change.setting:
        return " → ".join(versions)
    values = [w.quote(v) if v else "not set" for v in (change.from_value, change.to_value)]
    return f"{code(change.setting)} {' → '.join(values)}"


# ---- paragraphs ------------------------------------------------------------------------------


def text(words: str) -> Paragraph:
    """A paragraph of prose."""
    return Paragraph(text=words)


def bullet(words: str) -> Paragraph:
    """A point of a list."""
    return Paragraph(kind="bullet", text=words)


def block(content: str, language: str = "") -> Paragraph:
    """A fenced code block."""
    return Paragraph(kind="code", text=content, language=language)


def header(*cells: str) -> Paragraph:
    """The head of a table."""
    return Paragraph(kind="header_row", cells=cells)


def row(*cells: str) -> Paragraph:
    """A row of a table."""
    return Paragraph(kind="row", cells=cells)
