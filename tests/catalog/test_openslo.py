"""SLOs travel as OpenSLO v1 documents and come back the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from holdfast.catalog.defaults import WORKBOOK_TIERS
from holdfast.catalog.openslo import from_openslo, to_openslo
from holdfast.errors import ConfigError
from holdfast.model.slo import SLO, BurnTier, RatioIndicator

LATENCY = SLO(
    name="Shop Latency_1",
    service="shop",
    description="Fast enough to be used",
    owner="team-shop",
    kind="latency",
    indicator=RatioIndicator(
        bad_query="sum(rate(slow_total[$window]))", total_query="sum(rate(all_total[$window]))"
    ),
    objective=0.95,
    threshold_seconds=0.25,
    period_seconds=1234.5,
    period_note="a compressed period",
    tiers=(
        BurnTier(
            name="fast",
            action="page",
            budget_fraction=0.02,
            long_window_seconds=10,
            short_window_seconds=2.5,
        ),
    ),
)
AVAILABILITY = LATENCY.model_copy(
    update={
        "name": "shop-availability",
        "kind": "availability",
        "threshold_seconds": None,
        "period_seconds": 30 * 86400.0,
        "period_note": "",
        "tiers": WORKBOOK_TIERS,
    }
)
FILE = Path("slo.yaml")

FOREIGN = """
apiVersion: openslo/v1
kind: Service
metadata: {name: shop}
spec: {}
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: shop-errors}
spec:
  ratioMetric:
    counter: true
    good: {metricSource: {type: Prometheus, spec: {query: 'http_requests_total{code!~"5.."}'}}}
    total: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(all[{{.window}}]))'}}}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: shop-availability, labels: {tier: "1"}}
spec:
  service: shop
  indicatorRef: shop-errors
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{targetPercent: 99.5}]
"""


@pytest.mark.parametrize("slo", [LATENCY, AVAILABILITY], ids=["latency", "availability"])
def test_an_slo_comes_back_the_same(slo: SLO) -> None:
    assert from_openslo(to_openslo(slo), FILE) == (slo,)


def test_the_document_is_openslo_v1_and_the_tiers_are_annotations() -> None:
    document = yaml.safe_load(to_openslo(AVAILABILITY))
    assert document["apiVersion"] == "openslo/v1"
    assert document["kind"] == "SLO"
    assert document["spec"]["budgetingMethod"] == "Occurrences"
    assert document["spec"]["timeWindow"] == [{"duration": "30d", "isRolling": True}]
    assert document["spec"]["indicator"]["spec"]["ratioMetric"]["counter"] is True
    annotations = document["metadata"]["annotations"]
    assert all(key.startswith("holdfast.dev/") for key in annotations)
    assert all(isinstance(value, str) for value in annotations.values())
    assert "burn_rate" not in annotations["holdfast.dev/burn-rate-tiers"]


def test_a_name_that_openslo_cannot_carry_is_kept_beside_it() -> None:
    document = yaml.safe_load(to_openslo(LATENCY))
    assert document["metadata"]["name"] == "shop-latency-1"
    assert document["metadata"]["annotations"]["holdfast.dev/name"] == "Shop Latency_1"


def test_somebody_elses_document_gets_the_workbooks_tiers() -> None:
    (slo,) = from_openslo(FOREIGN, FILE)
    assert slo.tiers == WORKBOOK_TIERS
    assert slo.objective == 0.995
    assert slo.period_seconds == 28 * 86400
    assert slo.indicator.total_query == "sum(rate(all[$window]))"
    assert slo.indicator.bad_query == (
        '(sum(rate(all[$window]))) - (sum(rate(http_requests_total{code!~"5.."}[$window])))'
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Occurrences", "Timeslices", "Timeslices"),
        ("isRolling: true", "isRolling: false", "calendar"),
        ("duration: 4w", "duration: 1M", "months differ"),
        ("{targetPercent: 99.5}", "{target: 0.9}, {target: 0.8}", "several objectives"),
        ("{targetPercent: 99.5}", "{target: 1.5}", "objective"),
        ("{targetPercent: 99.5}", "{}", "either target or targetPercent"),
        ("indicatorRef: shop-errors", "indicatorRef: other", "none of the file's SLI"),
        ("sum(rate(all[{{.window}}]))", "sum(rate(all[5m]))", "no $window"),
        ("openslo/v1\nkind: SLO", "openslo/v2\nkind: SLO", "no document of openslo/v1"),
        ("kind: SLO", "kind: AlertPolicy", "no document of kind SLO"),
        ("budgetingMethod", "budgettingMethod", "budgettingMethod"),
    ],
)
def test_what_cannot_be_carried_is_refused_by_name(old: str, new: str, said: str) -> None:
    assert old in FOREIGN
    with pytest.raises(ConfigError) as caught:
        from_openslo(FOREIGN.replace(old, new), FILE)
    assert "slo.yaml" in str(caught.value)
    assert said in str(caught.value)
