"""What a verification found: each finding names the figure, the evidence or the line."""

from __future__ import annotations

from typing import Literal

from holdfast.model.base import Record
from holdfast.model.evidence import Evidence

FindingKind = Literal[
    "changed_text",
    "changed_value",
    "unbound_numeral",
    "missing_figure",
    "missing_evidence",
    "altered_evidence",
    "broken_ledger",
    "changed_file",
    "missing_file",
]


class Finding(Record):
    """One thing that is not as the ledger has it. `line` counts from 1, in `file`."""

    kind: FindingKind
    message: str
    file: str = ""
    line: int | None = None
    figure_id: str | None = None
    evidence_id: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return f"{place}{self.message}"


class VerifyReport(Record):
    """The result. `ok` only where there is no finding."""

    path: str
    incident_id: str
    figures: int
    """How many figures were computed again."""
    evidence: tuple[Evidence, ...] = ()
    """The evidence that the figures rest on, as kept: what `--live` asks again."""
    entries: int
    """How many ledger entries were checked."""
    against_live_ledger: bool
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is as the evidence says."""
        return not self.findings


class LiveAnswer(Record):
    """What a source says now to a question asked then."""

    evidence_id: str
    query: str
    result: Literal["same", "different", "expired", "unavailable"]
    detail: str = ""
