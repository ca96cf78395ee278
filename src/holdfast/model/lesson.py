"""What is left behind: action items and the post-mortem."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from holdfast.model.base import Record, UtcTime
from holdfast.model.figure import Figure
from holdfast.model.service import UNASSIGNED


class ActionItem(Record):
    """Work that outlives the incident; `check` is what will close it."""

    id: str
    type: Literal["prevent", "detect", "mitigate", "process"]
    title: str
    owner: str = UNASSIGNED
    due: date
    check: str
    status: Literal["open", "done"] = "open"


class Paragraph(Record):
    """Text of a report. `{f:ID}` stands where figure ID is written; no other numeral may stand.

    `kind` code is a fenced block (a diff, a statement), written as it is.
    """

    kind: Literal["text", "bullet", "code", "image", "row", "header_row"] = "text"
    text: str = ""
    cells: tuple[str, ...] = ()
    language: str = ""


class Section(Record):
    """A heading and what stands below it."""

    title: str
    paragraphs: tuple[Paragraph, ...]


class Postmortem(Record):
    """Google's template plus contributing factors. Every numeral is a figure."""

    incident_id: str
    title: str
    written_at: UtcTime
    sections: tuple[Section, ...]
    figures: tuple[Figure, ...]
    action_items: tuple[ActionItem, ...]
    evidence_hashes: dict[str, str] = Field(default_factory=dict[str, str])
    """Evidence id → the hash that the ledger holds for it."""
