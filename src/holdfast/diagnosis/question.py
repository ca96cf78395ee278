"""A question that a pattern asks: data, turned into a test by ask.py and weighed by weigh.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from holdfast.model.service import Signal
from holdfast.model.slo import SLO


class Ask(StrEnum):
    """How a question is measured. `now` = since the onset, `before` = the healthy window.

    For a change with versions, `now` is the later and `before` the earlier version.
    """

    ORDERING = "when the symptom had half risen (Unix seconds)"
    OWN_SHARE = "the share of the symptom's excess that is the service's own"
    LARGEST_SHARE = "the largest share that any one service keeps"
    CPU_TOTAL = "CPU seconds of all services, now over before"
    CPU_SHARE = "added CPU seconds of a request over its added latency"
    NOW = "the level now"
    NOW_OVER_BEFORE = "now over before"
    NOW_MINUS_BEFORE = "now minus before"
    NOW_MINUS_OTHER = "the later version minus the earlier one, both now"
    WORST_OF_HOLD = "the worst ratio of bad events over the hold time"
    AFTER_ACTION = "the ratio of bad events after the action took effect"
    AT_FIRST = "the later version just before the symptom began, over the earlier one before"
    INSTANCES = "the slowest instance over the others"
    REPEATED_STATEMENTS = "executions of one statement in one trace, later over earlier version"
    CODE = "places in the diff of a shape"
    CLAIM = "the claimed quantity"


Part = Literal["required", "measure", "discriminator", "code", "weight"]
"""What an answer does for the verdict.

- `required`: a cause is supported only where each required group supports.
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

    def suits(self, slo: SLO | None, *, of_change: bool) -> bool:
        """Whether it is asked under an objective of that kind, and of a change or of none."""
        if self.needs_versions and not of_change:
            return False
        return self.slo_kind is None or (slo is not None and slo.kind == self.slo_kind)
