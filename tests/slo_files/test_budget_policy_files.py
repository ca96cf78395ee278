"""The error budget policy: read back as written, refused with file and field where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from holdfast.errors import ConfigError
from holdfast.model.budget_policy import ErrorBudgetPolicy, default_policy
from holdfast.slo.files.policy import (
    load_budget_policy,
    parse_budget_policy,
    policy_document,
    policy_markdown,
)

FILE = Path("error-budget-policy.yaml")


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    policy = default_policy("shop's policy", services=("shop",), owner="team shop")
    path = tmp_path / FILE
    path.write_text(policy_document(policy))
    assert load_budget_policy(path) == policy


@pytest.mark.parametrize(
    ("remaining", "stage", "feature", "fix"),
    [
        (1.0, "full speed", True, True),
        (0.7501, "full speed", True, True),
        (0.75, "attention", True, True),
        (0.5, "caution", True, True),
        (0.25, "restricted", False, True),
        (0.1, "freeze", False, True),
        (1e-9, "freeze", False, True),
        (0.0, "spent", False, True),
        (-3.0, "spent", False, True),
    ],
)
def test_the_proposed_stages_go_from_a_whole_budget_to_a_spent_one(
    remaining: float, stage: str, feature: bool, fix: bool
) -> None:
    found = default_policy().stage_at(remaining)
    assert found.name == stage
    assert (found.allows("feature"), found.allows("fix")) == (feature, fix)


def test_the_page_says_what_each_stage_allows_and_that_nobody_may_approve_yet() -> None:
    page = policy_markdown(default_policy(services=("shop",)))
    assert "It holds for shop." in page
    assert "| 25 to 10 % | restricted | config, fix, reliability, security, rollback |" in page
    assert "## One incident above 20 %" in page
    assert "unassigned: nobody can approve one" in page


def edited(**changes: object) -> str:
    plain = yaml.safe_load(policy_document(default_policy()))
    for path, value in changes.items():
        where: object = plain
        *parents, last = (int(p) if p.isdigit() else p for p in path.split("__"))
        for part in parents:
            where = where[part]  # type: ignore[index]
        if value is None:
            del where[last]  # type: ignore[attr-defined]
        else:
            where[last] = value  # type: ignore[index]
    return yaml.safe_dump(plain)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stages__2__budget_from_percent": 45}, "stages[2].budget_from_percent: 45 leaves a gap"),
        ({"stages__2__budget_from_percent": 55}, "leaves an overlap"),
        ({"stages__0__budget_from_percent": 99}, "stages[0].budget_from_percent: the first stage"),
        ({"stages__1__budget_to_percent": 80}, "80 is not below its budget_from_percent, 75"),
        ({"stages__1__budget_to_percent": None}, "stages[1].budget_to_percent: missing"),
        ({"stages__5__budget_to_percent": -10}, "the last stage has no lower end"),
        ({"stages__3__name": "caution"}, "'caution' is the name of an earlier stage"),
        ({"stages__3__allowed_changes": []}, "stages[3].allowed_changes: empty"),
        ({"stages__3__velocty": "x"}, "stages[3].velocty: unknown field; did you mean 'velocity'"),
        ({"stages__3__mode": "panic"}, "stages[3].mode"),
        ({"stages": []}, "stages: none is given"),
        ({"single_incident__budget_fraction": 20}, "single_incident.budget_fraction"),
        ({"single_incident__allowed_changes": []}, "single_incident.allowed_changes: empty"),
        ({"exceptions__approvers": [" "]}, "exceptions.approvers[0]: empty"),
        ({"exceptions__longest_hours": 0}, "exceptions.longest_hours"),
        ({"covered_at_least": float("nan")}, "covered_at_least"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_budget_policy(edited(**changes), FILE)
    assert said in str(refused.value)
    assert str(refused.value).startswith("error-budget-policy.yaml: ")


def test_a_policy_with_a_gap_is_neither_written_nor_decides() -> None:
    whole = default_policy()
    holed = whole.model_copy(update={"stages": (whole.stages[0], *whole.stages[2:])})
    assert isinstance(holed, ErrorBudgetPolicy)
    with pytest.raises(ConfigError, match="leaves a gap"):
        policy_document(holed)
    with pytest.raises(ConfigError, match="no stage at 60 %"):
        holed.stage_at(0.6)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such error budget policy"):
        load_budget_policy(tmp_path / "missing.yaml")
