"""Hypotheses and the tests that decide them: predictions are set before the query."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from holdfast.model.base import Record
from holdfast.model.figure import Derivation


class HypothesisStatus(StrEnum):
    """Refuted hypotheses are kept. `suspected` = believed, mechanism not testable here."""

    OPEN = "open"
    SUPPORTED = "supported"
    SUSPECTED = "suspected"
    REFUTED = "refuted"
    UNRESOLVED = "unresolved"


class Bound(Record):
    """A predicted range for a measured value; at least one end is given."""

    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""

    def holds(self, value: float) -> bool:
        """Whether the value lies in the range, ends included."""
        above = self.at_least is None or value >= self.at_least
        below = self.at_most is None or value <= self.at_most
        return above and below

    def __str__(self) -> str:
        low = "" if self.at_least is None else f"≥ {self.at_least:g}"
        high = "" if self.at_most is None else f"≤ {self.at_most:g}"
        return " and ".join(p for p in (low, high) if p) + (f" {self.unit}" if self.unit else "")


Argument = str | float | int | bool | tuple[float, float, float] | tuple[str, ...] | None
"""A tool's argument. `time_range` is an instant (Unix seconds) or (start, end, step)."""


class ToolCall(Record):
    """A call of a registered read tool: its name and its arguments, by name."""

    tool: str
    arguments: dict[str, Argument] = Field(default_factory=dict[str, Argument])


class Test(Record):
    """A question that would change what is believed.

    `calls` are asked in order; `measure` turns their evidence (by position: `$0`, `$1` …) into
    one number; `prediction` says which numbers the hypothesis allows. What lies outside refutes
    it where `decisive`, else only weakens it.
    """

    __test__ = False  # not a pytest class

    id: str
    hypothesis_id: str
    question: str
    calls: tuple[ToolCall, ...]
    measure: Derivation
    prediction: Bound
    decisive: bool = True
    cost_seconds: float = 0.0
    role: str = ""
    """Which question of the hypothesis's pattern this is; judging goes by it, never by words."""


class TestResult(Record):
    """What the test measured. `unknown` = no data or error: it neither supports nor refutes."""

    __test__ = False

    test_id: str
    hypothesis_id: str
    evidence_ids: tuple[str, ...]
    measured: float | None
    reading: Literal["supports", "contradicts", "unknown"]
    note: str = ""


class CodeSpot(Record):
    """A place in a release's diff that carries a mechanism."""

    path: str
    line: int
    symbol: str = ""
    excerpt: str = ""
    why: str = ""


class Hypothesis(Record):
    """A claimed cause. `mechanism` names a pattern of diagnosis/patterns."""

    id: str
    statement: str
    service: str
    mechanism: str
    change_id: str | None = None
    parent_id: str | None = None
    """For a mechanism: the hypothesis (a release, a service) that it explains."""
    status: HypothesisStatus = HypothesisStatus.OPEN
    confidence: float = Field(default=0.5, ge=0, le=1)
    predicts: tuple[str, ...] = ()
    supports: tuple[str, ...] = ()
    """Ids of test results that support it."""
    contradicts: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    """What was wanted and could not be asked, in words."""
    code: tuple[CodeSpot, ...] = ()
