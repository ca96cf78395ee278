"""The seam to whoever decides the next step of an investigation."""

from __future__ import annotations

from typing import Literal, Protocol

from holdfast.model.action import Action
from holdfast.model.base import Record
from holdfast.model.case import Case
from holdfast.model.hypothesis import Hypothesis, Test


class Proposal(Record):
    """The next step. Fields only: prose is rendered from them and decides nothing.

    `judged` = hypotheses whose status changes by what is now known, each with its reason.
    `done` = nothing more would change what is believed; `escalate` = a person is needed, with
    the gaps.
    """

    plan: str = ""
    new_hypotheses: tuple[Hypothesis, ...] = ()
    judged: tuple[tuple[Hypothesis, str], ...] = ()
    tests: tuple[Test, ...] = ()
    action: Action | None = None
    next: Literal["continue", "done", "escalate"] = "continue"
    reason: str = ""
    gaps: tuple[str, ...] = ()


class Reasoner(Protocol):
    """Reads the case, proposes; never acts, never asks by itself."""

    @property
    def name(self) -> str:
        """How the ledger names the actor, for example `embedded`."""
        ...

    def propose(self, case: Case) -> Proposal:
        """Return the next step. Deterministic for the embedded reasoner."""
        ...
