"""A line of the terminal, before it has colours or a width."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """What a line means for the reader; each surface chooses its colours."""

    PLAIN = "plain"
    DIM = "dim"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    ACCENT = "accent"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was said: `label` is its kind (thought, action, observation …).

    `details` stand below it. `routine` lines are shown in passing where space is short; `whole`
    ones are never broken: a path that is to be copied.
    """

    label: str
    text: str
    tone: Tone = Tone.PLAIN
    details: tuple[str, ...] = ()
    routine: bool = False
    whole: bool = False

    @property
    def flat(self) -> str:
        """Everything on one line."""
        return " · ".join((self.text, *self.details))
