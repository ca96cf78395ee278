"""A statement about budgets and burn rates, and what arithmetic says of it."""

from __future__ import annotations

from typing import Literal

from holdfast.model.base import Record

Verdict = Literal["right", "wrong", "not_understood"]


class CheckedClaim(Record):
    """What came of one statement or of one threshold of a file."""

    statement: str
    """As it was given; of a file: which threshold of which rule."""
    verdict: Verdict
    claimed: str = ""
    """The part that was checked, for example `6x`."""
    actual: str = ""
    """What it is, for example `36x`."""
    arithmetic: str = ""
    """The formula with its numbers."""
    assumptions: tuple[str, ...] = ()
    """What the statement does not say, and was taken to mean."""
    notes: tuple[str, ...] = ()
    """For which other values it would be right; or what was not understood."""
    source: str = ""
    """The file; empty for a sentence."""
