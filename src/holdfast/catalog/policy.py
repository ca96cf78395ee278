"""A policy file. Any doubt about it raises: the guard then denies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from holdfast.catalog.documents import parse_mapping, read_text, refusal, validate
from holdfast.model.base import Record
from holdfast.model.policy import CanaryPolicy, Policy, PolicyRule

_CANARY_NUMBERS = (
    "interval_seconds",
    "promote_below",
    "roll_back_above",
    "watch_seconds",
    "careful_below_budget_fraction",
)
_LOAD_TEST_NUMBERS = ("duration_seconds", "rate_factor", "p95_ratio_at_most")
_LEAST_INTERVALS = 5

FIRST_CONTACT = Policy(name="first-contact")
"""Observes everything and writes nothing: what holds until somebody decides otherwise."""


def load_policy(path: Path | None) -> Policy:
    """Return the policy of a file; None = observe everything. Raises ConfigError on any doubt."""
    return FIRST_CONTACT if path is None else parse_policy(read_text(path, "policy"), path)


def parse_policy(text: str, path: Path) -> Policy:
    """Return the policy that `text` says; `path` is named in errors."""
    policy = validate(Policy, parse_mapping(text, path), path)
    found = tuple(_mistakes(policy))
    if found:
        raise refusal(path, found)
    return policy


def _mistakes(policy: Policy) -> Iterator[str]:
    for name, count in Counter(rule.name for rule in policy.rules).items():
        if count > 1:
            yield f"rules: the name {name!r} is given {count} times (each name stands for one)"
    for index, rule in enumerate(policy.rules):
        for mistake in _rule_mistakes(rule):
            yield f"rules[{index}].{mistake}"
    for field in (
        "mitigated_hold_seconds",
        "mitigation_deadline_seconds",
        "approval_valid_seconds",
        "approval_wait_seconds",
    ):
        if not math.isfinite(getattr(policy, field)):
            yield f"{field}: not a finite number of seconds (give one)"
    for mistake in _canary_mistakes(policy.canary):
        yield f"canary.{mistake}"
    for mistake in _not_finite(policy.load_test, _LOAD_TEST_NUMBERS):
        yield f"load_test.{mistake}"


def _canary_mistakes(canary: CanaryPolicy) -> Iterator[str]:
    """Say what would make a rollout that cannot be judged, or that gives traffic back midway."""
    yield from _not_finite(canary, _CANARY_NUMBERS)
    if not canary.steps:
        yield "steps: none is given (give at least one share of traffic, below 100 percent)"
    percents = [step.percent for step in canary.steps]
    if percents != sorted(set(percents)):
        yield f"steps: the shares {percents} must ascend (give each step more than the one before)"
    for index, step in enumerate(canary.steps):
        if not math.isfinite(step.duration_seconds):
            yield f"steps[{index}].duration_seconds: not a finite number (give one)"
        elif step.duration_seconds < _LEAST_INTERVALS * canary.interval_seconds:
            yield (
                f"steps[{index}].duration_seconds: {step.duration_seconds:g} s are fewer than "
                f"{_LEAST_INTERVALS} intervals of {canary.interval_seconds:g} s, and nothing can "
                "be shown in them (make the step longer, or the intervals shorter)"
            )
    if canary.promote_below < canary.roll_back_above:
        yield (
            f"promote_below: {canary.promote_below:g} is under roll_back_above, "
            f"{canary.roll_back_above:g} (what goes on must not be what is taken back)"
        )
    if not canary.careful_below_budget_fraction <= 1:
        yield "careful_below_budget_fraction: above 1 (1 = all of the budget is left)"


def _not_finite(record: Record, fields: Sequence[str]) -> Iterator[str]:
    for field in fields:
        if not math.isfinite(getattr(record, field)):
            yield f"{field}: not a finite number (give one)"


def _rule_mistakes(rule: PolicyRule) -> Iterator[str]:
    for field in ("services", "environments", "runbooks"):
        globs: tuple[str, ...] = getattr(rule, field)
        if not globs or not all(glob.strip() for glob in globs):
            yield f"{field}: empty, so the rule could never match (write '*' for all)"
    low, high = rule.budget_remaining_at_least, rule.budget_remaining_at_most
    for field, bound in (("budget_remaining_at_least", low), ("budget_remaining_at_most", high)):
        if bound is not None and not (math.isfinite(bound) and bound <= 1):
            yield f"{field}: {bound!r} is no fraction of a budget (1 = all of it is left)"
    if low is not None and high is not None and low > high:
        yield "budget_remaining_at_least: above budget_remaining_at_most (swap them)"
