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


class CanaryStep(Record):
    """A share of traffic, and how long it is judged at most before it is taken back."""

    percent: float = Field(gt=0, lt=100)
    duration_seconds: float = Field(gt=0)


class CanaryPolicy(Record):
    """How a version is rolled out: steps, then all traffic, then a watch.

    Ratios are candidate over stable. A step goes on when every metric is shown below
    `promote_below`; the candidate is taken back when one is shown above its `roll_back_above`.
    `alpha` is spent over all steps, metrics and looks. While at most
    `careful_below_budget_fraction` of the error budget is left, the first step's share is halved.
    """

    steps: tuple[CanaryStep, ...] = (
        CanaryStep(percent=10, duration_seconds=3600),
        CanaryStep(percent=50, duration_seconds=3600),
    )
    interval_seconds: float = Field(default=60.0, gt=0)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    promote_below: float = Field(default=1.10, gt=1)
    roll_back_above: float = Field(default=1.02, ge=1)
    failed_fraction_at_most: float = Field(default=0.0015, gt=0, lt=1)
    """A candidate whose failed fraction is shown below it passes, whatever the ratio."""
    min_requests: int = Field(default=500, ge=1)
    """In each arm and step, before anything goes on."""
    watch_seconds: float = Field(default=900.0, gt=0)
    """How long the objective must hold with all traffic on the new version."""
    careful_below_budget_fraction: float = 0.25


class LoadTestPolicy(Record):
    """How a fix is proven before users meet it: side by side with the good version."""

    duration_seconds: float = Field(default=60.0, gt=0)
    rate_factor: float = Field(default=1.0, gt=0)
    """Of the rate that was measured before the incident."""
    p95_ratio_at_most: float = Field(default=1.25, gt=0)
    error_ratio_at_most: float = Field(default=0.01, ge=0, le=1)


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
    approval_wait_seconds: float = Field(default=86_400.0, gt=0)
    """How long a person is waited for before a permanent fix is left as a branch."""
    max_actions_per_incident: int = Field(default=3, ge=0)
    """Counts mitigations; the steps of a fix are each made once."""
    canary: CanaryPolicy = CanaryPolicy()
    load_test: LoadTestPolicy = LoadTestPolicy()
    paused: bool = False
    """True stops every write, everywhere."""
