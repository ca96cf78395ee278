"""`rules.yaml`: what Prometheus accepts, fires as the arithmetic says, and says why."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from holdfast.catalog.defaults import WORKBOOK_TIERS
from holdfast.errors import ConfigError, InputError, PromQLError, SourceUnavailable
from holdfast.model.slo import SLO, BurnTier, RatioIndicator
from holdfast.slo.files.promtool import check_rule_tests, check_rules
from holdfast.slo.files.rules import CountGuard, alert_rules, rules_document
from holdfast.slo.rule_files import read_rules

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed"
)

SHOP = SLO(
    name="shop-availability",
    service="shop",
    kind="availability",
    indicator=RatioIndicator(
        bad_query='sum(rate(requests_total{code=~"5.."}[$window]))',
        total_query="sum(rate(requests_total[$window]))",
    ),
    objective=0.999,
    period_seconds=30 * 86400,
    tiers=WORKBOOK_TIERS,
)


def changed(**fields: object) -> SLO:
    return SLO.model_validate({**SHOP.model_dump(), **fields})


def rules_of(text: str) -> dict[str, dict[str, str]]:
    """Recorded series by name."""
    [group] = yaml.safe_load(text)["groups"]
    return {rule["record"]: rule for rule in group["rules"] if "record" in rule}


@needs_promtool
def test_prometheus_accepts_the_rules_and_fires_as_the_arithmetic_says(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    ticket = WORKBOOK_TIERS[2].model_copy(update={"long_window_seconds": 12 * 3600.0})
    rules.write_text(
        rules_document([SHOP.model_copy(update={"tiers": (*WORKBOOK_TIERS[:2], ticket)})])
    )
    # 10 requests a second, none bad for twelve hours, then all bad: the steady case of the
    # Workbook, where tiers of 2, 5 and 10 % are due after 0.86, 2.16 and 4.32 minutes.
    expected = {1: ["page-fast"], 2: ["page-fast"], 3: ["page-fast", "page-slow"]}
    expected |= {0: [], 4: expected[3], 5: [*expected[3], "ticket"]}
    firing = 'count by (tier) (ALERTS{alertname="ErrorBudgetBurn",alertstate="firing"})'
    case = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": 'requests_total{code="200"}', "values": "0+600x720 432000x10"},
                    {"series": 'requests_total{code="500"}', "values": "0x720 600+600x10"},
                ],
                "promql_expr_test": [
                    {
                        "expr": firing,
                        "eval_time": f"{720 + minute}m",
                        "exp_samples": [
                            {"labels": f'{{tier="{tier}"}}', "value": 1} for tier in tiers
                        ],
                    }
                    for minute, tiers in sorted(expected.items())
                ],
            }
        ],
    }
    tests = tmp_path / "test.yaml"
    tests.write_text(yaml.safe_dump(case))
    for result in (check_rules(rules), check_rule_tests(tests)):
        assert result is not None
        assert result.passed, result.output


def test_each_alert_says_how_its_threshold_follows_from_what_was_agreed_on() -> None:
    fast, slow, ticket, _ = alert_rules(SHOP)
    assert fast.annotations["threshold_reason"] == (
        "2 % of the budget in 1h of 30d: a burn rate of 0.02 x 30d / 1h = 14.4, an error ratio of "
        "14.4 x (1 - 0.999) = 0.0144."
    )
    assert slow.annotations["burn_rate_threshold"] == "6"
    assert ticket.labels["severity"] == "ticket"
    assert fast.expression == (
        'slo:error:ratio_rate1h{service="shop",slo="shop-availability"} > 0.0144 and '
        'slo:error:ratio_rate5m{service="shop",slo="shop-availability"} > 0.0144'
    )


def test_a_seven_day_period_has_thresholds_of_its_own() -> None:
    week = changed(period_seconds=7 * 86400.0)
    assert [rule.annotations.get("burn_rate_threshold") for rule in alert_rules(week)] == [
        "3.36",
        "1.4",
        "0.233333333333",
        None,
    ]


def test_the_period_is_weighted_by_events_and_knows_no_nan() -> None:
    recorded = rules_of(rules_document([SHOP]))
    labels = '{service="shop",slo="shop-availability"}'
    assert (
        recorded["slo:period_error:ratio"]["expr"].split()
        == (
            f"sum_over_time(slo:bad_events:increase5m{labels}[30d]) / "
            f"(sum_over_time(slo:events:increase5m{labels}[30d]) > 0)"
        ).split()
    )
    assert all("> 0)" in r["expr"] for n, r in recorded.items() if n.startswith("slo:error:ratio"))


def test_a_compressed_period_is_evaluated_often_enough_for_its_shortest_window() -> None:
    tier = BurnTier(
        name="page",
        action="page",
        budget_fraction=0.5,
        long_window_seconds=10,
        short_window_seconds=2.5,
    )
    lab = changed(period_seconds=240, tiers=[tier.model_dump()], objective=0.95)
    [group] = yaml.safe_load(rules_document([lab]))["groups"]
    assert group["interval"] == "500ms"
    assert "slo:error:ratio_rate2500ms" in rules_of(rules_document([lab]))


def test_a_guard_asks_for_so_many_bad_events_in_the_long_window() -> None:
    guard = CountGuard("shop-availability", "page-fast", 5)
    fast, slow, *_ = alert_rules(SHOP, [guard])
    assert fast.expression.endswith(
        'slo:bad_events:increase1h{service="shop",slo="shop-availability"} >= 5'
    )
    assert ">=" not in slow.expression
    assert "It needs 5 bad events in 1h" in fast.annotations["threshold_reason"]
    recorded = rules_of(rules_document([SHOP], [guard]))
    assert recorded["slo:bad_events:increase1h"]["expr"].endswith("* 3600")
    with pytest.raises(InputError, match="tier nightly of SLO shop-availability: there is none"):
        rules_document([SHOP], [CountGuard("shop-availability", "nightly", 5)])


def test_holdfast_reads_the_alerts_back(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(rules_document([SHOP]))
    assert read_rules(path) == alert_rules(SHOP)


@pytest.mark.parametrize(
    ("slos", "error", "said"),
    [
        ([], InputError, "no SLO was given"),
        ([SHOP, SHOP], InputError, "the SLO name 'shop-availability' is given 2 times"),
        (
            [changed(objective=0.9)],
            InputError,
            "tier page-fast: can never fire.*objective above 0.930556",
        ),
        (
            [changed(period_seconds=7200.0)],
            InputError,
            "tier page-slow: long_window_seconds: 6h is longer than the period of 2h",
        ),
        (
            [changed(indicator={"bad_query": "sum(rate(x[$window])", "total_query": "y"})],
            PromQLError,
            "is not PromQL",
        ),
        (
            [changed(indicator={"bad_query": "b", "total_query": "sum(rate(t[1h])) or vector(0)"})],
            InputError,
            "indicator.total_query: it answers even where nothing is counted",
        ),
        (
            [changed(indicator={"bad_query": "sum(irate(x[$window]))", "total_query": "y"})],
            ConfigError,
            "irate",
        ),
    ],
)
def test_what_can_never_work_is_refused_by_name(
    slos: list[SLO], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        rules_document(slos)


@needs_promtool
def test_the_budget_weighs_events_where_traffic_varies_and_stops(tmp_path: Path) -> None:
    """Eleven busy hours, one of a hundredth of the traffic that is all bad, one without any.

    Per minute 600, 6 and 0 events: 360 of 396,360 are bad. A mean of ratios would say one in
    thirteen, and the hour without traffic would make it no number.
    """
    slo = changed(period_seconds=13 * 3600.0, objective=0.99, tiers=[])
    (tmp_path / "rules.yaml").write_text(rules_document([slo]))
    true_ratio = 360 / (11 * 60 * 600 + 360)
    series = 'slo="shop-availability",service="shop"'
    within = {
        f"abs(slo:period_error:ratio{{{series}}} - {true_ratio})": 0.01 * true_ratio,
        f"abs(slo:error_budget_remaining:ratio{{{series}}} - {1 - true_ratio / 0.01})": 0.002,
        f"abs(slo:period_recorded:ratio{{{series}}} - 1)": 0.01,
    }
    case = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {
                        "series": 'requests_total{code="200"}',
                        "values": "1000000+600x660 1396000x120",
                    },
                    {
                        "series": 'requests_total{code="500"}',
                        "values": "1000000x660 1000006+6x59 1000360x59",
                    },
                ],
                "promql_expr_test": [
                    {
                        "expr": f"{promql} < bool {most}",
                        "eval_time": "13h",
                        "exp_samples": [{"labels": f"{{{series}}}", "value": 1}],
                    }
                    for promql, most in within.items()
                ],
            }
        ],
    }
    tests = tmp_path / "test.yaml"
    tests.write_text(yaml.safe_dump(case))
    result = check_rule_tests(tests)
    assert result is not None
    assert result.passed, result.output


@needs_promtool
def test_what_promtool_says_is_kept_and_its_absence_is_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(rules_document([SHOP]).replace("absent(", "absence("))
    wrong = check_rules(rules)
    assert wrong is not None
    assert not wrong.passed
    assert any('unknown function with name "absence"' in line for line in wrong.failures)
    program = tmp_path / "promtool"
    program.write_text("#!/bin/sh\nexec sleep 30\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SourceUnavailable, match=r"did not end within 0\.2 s"):
        check_rules(rules, timeout_seconds=0.2)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert check_rules(rules) is None
    assert check_rule_tests(rules) is None
