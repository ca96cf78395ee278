"""A policy file. Any doubt about it raises: the guard then denies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from holdfast.catalog.documents import parse_mapping, read_text, refusal, validate
from holdfast.model.policy import Policy, PolicyRule

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
    ):
        if not math.isfinite(getattr(policy, field)):
            yield f"{field}: not a finite number of seconds (give one)"


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
