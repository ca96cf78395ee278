"""A policy file: any doubt about it raises, so that the guard denies."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.catalog.policy import load_policy
from holdfast.errors import ConfigError
from holdfast.model.action import Autonomy, Risk

GOOD = """
name: production
rules:
  - name: rollbacks of the shop
    services: [shop]
    runbooks: [rollback]
    risks: [low, medium]
    budget_remaining_at_most: 0.5
    autonomy: act
mitigated_hold_seconds: 60
"""


def test_without_a_policy_holdfast_observes() -> None:
    policy = load_policy(None)
    assert policy.default is Autonomy.OBSERVE
    assert policy.rules == ()


def test_a_policy_says_what_may_be_done(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(GOOD)
    policy = load_policy(file)
    assert policy.default is Autonomy.OBSERVE
    assert policy.rules[0].autonomy is Autonomy.ACT
    assert policy.rules[0].risks == (Risk.LOW, Risk.MEDIUM)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("autonomy: act", "autonomy: do-it", "rules[0].autonomy"),
        ("autonomy: act", "", "rules[0].autonomy: missing"),
        ("services: [shop]", "service: [shop]", "did you mean 'services'"),
        ("services: [shop]", "services: []", "could never match"),
        ("at_most: 0.5", "at_most: 50", "no fraction of a budget"),
        ("at_most: 0.5", "at_most: .nan", "no fraction of a budget"),
        ("at_most: 0.5", "at_most: 0.5\n    budget_remaining_at_least: 0.9", "swap"),
        ("seconds: 60", "seconds: .inf", "finite"),
        ("seconds: 60", "seconds: 0", "greater than 0"),
        ("name: production", "name: production\npaused: perhaps", "paused"),
        (GOOD, "", "one mapping"),
    ],
)
def test_any_doubt_raises(tmp_path: Path, old: str, new: str, said: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_policy(file)
    assert str(file) in str(caught.value)
    assert said in str(caught.value)


def test_a_policy_that_is_not_there_raises(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such policy"):
        load_policy(tmp_path / "policy.yaml")
