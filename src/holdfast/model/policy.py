"""A policy: what Holdfast may do by itself, where, at which risk, with how much budget left."""

from __future__ import annotations

from pydantic import Field

from holdfast.model.action import Autonomy, Risk
from holdfast.model.base import Record


class PolicyRule(Record):
    """Holds for actions that match all of it. Globs are shell-style; empty `risks` = all."""

    name: str
    services: tuple[str, ...] = ("*",)
    environments: tuple[str, ...] = ("*",)
    runbooks: tuple[str, ...] = ("*",)
    risks: tuple[Risk, ...] = ()
    budget_remaining_at_most: float | None = None
    """Matches only while at most this fraction of the error budget is left."""
    budget_remaining_at_least: float | None = None
    autonomy: Autonomy


class Policy(Record):
    """The first rule that matches decides; none = `default`, which is to observe."""

    name: str
    default: Autonomy = Autonomy.OBSERVE
    rules: tuple[PolicyRule, ...] = ()
    mitigated_hold_seconds: float = Field(default=300.0, gt=0)
    """How long the SLI must be back before an incident is called mitigated."""
    mitigation_deadline_seconds: float = Field(default=900.0, gt=0)
    """How long an action has to show its effect before it is undone."""
    approval_valid_seconds: float = Field(default=900.0, gt=0)
    max_actions_per_incident: int = Field(default=3, ge=0)
    paused: bool = False
    """True stops every write, everywhere."""
