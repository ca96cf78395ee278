"""`dashboard.json`: what Grafana's schema knows, PromQL that parses, series that the rules make."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
import yaml
from test_rule_files_written import SHOP, changed
from test_rule_tests_generated import SHAPES

from holdfast.errors import InputError
from holdfast.model.slo import SLO
from holdfast.slo.files.dashboard import dashboard, dashboard_document
from holdfast.slo.files.rules import rules_document

LATENCY = SHAPES[3].model_copy(update={"threshold_seconds": 1.0})


def panels(slos: list[SLO]) -> list[dict[str, Any]]:
    return json.loads(dashboard_document(slos))["panels"]


def targets(slos: list[SLO]) -> Iterator[str]:
    for panel in panels(slos):
        for target in panel.get("targets", []):
            yield target["expr"]


def test_grafanas_schema_knows_every_field_and_value() -> None:
    schema = pytest.importorskip("grafana_schema")
    for slos in ([SHOP], SHAPES, [changed(tiers=[])]):
        assert schema.mistakes(json.loads(dashboard_document(slos))) == []


def test_the_schema_check_finds_what_is_wrong() -> None:
    schema = pytest.importorskip("grafana_schema")
    made = json.loads(dashboard_document([SHOP]))
    made["panels"][1]["gridPos"]["w"] = "4"
    made["panels"][4]["options"]["legend"]["placement"] = "left"
    made["panels"][5]["targets"][0]["exprs"] = "up"
    assert len(schema.mistakes(made)) == 3


def test_every_query_parses_and_asks_only_for_what_the_rules_record() -> None:
    recorded = {
        rule["record"]
        for group in yaml.safe_load(rules_document(SHAPES))["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    asked: set[str] = set()

    def note(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            asked.add(node.name or "")

    for promql in targets(SHAPES):
        tree = promql_parser.parse(promql.replace("$__rate_interval", "5m"))
        promql_parser.walk(tree, pre_visit=note)
    assert {name for name in asked if name.startswith("slo:")} <= recorded
    assert {name for name in asked if not name.startswith("slo:")} == {
        "http_request_duration_seconds_bucket",
        "d_bucket",
    }


def test_it_shows_the_sli_the_budget_the_burn_and_each_day() -> None:
    titles = [panel["title"] for panel in panels([LATENCY])]
    assert titles == [
        "shop: latency, 0.99 over 30d",
        "Budget left",
        "SLI over 30d",
        "Period recorded",
        "SLI",
        "Burn rate by window",
        "Budget left",
        "Budget spent by day",
        "Latency",
    ]
    lines = {t["legendFormat"]: t["expr"] for p in panels([SHOP]) for t in p.get("targets", [])}
    assert lines["objective"] == 'slo:objective:ratio{service="shop",slo="shop-availability"}'
    assert lines["page-fast: 14.4"] == "vector(14.4)"


def test_latency_is_a_heat_map_of_the_buckets_that_the_objective_counts_in() -> None:
    heat = next(panel for panel in panels([LATENCY]) if panel["type"] == "heatmap")
    assert heat["targets"][0]["expr"] == (
        'sum by (le) (rate(http_request_duration_seconds_bucket{job="shop"}[$__rate_interval]))'
    )
    assert heat["targets"][0]["format"] == "heatmap"
    assert heat["options"]["yAxis"]["unit"] == "s"
    assert not any(panel["type"] == "heatmap" for panel in panels([SHOP]))


def test_panels_neither_overlap_nor_share_an_id() -> None:
    shown = panels(SHAPES)
    identifiers = [panel["id"] for panel in shown]
    assert len(set(identifiers)) == len(identifiers)
    taken: set[tuple[int, int]] = set()
    for panel in shown:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_its_data_source_is_chosen_where_it_is_opened() -> None:
    made: dict[str, Any] = dashboard([SHOP])
    [variable] = made["templating"]["list"]
    assert (variable["name"], variable["type"]) == ("datasource", "datasource")
    for panel in made["panels"][1:]:
        assert panel["datasource"]["uid"] == "${datasource}"


def test_the_same_objectives_keep_their_address() -> None:
    assert dashboard([SHOP])["uid"] == dashboard([changed(objective=0.99)])["uid"]
    assert dashboard([SHOP])["uid"] != dashboard([SHOP, LATENCY])["uid"]
    assert len(str(dashboard([SHOP])["uid"])) <= 40


def test_a_short_period_is_shown_in_parts_of_it() -> None:
    lab = changed(period_seconds=12 * 3600.0, tiers=[])
    bars = next(p for p in panels([lab]) if p["title"].startswith("Budget spent by"))
    assert bars["title"] == "Budget spent by 30m"
    assert bars["interval"] == "30m"


def test_no_objective_is_refused() -> None:
    with pytest.raises(InputError, match="no SLO was given"):
        dashboard([])
