"""The rules that Prometheus evaluates are those that Holdfast evaluates."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from test_burn_arithmetic import slo

from holdfast.catalog.defaults import WORKBOOK_TIERS
from holdfast.catalog.template import parse
from holdfast.model.slo import RatioIndicator
from holdfast.slo.rules import alerting_rules, ratio_query, tier_expression

OBJECTIVE = slo(0.999, *WORKBOOK_TIERS).model_copy(
    update={
        "indicator": RatioIndicator(
            bad_query='sum(rate(requests_total{code=~"5.."}[$window]))',
            total_query="sum(rate(requests_total[$window]))",
        )
    }
)
promtool = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(promtool is None, reason="promtool is not installed")


def test_a_ratio_keeps_its_queries_apart() -> None:
    assert ratio_query(OBJECTIVE, 300) == (
        '(sum(rate(requests_total{code=~"5.."}[5m]))) / (sum(rate(requests_total[5m])))'
    )


def test_a_tier_asks_for_both_windows() -> None:
    expression = tier_expression(OBJECTIVE, WORKBOOK_TIERS[0])
    parse(expression)
    assert expression.count("> 0.0144") == 2
    assert "[1h]" in expression
    assert "[5m]" in expression


@needs_promtool
def test_prometheus_accepts_the_rules_and_fires_as_the_arithmetic_says(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(alerting_rules([OBJECTIVE]))
    # 10 requests a second, none bad for three days, then all bad: the steady case of the
    # Workbook, where the tiers are due after 0.86, 2.16 and 4.32 minutes.
    labels = {"service": "shop", "slo": "shop-availability"}
    summary = "shop spends the error budget of shop-availability too fast"

    def due(tier: str, severity: str, rate: str) -> dict[str, object]:
        return {
            "exp_labels": {**labels, "tier": tier, "severity": severity},
            "exp_annotations": {"summary": summary, "burn_rate_threshold": rate},
        }

    fast = due("page-fast", "page", "14.4")
    slow = due("page-slow", "page", "6")
    ticket = due("ticket", "ticket", "1")
    expected = {0: [], 1: [fast], 2: [fast], 3: [fast, slow], 4: [fast, slow]}
    expected[5] = [fast, slow, ticket]
    case = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": 'requests_total{code="200"}', "values": "0+600x4320 2592000x10"},
                    {"series": 'requests_total{code="500"}', "values": "0x4320 600+600x10"},
                ],
                "alert_rule_test": [
                    {
                        "eval_time": f"{4320 + minute}m",
                        "alertname": "ErrorBudgetBurn",
                        "exp_alerts": alerts,
                    }
                    for minute, alerts in expected.items()
                ],
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(case))
    for command in (["check", "rules", "rules.yaml"], ["test", "rules", "test.yaml"]):
        done = subprocess.run(
            [str(promtool), *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
