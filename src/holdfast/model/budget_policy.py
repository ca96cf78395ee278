"""An error budget policy: what may be changed while how much of the budget is left.

Source of the idea: Google, The Site Reliability Workbook, appendix B, "Example Error Budget
Policy": a freeze where the budget is spent, and a post-mortem for one incident that spends a fifth
of it. The stages between are a proposal, to be edited.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

from pydantic import Field

from holdfast.errors import ConfigError
from holdfast.model.base import Record
from holdfast.model.service import UNASSIGNED

ALL_CHANGES = "*"

StageMode = Literal["normal", "careful", "restricted", "freeze", "incident"]


class PolicyStage(Record):
    """What holds while `budget_to_percent` < budget left <= `budget_from_percent`.

    Percent of the period's budget. The last stage has no lower end: a budget can be overspent.
    """

    name: str
    budget_from_percent: float = Field(le=100, allow_inf_nan=False)
    budget_to_percent: float | None = Field(default=None, allow_inf_nan=False)
    mode: StageMode
    allowed_changes: tuple[str, ...]
    """Kinds of change, for example `feature`, `fix`, `security`; `*` = all."""
    velocity: str
    review: str

    def allows(self, change_type: str) -> bool:
        """Whether a change of this kind may go out."""
        return ALL_CHANGES in self.allowed_changes or change_type in self.allowed_changes

    def holds_at(self, remaining_percent: float) -> bool:
        """Whether this is the stage while that much of the budget is left."""
        low = -math.inf if self.budget_to_percent is None else self.budget_to_percent
        return low < remaining_percent <= self.budget_from_percent


class SingleIncidentRule(Record):
    """One incident that spent more than this needs a post-mortem before other changes go out."""

    budget_fraction: float = Field(default=0.20, gt=0, le=1)
    allowed_changes: tuple[str, ...]
    """What may go out until its post-mortem is on record."""
    requires: str


class ExceptionRules(Record):
    """Who may let a change pass all the same, and for how long at most."""

    approvers: tuple[str, ...] = ()
    """Nobody = no exception can be made until somebody is named."""
    longest_hours: float = Field(default=72.0, gt=0, allow_inf_nan=False)


class ErrorBudgetPolicy(Record):
    """What a team agreed on. Stages go from a whole budget to a spent one, without gaps.

    `stage_mistakes` says where they do not; what is read from a file has been asked.
    """

    name: str
    owner: str = UNASSIGNED
    services: tuple[str, ...] = ()
    """Which it holds for; empty = all."""
    stages: tuple[PolicyStage, ...]
    single_incident: SingleIncidentRule
    exceptions: ExceptionRules = ExceptionRules()
    covered_at_least: float = Field(default=0.9, gt=0, le=1)
    """The fraction of the period that must have been measured; else the gate stays closed."""
    measured_within_seconds: float = Field(default=900.0, gt=0, allow_inf_nan=False)
    """How old the newest measurement may be: an outage of now must not be missed."""

    def stage_at(self, remaining_fraction: float) -> PolicyStage:
        """Return the stage that holds while this fraction of the budget is left.

        Raises ConfigError where the stages leave a gap.
        """
        percent = min(100.0, 100 * remaining_fraction)
        for stage in self.stages:
            if stage.holds_at(percent):
                return stage
        raise ConfigError(
            f"the policy {self.name} has no stage at {percent:g} % of the budget",
            hint="; ".join(stage_mistakes(self.stages)),
        )


def stage_mistakes(stages: tuple[PolicyStage, ...]) -> Iterator[str]:
    """Say what is wrong with the stages: gaps, overlaps, order, names, a missing end."""
    if not stages:
        yield "stages: none is given (begin with one from 100 percent)"
        return
    if stages[0].budget_from_percent != 100:
        yield "stages[0].budget_from_percent: the first stage must begin at 100"
    for index, (stage, after) in enumerate(pairwise(stages)):
        yield from _between(index, stage, after)
    if stages[-1].budget_to_percent is not None:
        yield (
            f"stages[{len(stages) - 1}].budget_to_percent: the last stage has no lower end, as a "
            "budget can be overspent (remove the field)"
        )
    names = [stage.name for stage in stages]
    for index, stage in enumerate(stages):
        if stage.name in names[:index]:
            yield f"stages[{index}].name: {stage.name!r} is the name of an earlier stage"
        if not stage.allowed_changes:
            yield f"stages[{index}].allowed_changes: empty (name at least one kind of change)"


def _between(index: int, stage: PolicyStage, after: PolicyStage) -> Iterator[str]:
    end = stage.budget_to_percent
    if end is None:
        yield f"stages[{index}].budget_to_percent: missing; only the last stage has no lower end"
    elif end >= stage.budget_from_percent:
        yield (
            f"stages[{index}].budget_to_percent: {end:g} is not below its "
            f"budget_from_percent, {stage.budget_from_percent:g}"
        )
    elif after.budget_from_percent != end:
        what = "a gap" if after.budget_from_percent < end else "an overlap"
        yield (
            f"stages[{index + 1}].budget_from_percent: {after.budget_from_percent:g} leaves {what} "
            f"to the stage before, which ends at {end:g}"
        )


def default_policy(
    name: str = "error-budget-policy", services: tuple[str, ...] = (), owner: str = UNASSIGNED
) -> ErrorBudgetPolicy:
    """Return the policy that is proposed where a team has none: a place to begin."""
    return ErrorBudgetPolicy(
        name=name,
        owner=owner,
        services=services,
        stages=_DEFAULT_STAGES,
        single_incident=SingleIncidentRule(
            budget_fraction=0.20,
            allowed_changes=_REPAIRS,
            requires="a post-mortem with at least one action of the highest priority",
        ),
    )


_REPAIRS = ("fix", "reliability", "security", "rollback")
_DEFAULT_STAGES = (
    PolicyStage(
        name="full speed",
        budget_from_percent=100,
        budget_to_percent=75,
        mode="normal",
        allowed_changes=(ALL_CHANGES,),
        velocity="As fast as the team likes; risky experiments belong here.",
        review="The usual one.",
    ),
    PolicyStage(
        name="attention",
        budget_from_percent=75,
        budget_to_percent=50,
        mode="normal",
        allowed_changes=(ALL_CHANGES,),
        velocity="As usual, and every release goes out by canary.",
        review="The usual one; the week's review looks at what spent the budget.",
    ),
    PolicyStage(
        name="caution",
        budget_from_percent=50,
        budget_to_percent=25,
        mode="careful",
        allowed_changes=("feature", "config", *_REPAIRS),
        velocity="Small releases, one at a time, by canary; no experiments.",
        review="A second reviewer, and a rehearsed way back for each release.",
    ),
    PolicyStage(
        name="restricted",
        budget_from_percent=25,
        budget_to_percent=10,
        mode="restricted",
        allowed_changes=("config", *_REPAIRS),
        velocity="No features; what makes the service more reliable comes first.",
        review="A second reviewer from those who are on call.",
    ),
    PolicyStage(
        name="freeze",
        budget_from_percent=10,
        budget_to_percent=0,
        mode="freeze",
        allowed_changes=_REPAIRS,
        velocity="Only repairs, work on reliability and security.",
        review="Those who are on call approve each change.",
    ),
    PolicyStage(
        name="spent",
        budget_from_percent=0,
        budget_to_percent=None,
        mode="incident",
        allowed_changes=_REPAIRS,
        velocity=(
            "Incident mode: the team works on what spent the budget until the service is within "
            "its objective again."
        ),
        review="The incident's lead approves each change.",
    ),
)
