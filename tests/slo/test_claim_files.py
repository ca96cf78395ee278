"""Thresholds typed into files, against the budget fraction, window and period that they mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from holdfast.catalog.defaults import WORKBOOK_TIERS
from holdfast.catalog.openslo import to_openslo
from holdfast.errors import ConfigError
from holdfast.model.claim import CheckedClaim
from holdfast.model.slo import SLO, RatioIndicator
from holdfast.slo.claims.arithmetic import Given
from holdfast.slo.claims.files import check_file
from holdfast.slo.files.rules import CountGuard, rules_document
from holdfast.slo.history import EventHistory
from holdfast.slo.targets.traffic import count_expression, count_test

SHOP = SLO(
    name="shop",
    service="shop",
    kind="availability",
    indicator=RatioIndicator(
        bad_query="sum(rate(bad_total[$window]))", total_query="sum(rate(all_total[$window]))"
    ),
    objective=0.999,
    period_seconds=30 * 86_400,
    tiers=WORKBOOK_TIERS,
)
NOBODY = Given()


def checked(
    folder: Path, expression: str, given: Given = NOBODY, **annotations: str
) -> list[CheckedClaim]:
    rule = {"alert": "Burn", "expr": expression, "annotations": annotations}
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [rule]}]}))
    return list(check_file(path, given))


PAIR = "ratio_rate1h > ({0}) and ratio_rate5m > ({0})"
SLOTH = (
    '(max(slo:sli_error:ratio_rate5m{id="x"} > (14.4 * 0.0009999999999999432)) without (w) and '
    'max(slo:sli_error:ratio_rate1h{id="x"} > (14.4 * 0.0009999999999999432)) without (w)) or '
    '(max(slo:sli_error:ratio_rate30m{id="x"} > (6 * 0.0009999999999999432)) without (w) and '
    'max(slo:sli_error:ratio_rate6h{id="x"} > (6 * 0.0009999999999999432)) without (w))'
)


def test_each_alternative_of_a_generated_rule_is_read(tmp_path: Path) -> None:
    fast, slow = checked(tmp_path, SLOTH)
    assert (fast.verdict, fast.actual) == ("right", "14.4x, 2 % of the budget in 1 h")
    assert (slow.verdict, slow.actual) == ("right", "6x, 5 % of the budget in 6 h")
    assert fast.statement == "Burn: 1 h and 5 min, threshold 0.0144"


def test_a_recorded_burn_of_a_counter_is_a_ratio(tmp_path: Path) -> None:
    (found,) = checked(tmp_path, "sum(http_requests_total:burnrate1h) > (14.40 * 0.01000)")
    assert (found.verdict, found.assumptions[0]) == ("right", "objective 99 %")


@pytest.mark.parametrize(
    "threshold", ["14.4 * 0.001", "0.001 * 14.4", "14.4 * (1 - 0.999)", "(14.4) * 0.1 / 100"]
)
def test_a_threshold_may_be_written_in_many_ways(tmp_path: Path, threshold: str) -> None:
    given = Given(objective=0.999) if "/" in threshold else NOBODY
    (found,) = checked(tmp_path, PAIR.format(threshold), given)
    assert (found.verdict, found.actual) == ("right", "14.4x, 2 % of the budget in 1 h")


def test_a_typed_in_threshold_is_compared_with_what_the_annotation_says(tmp_path: Path) -> None:
    (wrong,) = checked(
        tmp_path,
        "sum(rate(e[1h])) / sum(rate(t[1h])) > 0.006",
        Given(objective=0.999),
        summary="{{ $labels.job }} spends 5 % of the monthly budget in 1 h",
    )
    assert wrong.verdict == "wrong"
    assert wrong.notes == ("it says 5 % of the budget in 1 h: that is 36x, a threshold of 0.036",)
    (right,) = checked(
        tmp_path,
        "sum(rate(e[6h])) / sum(rate(t[6h])) > 0.006",
        Given(objective=0.999),
        summary="5 % of the monthly budget in 6 h",
    )
    assert right.verdict == "right"
    (window,) = checked(
        tmp_path, PAIR.format("6 * 0.001"), summary="5 % of the monthly budget in 6 h"
    )
    assert window.notes == ("it says 6 h, its window is 1 h",)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (PAIR.format("14.4 * 0.1"), "it can never fire"),
        ("ratio_rate3d > 0.933 * 0.001", "it fires at 0.933x, a burn that the budget sustains"),
        ("ratio_rate1h > 14.4 * 0.001 and ratio_rate5m > 6 * 0.001", "the windows differ"),
        ("ratio_rate3d > 14.4 * 0.001", "the whole budget is spent 1.44 times before it fires"),
        ("ratio_rate60d > 1 * 0.001", "its window is longer than the period (30 d)"),
    ],
)
def test_thresholds_that_contradict_themselves_are_wrong(
    tmp_path: Path, expression: str, said: str
) -> None:
    (found,) = checked(tmp_path, expression)
    assert found.verdict == "wrong"
    assert any(said in note for note in found.notes), found.notes


def test_without_an_objective_nothing_is_guessed(tmp_path: Path) -> None:
    (found,) = checked(tmp_path, "ratio_rate1h > 0.0144")
    assert found.verdict == "not_understood"
    assert "--objective" in found.notes[0]


def test_other_alerts_are_left_alone(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no burn-rate threshold was found"):
        checked(tmp_path, "up == 0")


def test_the_rules_that_are_made_here_are_right(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(rules_document([SHOP]))
    found = check_file(path)
    assert [each.verdict for each in found] == ["right"] * 3
    assert [each.actual for each in found] == [
        "14.4x, 2 % of the budget in 1 h",
        "6x, 5 % of the budget in 6 h",
        "1x, 10 % of the budget in 3 d",
    ]


def test_a_count_beside_the_ratio_is_no_burn_rate(tmp_path: Path) -> None:
    past = EventHistory(0, 300, np.zeros(8640), np.full(8640, 2.0))
    test = count_test(past, WORKBOOK_TIERS[0], SHOP.objective)
    assert test is not None
    expression = count_expression(SHOP, WORKBOOK_TIERS[0], test)
    (found,) = checked(tmp_path, expression, Given(objective=0.999))
    assert (found.verdict, found.actual) == ("right", "14.4x, 2 % of the budget in 1 h")
    guard = CountGuard(slo="shop", tier="page-fast", bad_events_at_least=3)
    path = tmp_path / "ours.yaml"
    path.write_text(rules_document([SHOP], [guard]))
    assert [each.verdict for each in check_file(path)] == ["right"] * 3


def test_objectives_are_checked_for_tiers_that_contradict_themselves(tmp_path: Path) -> None:
    path = tmp_path / "slo.yaml"
    path.write_text(to_openslo(SHOP))
    (right,) = check_file(path)
    assert right.verdict == "right"
    assert "page-fast: 2 % x 720 h / 1 h = 14.4x, threshold 0.0144" in right.arithmetic
    path.write_text(to_openslo(SHOP.model_copy(update={"objective": 0.9})))
    (wrong,) = check_file(path)
    assert wrong.verdict == "wrong"
    assert "page-fast can never fire" in wrong.notes[0]


CONDITION = """
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {{name: fast}}
spec:
  description: 2 % of the monthly budget in 1 h
  severity: page
  condition: {{kind: burnrate, op: gt, threshold: {threshold}, lookbackWindow: 1h, alertAfter: 2m}}
"""


@pytest.mark.parametrize(("threshold", "verdict"), [(14.4, "right"), (2, "wrong")])
def test_an_openslo_condition_is_compared_with_its_description(
    tmp_path: Path, threshold: float, verdict: str
) -> None:
    path = tmp_path / "slo.yaml"
    path.write_text(to_openslo(SHOP) + CONDITION.format(threshold=threshold))
    _, condition = check_file(path)
    assert condition.verdict == verdict
    assert condition.assumptions == ("objective 99.9 %",)


def test_an_openslo_condition_without_its_objective_is_not_understood(tmp_path: Path) -> None:
    path = tmp_path / "condition.yaml"
    path.write_text(CONDITION.format(threshold=14.4))
    (found,) = check_file(path)
    assert found.verdict == "not_understood"


@pytest.mark.parametrize("text", ["a: 1", "[1, 2]", "groups: 5", "{", "apiVersion: v1\nkind: Pod"])
def test_a_file_of_another_kind_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"other\.yaml"):
        check_file(path)
