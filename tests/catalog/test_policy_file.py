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


def test_how_a_version_is_rolled_out_can_be_given(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        GOOD
        + "canary:\n  steps: [{percent: 5, duration_seconds: 600}]\n  interval_seconds: 30\n"
        + "load_test: {duration_seconds: 20}\n"
    )
    policy = load_policy(file)
    assert [step.percent for step in policy.canary.steps] == [5]
    assert policy.load_test.duration_seconds == 20


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("canary: {steps: []}", "canary.steps: none is given"),
        (
            "canary: {steps: [{percent: 50, duration_seconds: 3600}, "
            "{percent: 10, duration_seconds: 3600}]}",
            "canary.steps: the shares [50.0, 10.0] must ascend",
        ),
        ("canary: {steps: [{percent: 100, duration_seconds: 3600}]}", "canary.steps[0].percent"),
        ("canary: {steps: [{percent: 10, duration_seconds: .inf}]}", "duration_seconds: not a"),
        ("canary: {steps: [{percent: 10, duration_seconds: 100}]}", "fewer than 5 intervals"),
        ("canary: {interval_seconds: .inf}", "canary.interval_seconds: not a finite number"),
        ("canary: {interval_seconds: .nan}", "canary.interval_seconds"),
        ("canary: {roll_back_above: 1.5}", "canary.promote_below: 1.1 is under roll_back_above"),
        ("canary: {promote_below: .inf}", "canary.promote_below: not a finite number"),
        ("canary: {careful_below_budget_fraction: 25}", "careful_below_budget_fraction: above 1"),
        ("canary: {careful_below_budget_fraction: .nan}", "careful_below_budget_fraction"),
        ("load_test: {duration_seconds: .inf}", "load_test.duration_seconds: not a finite number"),
        ("load_test: {rate_factor: .nan}", "load_test.rate_factor"),
        ("canary: {step: []}", "did you mean 'steps'"),
    ],
)
def test_any_doubt_about_a_rollout_raises(tmp_path: Path, section: str, said: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(f"{GOOD}{section}\n")
    with pytest.raises(ConfigError) as caught:
        load_policy(file)
    assert said in str(caught.value)
