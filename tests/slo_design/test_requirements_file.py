"""A requirements file: what it may say, and each mistake told by file and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.errors import ConfigError
from holdfast.slo.design.requirements_file import load_requirements

WHOLE = """
service: shop
owner: team-shop
period_days: 28
user_expectations:
  - {kind: availability, objective: 0.99, source: interviews in March}
  - {kind: latency, objective: 0.95, threshold_seconds: 0.25}
business: {downtime_cost_per_hour: 12000, currency: EUR}
sla: {objective: 0.98, name: the contract with Acme}
dependencies:
  - {name: postgres, objective: 0.9995, kind: serial}
  - {name: cache-a, objective: 0.99, kind: redundant, group: cache}
  - {name: cache-b, objective: 0.99, kind: redundant, group: cache}
  - {name: recommendations, objective: 0.95, kind: soft}
sign_off: [{role: product, name: Ada}]
review_dates: [2027-01-15]
"""


def load(folder: Path, text: str) -> object:
    path = folder / "requirements.yaml"
    path.write_text(text)
    return load_requirements(path, "shop")


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "requirements.yaml"
    path.write_text(WHOLE)
    found = load_requirements(path, "shop")
    latency = found.expectation("latency")
    assert latency is not None
    assert latency.threshold_seconds == 0.25
    assert found.business is not None
    assert found.business.currency == "EUR"
    assert [d.kind for d in found.dependencies] == ["serial", "redundant", "redundant", "soft"]
    assert found.sign_off[0].name == "Ada"


def test_an_empty_wish_is_a_wish(tmp_path: Path) -> None:
    path = tmp_path / "requirements.yaml"
    path.write_text("owner: unassigned\n")
    assert load_requirements(path, "shop").user_expectations == ()


MISTAKES = {
    "user_expectations: [{kind: availability, objective: 1.0}]": (
        "user_expectations[0].objective",
        "100 %",
    ),
    "user_expectations: [{kind: availability, objective: 0}]": (
        "user_expectations[0].objective",
        "0 %",
    ),
    "user_expectations: [{kind: availability, objective: 0.9, threshold_seconds: 1}]": (
        "user_expectations[0]",
        "threshold_seconds",
    ),
    "user_expectations: [{kind: latency, objective: .9}, {kind: latency, objective: .8}]": (
        "user_expectations[1].kind",
        "twice",
    ),
    "sla: {objective: 1.2}": ("sla.objective", "100 %"),
    "business: {downtime_cost_per_hour: 5}": ("business.currency", "missing"),
    "business: {downtime_cost_per_hour: -5, currency: EUR}": ("business.downtime_cost_per_hour",),
    "business: {downtime_cost_per_hour: 5, currency: euros}": ("business.currency",),
    "period_days: 0": ("period_days",),
    "period_days: .nan": ("period_days",),
    "ownr: me": ("ownr", "did you mean 'owner'"),
    "service: till": ("service", "till"),
    "review_dates: [soon]": ("review_dates[0]",),
    "dependencies: [{name: a, objective: 1.0}]": ("dependencies[0].objective", "100 %"),
    "dependencies: [{name: a, objective: .9}, {name: a, objective: .9, kind: soft}]": (
        "dependencies[1].kind",
        "serial and soft",
    ),
    "dependencies: [{name: a, objective: .9, kind: redundant, group: g}]": (
        "dependencies[0].group",
        "alone",
    ),
    "dependencies: [{name: shop, objective: .9}]": ("dependencies[0].name", "itself"),
    "indicators: [{name: x, bad_query: 'sum(rate(a[5m]))', total_query: 'b[$window]'}]": (
        "indicators[0].bad_query",
        "$window",
    ),
    "indicators: [{name: x, bad_query: 'sum(rate(a[$window])', total_query: 'b'}]": (
        "indicators[0].bad_query",
        "not PromQL",
    ),
}


@pytest.mark.parametrize(("text", "words"), MISTAKES.items(), ids=list(MISTAKES))
def test_each_mistake_names_the_file_and_the_field(
    tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)
    said = str(refused.value)
    assert "requirements.yaml: " in said
    for word in words:
        assert word in said, said


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: there is no such requirements file"):
        load_requirements(tmp_path / "none.yaml", "shop")
