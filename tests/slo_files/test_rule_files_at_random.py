"""Made-up SLOs of any period, objective and tiers: promtool accepts all, and tells a wrong one."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pytest
from test_rule_files_written import changed
from test_rule_tests_generated import SHAPES

from holdfast.model.slo import SLO, BurnTier
from holdfast.slo.burn import can_fire
from holdfast.slo.files.promtool import check_rule_tests, check_rules
from holdfast.slo.files.rule_tests import rule_tests
from holdfast.slo.files.rules import CountGuard, rules_document

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed"
)


def random_slo(chance: random.Random) -> SLO:
    """An objective of 90 to 99.99 % over minutes to 90 days; its tiers can fire."""
    scale = chance.choice([60.0, 1800.0, 3600.0, 4000.0])
    period = scale * chance.choice([24, 168, 672, 720, 2160])
    objective = 1 - 10 ** chance.uniform(-4, -1)
    shape = chance.choice(SHAPES)
    tiers: list[BurnTier] = []
    for index in range(chance.choice([1, 1, 2])):
        long = scale * chance.choice([1, 1.5, 6, 12])
        tier = BurnTier(
            name=f"tier-{index}",
            action=chance.choice(["page", "ticket"]),
            budget_fraction=chance.choice([0.01, 0.02, 0.05, 0.1, 0.37, 1.0]),
            long_window_seconds=long,
            short_window_seconds=round(long / chance.choice([1.3, 2, 12, 12, 30]), 3),
        )
        whole = changed(period_seconds=period, objective=objective, tiers=[tier.model_dump()])
        if can_fire(tier, whole):
            tiers.append(tier)
    return shape.model_copy(
        update={"period_seconds": period, "objective": objective, "tiers": tuple(tiers)}
    )


@needs_promtool
@pytest.mark.long
@pytest.mark.parametrize("seed", range(24))
def test_promtool_accepts_what_is_generated_and_finds_a_wrong_threshold(
    seed: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    slo = random_slo(chance)
    guards = [
        CountGuard(slo.name, tier.name, chance.choice([1, 3, 100]))
        for tier in slo.tiers
        if chance.random() < 0.3
    ]
    rules, tests = tmp_path / "rules.yaml", tmp_path / "rules_test.yaml"
    rules.write_text(rules_document([slo], guards))
    tests.write_text(rule_tests([slo], guards))
    for result in (check_rules(rules), check_rule_tests(tests)):
        assert result is not None
        assert result.passed, (slo, result.output)
    if not slo.tiers:
        return
    written = re.findall(r"(?<=[^=]) > (\d[\d.e-]*)", rules.read_text())
    threshold = next(value for value in written if value != "0")
    factor = chance.choice([0.5, 0.97, 1.03, 2.0])
    wrong = rules.read_text().replace(f"> {threshold}", f"> {float(threshold) * factor:.12g}")
    rules.write_text(wrong)
    if float(threshold) * factor < 1:
        result = check_rule_tests(tests)
        assert result is not None
        assert not result.passed, (slo, factor)
