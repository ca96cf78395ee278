"""A question that a pattern asks: data, turned into a test by ask.py and weighed by weigh.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from holdfast.model.change import Change, ChangeType
from holdfast.model.service import Signal
from holdfast.model.slo import SLO


class Ask(StrEnum):
    """How a question is measured. `now` = since the onset, `before` = the healthy window.

    For a change with versions, `now` is the later and `before` the earlier version.
    """

    ORDERING = "when the symptom had half risen (Unix seconds)"
    OWN_SHARE = "the share of the symptom's excess that is the service's own"
    LARGEST_SHARE = "the largest share that any one service keeps"
    TWO_LARGEST = "the largest share that any two services keep"
    CPU_TOTAL = "CPU seconds of all services, now over before"
    CPU_SHARE = "added CPU seconds of a request over its added latency"
    NOW = "the level now"
    NOW_OVER_BEFORE = "now over before"
    NOW_MINUS_BEFORE = "now minus before"
    NOW_MINUS_OTHER = "the later version minus the earlier one, both now"
    WORST_OF_HOLD = "the worst ratio of bad events over the hold time"
    LATEST = "the worst ratio of bad events of late, over less than proves a recovery"
    MET_BEFORE = "how much faster than allowed any other objective spent its budget in health"
    AFTER_ACTION = "what the action was to bring down, after it took effect"
    AT_FIRST = "the later version just before the symptom began, over the earlier one before"
    INSTANCES = "the slowest instance over the others"
    REPEATED_STATEMENTS = "executions of one statement in one trace, later over earlier version"
    CODE = "places in the diff of a shape"
    CLAIM = "the claimed quantity"


Part = Literal["required", "proof", "measure", "discriminator", "code", "weight"]
"""What an answer does for the verdict.

- `required`: a cause is supported only where each required group supports.
- `proof`: lifts a cause that the required groups leave suspected: one supports, none contradicts.
- `measure`: a mechanism needs at least one that supports.
- `discriminator`: tells a mechanism from those that look alike.
- `code`: a place in the diff; alone it makes a mechanism suspected, never supported.
- `weight`: only moves the confidence.
"""

Stage = Literal["first", "fallback", "after_own", "after_other"]
"""`first` = asked at once; `fallback` = only where its group is still unknown; `after_own` = once
the effect of this hypothesis's action was seen, `after_other` = once that of another's was."""


@dataclass(frozen=True)
class Question:
    """One question. Bounds are in `unit`; `budgets` are multiples of the error budget fraction.

    `sensitivity` = how often it supports where the hypothesis is true, `false_alarm` = how often
    where it is not: assumed, so that the arithmetic is in the open, and to be calibrated.
    """

    group: str
    """Questions of one group ask the same thing in other ways: one that supports is enough."""
    ask: Ask
    text: str
    part: Part
    sensitivity: float
    false_alarm: float
    signals: tuple[Signal, ...] = ()
    """The first that every service concerned has is used."""
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""
    shape: str = ""
    decisive: bool = False
    stage: Stage = "first"
    slo_kind: Literal["latency", "availability"] | None = None
    needs_versions: bool = False
    """Asked only of a change from one version to another."""
    of_release: bool = False
    """Asked only of a release: it reads code, or tells versions apart by what they logged."""
    setting_words: tuple[str, ...] = ()
    """Asked only where a setting whose name has one of these words was lowered."""
    optional: bool = False
    """Whether no answer is no gap: it can only be answered in some situations."""
    leaves: str = ""
    """What is left of the hypothesis where a discriminator contradicts it: said as a gap."""
    variant: str = ""
    cost_seconds: float = 0.01

    @property
    def role(self) -> str:
        """How a test names it: the group, and the variant where there are several."""
        return f"{self.group}:{self.variant}" if self.variant else self.group

    def suits(self, slo: SLO | None, change: Change | None) -> bool:
        """Whether it is asked under an objective of that kind, and of that change or of none."""
        if (self.needs_versions or self.of_release) and change is None:
            return False
        if self.of_release and change is not None and change.type is not ChangeType.DEPLOYMENT:
            return False
        if self.setting_words and not _lowers(change, self.setting_words):
            return False
        return self.slo_kind is None or (slo is not None and slo.kind == self.slo_kind)


def _lowers(change: Change | None, words: tuple[str, ...]) -> bool:
    """Whether a change lowered a number, and the setting's name says what it governs.

    A limit that was raised, or a name that speaks of something else, is no reason to ask whether
    that limit is reached.
    """
    if change is None or not any(word in change.setting.lower() for word in words):
        return False
    try:
        return float(change.to_value or "") < float(change.from_value or "")
    except ValueError:
        return False
