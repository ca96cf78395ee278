"""`rules_test.yaml`: promtool accepts it for many SLOs, and a wrong rule fails it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from test_rule_files_written import SHOP, changed

from holdfast.catalog.defaults import WORKBOOK_TIERS
from holdfast.errors import InputError
from holdfast.model.slo import SLO, BurnTier, RatioIndicator
from holdfast.slo.files.event_series import event_series
from holdfast.slo.files.promtool import PromtoolResult, check_rule_tests, check_rules
from holdfast.slo.files.rule_tests import rule_tests
from holdfast.slo.files.rules import CountGuard, rules_document

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed"
)


def write(folder: Path, slos: list[SLO], guards: list[CountGuard] | None = None) -> None:
    (folder / "rules.yaml").write_text(rules_document(slos, guards or []))
    (folder / "rules_test.yaml").write_text(rule_tests(slos, guards or []))


def passes(folder: Path) -> PromtoolResult:
    accepted = check_rules(folder / "rules.yaml")
    assert accepted is not None
    assert accepted.passed, accepted.output
    tested = check_rule_tests(folder / "rules_test.yaml")
    assert tested is not None
    return tested


def slo(name: str, bad: str, total: str, **fields: object) -> SLO:
    return changed(name=name, indicator=RatioIndicator(bad_query=bad, total_query=total), **fields)


def tier(name: str, fraction: float, long: float, short: float) -> dict[str, object]:
    return BurnTier(
        name=name,
        action="page",
        budget_fraction=fraction,
        long_window_seconds=long,
        short_window_seconds=short,
    ).model_dump()


REQUESTS = "sum(rate(http_requests_total{job='shop'}[$window]))"
COUNT = 'sum(rate(http_request_duration_seconds_count{job="shop"}[$window]))'
BUCKET = 'http_request_duration_seconds_bucket{job="shop",le=~"1|1\\\\.0"}'
SHAPES = [
    SHOP,
    slo("errors-or-zero", f"(sum(rate(errors_total[$window])) or 0 * {REQUESTS})", REQUESTS),
    slo("errors-or-vector", "sum(rate(errors_total[$window])) or vector(0)", REQUESTS),
    slo("latency", f"({COUNT} - sum(rate({BUCKET}[$window])))", COUNT, objective=0.99),
    slo(
        "latency-of-buckets",
        'sum(rate(d_bucket{le="+Inf"}[$window])) - sum(rate(d_bucket{le="0.25"}[$window]))',
        'sum(rate(d_bucket{le="+Inf"}[$window]))',
    ),
    slo(
        "good-and-total",
        'sum(rate(r_total{app="shop"}[$window])) - sum(rate(r_total{app="shop",ok="1"}[$window]))',
        'sum(rate(r_total{app="shop"}[$window]))',
    ),
    slo(
        "two-counters",
        "sum(rate(failed_total[$window]))",
        "sum(rate(failed_total[$window])) + sum(rate(succeeded_total[$window]))",
    ),
    slo(
        "many-matchers",
        'sum(rate(r{method!="OPTIONS",code=~"5..|429",path!~"/health.*|/ready"}[$window]))',
        'sum(rate(r{method!="OPTIONS",code!~"4[0-1].",path!~"/health.*|/ready"}[$window]))',
    ),
    slo(
        "increases",
        'sum(increase(r{code=~"(5[0-9]{2}|timeout)"}[$window]))',
        "sum(increase(r[$window]))",
    ),
    slo(
        "by-name",
        'sum(rate({__name__=~"grpc_(server|client)_handled_total",grpc_code!="OK"}[$window]))',
        'sum(rate({__name__="grpc_server_handled_total"}[$window]))',
    ),
]


@needs_promtool
@pytest.mark.parametrize("shape", SHAPES, ids=lambda one: one.name)
def test_promtool_accepts_rules_and_tests_of_many_shapes(shape: SLO, tmp_path: Path) -> None:
    write(tmp_path, [shape.model_copy(update={"tiers": WORKBOOK_TIERS[:1]})])
    result = passes(tmp_path)
    assert result.passed, result.output


MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
SCALES = {
    "7 d": (7 * DAY, 0.99, [tier("fast", 0.1, HOUR, 300), tier("slow", 0.3, 6 * HOUR, 1800)]),
    "28 d": (28 * DAY, 0.9999, [t.model_dump() for t in WORKBOOK_TIERS]),
    "90 d": (90 * DAY, 0.99, [t.model_dump() for t in WORKBOOK_TIERS]),
    "12 h": (12 * HOUR, 0.9, [tier("fast", 0.1, 10 * MINUTE, 60), tier("slow", 0.2, HOUR, 300)]),
    "odd windows": (
        30 * DAY,
        0.9995,
        [tier("a", 0.0208, 64 * MINUTE, 5 * MINUTE), tier("b", 0.0625, 386 * MINUTE, 32 * MINUTE)],
    ),
    "windows nearly alike": (30 * DAY, 0.99, [tier("a", 0.02, HOUR, 55 * MINUTE)]),
    "hardly reachable": (30 * DAY, 0.931, [tier("a", 0.02, HOUR, 300)]),
    "minutes": (240.0, 0.95, [tier("fast", 0.2, 10, 2.5), tier("slow", 0.5, 40, 10)]),
    "no tier": (30 * DAY, 0.99, []),
}


@needs_promtool
@pytest.mark.parametrize("scale", SCALES)
def test_promtool_accepts_rules_and_tests_of_any_period_and_objective(
    scale: str, tmp_path: Path
) -> None:
    period, objective, tiers = SCALES[scale]
    write(tmp_path, [changed(period_seconds=period, objective=objective, tiers=tiers)])
    result = passes(tmp_path)
    assert result.passed, result.output


@needs_promtool
def test_objectives_that_share_metrics_and_a_guard_stand_in_one_file(tmp_path: Path) -> None:
    tiers = [t.model_dump() for t in WORKBOOK_TIERS[:2]]
    availability = slo("availability", f"{COUNT} * 0.5", COUNT).model_copy(
        update={"indicator": SHAPES[1].indicator, "tiers": WORKBOOK_TIERS[:1]}
    )
    latency = SHAPES[3].model_copy(update={"tiers": WORKBOOK_TIERS[:1]})
    slos = [changed(name="first", tiers=tiers), availability, latency]
    write(tmp_path, slos, [CountGuard("first", "page-fast", 20)])
    result = passes(tmp_path)
    assert result.passed, result.output


def _other(pattern: str, replacement: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        changed_text, count = re.subn(pattern, replacement, text, count=1)
        assert count == 1, pattern
        return changed_text

    return change


RATIO_1H = r"- alert: ErrorBudgetBurn\n    expr: slo:error:ratio_rate1h"
MUTATIONS = {
    "a higher threshold in both windows": lambda text: text.replace("> 0.0144", "> 0.0148"),
    "a lower threshold in both windows": lambda text: text.replace("> 0.0144", "> 0.0140"),
    "the threshold of another objective": lambda text: text.replace("> 0.0144", "> 0.144"),
    "the long window is left out": _other(
        r"(- alert: ErrorBudgetBurn\n    expr: )slo:error:ratio_rate1h.* and slo", r"\1slo"
    ),
    "the short window is left out": _other(
        r"(ratio_rate1h\{[^}]*\} > 0.0144) and [^\n]*\n\s+> 0.0144", r"\1"
    ),
    "a long window half as long": _other(RATIO_1H, RATIO_1H.replace("1h", "30m")),
    "a wrong label": _other("tier: page-fast", "tier: page-fest"),
    "bad and all events swapped": _other(
        r'(ratio_rate1h\n    expr: \(sum\(rate\(requests_total)\{code=~"5\.\."\}', r"\1"
    ),
    "no data is never told": _other("absent\\(slo:events:increase5m", "absent(up"),
}


@needs_promtool
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_wrong_rule_fails_the_generated_tests(mutation: str, tmp_path: Path) -> None:
    one = changed(tiers=[WORKBOOK_TIERS[0].model_dump()])
    write(tmp_path, [one])
    rules = tmp_path / "rules.yaml"
    text = rules.read_text()
    rules.write_text(MUTATIONS[mutation](text))
    assert rules.read_text() != text
    result = check_rule_tests(tmp_path / "rules_test.yaml")
    assert result is not None
    assert not result.passed
    assert result.failures


def test_a_good_and_a_bad_event_count_in_series_of_the_queries_own_making() -> None:
    series = event_series(SHAPES[3])
    names = [
        [labels["__name__"].rpartition("_")[2] for labels in e] for e in (series.good, series.bad)
    ]
    assert [sorted(n) for n in names] == [["bucket", "count"], ["count"]]
    assert {"job": "shop", "le": "1"}.items() <= next(x for x in series.good if "le" in x).items()
    many = event_series(SHAPES[7])
    [bad] = many.bad
    assert bad["code"] == "500"
    assert not re.fullmatch("/health.*|/ready", bad["path"])


@pytest.mark.parametrize(
    ("bad", "total", "said"),
    [
        ("sum by (code) (rate(a[$window]))", "sum(rate(b[$window]))", "keeps the labels code"),
        ('sum(rate(a{x=~"[^ -~]+"}[$window]))', REQUESTS, "no example was found for x=~"),
        ("rate(a[$window])", "sum(rate(b[$window]))", "keeps the labels instance"),
        ("0 * sum(rate(a[$window]))", "sum(rate(a[$window]))", "counts one bad event"),
        ("sum(rate(a[$window]))", "sum(rate(a[$window]))", "counts one good event"),
        ('sum(rate({job="x"}[$window]))', "sum(rate(a[$window]))", "names no metric"),
        ("sum(rate(a[$window])) ^ 2", "sum(rate(b[$window]))", "bad event"),
    ],
)
def test_queries_that_no_series_follow_from_are_refused_by_name(
    bad: str, total: str, said: str
) -> None:
    with pytest.raises(InputError, match=re.escape(said)) as refused:
        rule_tests([slo("odd", bad, total)])
    assert str(refused.value).startswith("SLO odd: indicator: no test can be derived")


def test_the_tests_name_every_alert_of_the_rules() -> None:
    rules = yaml.safe_load(rules_document([SHOP]))
    tests = rule_tests([SHOP])
    for rule in rules["groups"][0]["rules"]:
        if "alert" in rule:
            assert f'alertname="{rule["alert"]}"' in tests
            assert rule["labels"].get("tier", "") in tests
