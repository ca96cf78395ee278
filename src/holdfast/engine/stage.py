"""The words of the flow: which stages there are, and what a decision says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from holdfast.ledger.store import Entry

Entries = Sequence[Entry]
"""What a stage tells at once; appended in one transaction before the stage goes on."""


class Stage(StrEnum):
    """A stage of the flow; see `flow.STAGES` for what runs it."""

    TRIAGE = "triage"
    INVESTIGATE = "investigate"
    TEST = "test"
    GUARD = "guard"
    ACT = "act"
    SETTLE = "settle"
    VERIFY = "verify"
    UNDO = "undo"
    EXPIRE = "expire"
    REPAIR = "repair"
    ROLL_OUT = "roll_out"
    PREVENT = "prevent"
    CONCLUDE = "conclude"
    LEARN = "learn"
    CLOSE = "close"


@dataclass(frozen=True)
class Decision:
    """What comes next: a stage, or (None) to wait, or that the incident is finished with."""

    stage: Stage | None = None
    finished: bool = False
