"""A design of a service whose past is known: what is found, proposed, proven and written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from holdfast.catalog.openslo import from_openslo
from holdfast.errors import InputError, NotFound, QueryRefused
from holdfast.evidence.recorded import RecorderSource
from holdfast.model.budget import Dependency
from holdfast.model.evidence import Vector
from holdfast.model.requirements import (
    BusinessConstraints,
    GivenIndicator,
    Requirements,
    ServiceLevelAgreement,
    UserExpectation,
)
from holdfast.slo.burn import error_ratio_threshold
from holdfast.slo.design.design import design_reliability_architecture
from holdfast.slo.design.files import FILES, design_files
from holdfast.slo.design.folder import write_folder
from holdfast.slo.design.records import Architecture, DesignedObjective
from holdfast.slo.targets.percent import percent
from support.histories import END, METRIC, Counter, Outage, Route, ServicePast, service_past

TODAY = date(2026, 1, 2)  # a Friday
OUTAGE_BEGINS = 1.5 * 86_400
OUTAGE = Outage(OUTAGE_BEGINS, 1200, 0.5)
ROUTES = (Route("/cart", 40.0, 0.0001), Route("/export", 0.5, 0.05))


@dataclass(frozen=True)
class Shop:
    """A service's source, and the truth about it."""

    source: RecorderSource
    past: ServicePast


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    past = service_past(routes=ROUTES, outages=(OUTAGE,))
    source = RecorderSource(past.write_store(tmp_path_factory.mktemp("store")))
    yield Shop(source, past)
    source.close()


def design(shop: Shop, **requirements: object) -> Architecture:
    wish = Requirements.model_validate(requirements)
    return design_reliability_architecture(shop.source, "shop", requirements=wish, at=END)


def objective(found: Architecture, kind: str) -> DesignedObjective:
    [one] = [designed for designed in found.objectives if designed.slo.kind == kind]
    return one


# ---- with nothing but a source ----------------------------------------------------------------


def test_with_nothing_but_a_source_availability_and_latency_are_found(shop: Shop) -> None:
    found = design_reliability_architecture(shop.source, "shop", at=END)
    assert [slo.name for slo in found.slos] == ["shop-availability", "shop-latency"]
    assert found.owner == "unassigned"
    assert objective(found, "latency").slo.threshold_seconds == 0.25


def test_the_baseline_is_the_truth_within_its_interval(shop: Shop) -> None:
    shown = objective(design(shop), "availability").baseline
    truth = 1 - shop.past.bad_events / shop.past.total_events
    assert shown.low is not None
    assert shown.high is not None
    assert shown.low < truth < shown.high
    assert shown.total_events == pytest.approx(shop.past.total_events, rel=1e-3)
    # a counter near zero is not extrapolated below it, as in Prometheus: a little is lost
    assert shown.bad_events == pytest.approx(shop.past.bad_events, rel=2e-2)


def test_the_target_is_one_that_history_carries(shop: Shop) -> None:
    for designed in design(shop).objectives:
        assert designed.baseline.low is not None
        assert designed.slo.objective <= designed.baseline.low
        for tier in designed.slo.tiers:
            assert error_ratio_threshold(tier, designed.slo) < 1


def test_the_page_fires_in_the_known_outage_and_at_no_other_time(shop: Shop) -> None:
    designed = objective(design(shop), "availability")
    page = next(replay for replay in designed.replays if replay.tier == "page-fast")
    begin = END - OUTAGE_BEGINS
    assert page.episodes
    for episode in page.episodes:
        assert begin < episode.start
        assert episode.end <= begin + 1200 + 600


def test_an_endpoint_that_fails_while_the_whole_looks_well_is_masked(shop: Shop) -> None:
    designed = objective(design(shop), "availability")
    assert [segment.value for _, segment in designed.masked] == ["/export"]


# ---- requirements -------------------------------------------------------------------------------


def test_what_users_need_decides_and_the_sla_stays_looser(shop: Shop) -> None:
    found = design(
        shop,
        user_expectations=(UserExpectation(kind="availability", objective=0.985),),
        sla=ServiceLevelAgreement(objective=0.97),
    )
    designed = objective(found, "availability")
    assert designed.slo.objective == 0.985
    assert designed.proposal.sla_promise is not None
    assert designed.proposal.sla_promise < 0.985


def test_no_target_is_better_than_dependencies_allow(shop: Shop) -> None:
    weak = (
        Dependency(name="a", objective=0.98, kind="serial"),
        Dependency(name="b", objective=0.98, kind="serial"),
    )
    found = design(shop, dependencies=weak)
    assert all(slo.objective <= 0.98 * 0.98 for slo in found.slos)


def test_a_bound_between_two_buckets_is_measured_below_and_its_error_is_told(shop: Shop) -> None:
    wish = UserExpectation(kind="latency", objective=0.99, threshold_seconds=0.5)
    found = design(shop, user_expectations=(wish,))
    designed = objective(found, "latency")
    assert designed.slo.threshold_seconds == 0.25
    assert designed.sli.threshold is not None
    assert designed.sli.threshold.error_fraction == pytest.approx(0.0019, abs=1e-4)
    page = design_files(found, TODAY)["slo-document.md"]
    assert "0.5 s is asked for, and is no bucket's boundary; 0.25 s is measured instead" in page
    assert "between 99.8 % and 99.99 %" in page


def test_a_target_below_what_history_shows_is_said_by_its_field(shop: Shop) -> None:
    wish = UserExpectation(kind="availability", objective=0.97)
    warnings = objective(design(shop, user_expectations=(wish,)), "availability").proposal.warnings
    assert any(
        "user_expectations[0].objective: 97 % is below what history shows" in w for w in warnings
    )


def test_money_is_spoken_of_only_where_it_was_given(shop: Shop) -> None:
    silent = "".join(design_files(design(shop), TODAY).values())
    assert "EUR" not in silent
    cost = BusinessConstraints(downtime_cost_per_hour=1000, currency="EUR")
    told = design_files(design(shop, business=cost), TODAY)["slo-document.md"]
    slo = objective(design(shop, business=cost), "availability").slo
    hours = slo.error_budget_fraction * slo.period_seconds / 3600
    assert f"{hours * 1000:,.0f} EUR" in told


def test_an_indicator_of_ones_own_takes_the_found_ones_place(shop: Shop) -> None:
    counted = f"sum(rate({METRIC}_count{{http_route='/export'%s}}[$window]))"
    own = GivenIndicator(
        name="exports",
        bad_query=counted % ",http_response_status_code='500'",
        total_query=counted % "",
    )
    found = design(shop, indicators=(own,))
    assert [slo.name for slo in found.slos] == ["exports", "shop-latency"]
    assert objective(found, "availability").baseline.good_ratio == pytest.approx(0.948, abs=0.01)


def test_an_indicator_for_which_no_test_can_be_derived_has_rules_and_that_is_said(
    shop: Shop, tmp_path: Path
) -> None:
    total = f"sum(rate({METRIC}_count[$window]))"
    odd = GivenIndicator(
        name="odd", bad_query=f"{total} * (vector(0.001) > 0.0005)", total_query=total
    )
    files = design_files(design(shop, indicators=(odd,)), TODAY)
    assert "slo: odd" in files["rules.yaml"]
    assert "# Left out: SLO odd" in files["rules_test.yaml"]
    assert "SLO odd" in files["monitoring-strategy.md"]
    write_folder(files, tmp_path / "slo")


# ---- what cannot be used -----------------------------------------------------------------------


def test_a_service_that_nothing_tells_of_is_told_with_those_there_are(shop: Shop) -> None:
    with pytest.raises(NotFound, match=r"'shop2'.*found were: shop"):
        design_reliability_architecture(shop.source, "shop2", at=END)


def test_an_indicator_on_a_missing_metric_names_the_query(shop: Shop) -> None:
    own = GivenIndicator(
        name="orders",
        bad_query="sum(rate(orders_failed_total[$window]))",
        total_query="sum(rate(orders_total[$window]))",
    )
    with pytest.raises(NotFound, match=r"orders: indicator\.total_query has no data.*orders_total"):
        design(shop, indicators=(own,))


def test_a_period_shorter_than_a_window_is_refused_by_its_field(shop: Shop) -> None:
    with pytest.raises(InputError, match=r"period_days: 2 d is shorter than .* ticket, 3 d"):
        design(shop, period_days=2)
    with pytest.raises(InputError, match="period: 1 d is shorter"):
        design_reliability_architecture(shop.source, "shop", at=END, period_seconds=86_400)


def test_an_sla_that_dependencies_do_not_allow_is_refused_by_its_field(shop: Shop) -> None:
    with pytest.raises(InputError, match=r"sla\.objective"):
        design(
            shop,
            sla=ServiceLevelAgreement(objective=0.99),
            dependencies=(Dependency(name="db", objective=0.98),),
        )


def test_a_histogram_whose_buckets_have_no_le_is_refused_by_its_name(tmp_path: Path) -> None:
    past = service_past(days=0.1, interval_seconds=60)
    kept = tuple(c for c in past.counters if c.labels.get("le", "+Inf") == "+Inf")
    bare = tuple(Counter(_without(c.labels, "le"), c.values) for c in kept)
    source = RecorderSource(ServicePast(past.times, bare, 0, 0).write_store(tmp_path))
    with pytest.raises(InputError, match="http_server_request_duration_seconds_bucket: no label"):
        design_reliability_architecture(source, "shop", at=END)
    source.close()


def _without(labels: Mapping[str, str], label: str) -> dict[str, str]:
    return {key: value for key, value in labels.items() if key != label}


def test_latency_that_no_boundary_holds_has_no_objective_and_it_is_said(tmp_path: Path) -> None:
    slow = Route("/cart", 40.0, 0.0001, within=(0.1, 0.2, 0.3))
    source = RecorderSource(service_past(days=0.5, routes=(slow,)).write_store(tmp_path))
    found = design_reliability_architecture(source, "shop", at=END)
    source.close()
    assert [slo.kind for slo in found.slos] == ["availability"]
    assert any("30 % of the requests kept 1 s, the last boundary" in gap for gap in found.gaps)
    page = design_files(found, TODAY)["slo-document.md"]
    assert "## What has no objective" in page


# ---- the files -----------------------------------------------------------------------------------


def test_all_files_are_made_and_the_objectives_load_back(shop: Shop, tmp_path: Path) -> None:
    found = design(shop)
    files = design_files(found, TODAY)
    assert set(files) == FILES
    assert from_openslo(files["slo.yaml"], tmp_path / "slo.yaml") == found.slos


def test_every_tier_of_the_table_has_its_thresholds_by_arithmetic(shop: Shop) -> None:
    found = design(shop)
    page = design_files(found, TODAY)["slo-document.md"]
    for slo in found.slos:
        for tier in slo.tiers:
            assert percent(error_ratio_threshold(tier, slo)) in page


def test_dates_are_counted_from_the_day_it_is_written(shop: Shop) -> None:
    plan = design_files(design(shop), TODAY)["implementation-plan.md"]
    dates = [date.fromisoformat(found) for found in re.findall(r"\d{4}-\d{2}-\d{2}", plan)]
    assert min(dates) == TODAY
    assert all(day.weekday() < 5 for day in dates)
    assert sum("(quarterly)" in line for line in plan.splitlines()) == 4


def test_review_dates_of_ones_own_are_kept_and_one_that_is_past_is_said_to_be(shop: Shop) -> None:
    days = (date(2026, 3, 2), date(2025, 12, 1))
    plan = design_files(design(shop, review_dates=days), TODAY)["implementation-plan.md"]
    assert "- 2025-12-01 (from the requirements, already past)" in plan
    assert "- 2026-03-02 (from the requirements)" in plan
    assert "(quarterly)" not in plan


def test_nobody_is_invented(shop: Shop) -> None:
    files = design_files(design(shop), TODAY)
    assert files["slo-document.md"].count("| unassigned |") == 3
    named = design(shop, owner="team-shop", sign_off=({"role": "product", "name": "Ada"},))
    page = design_files(named, TODAY)["slo-document.md"]
    assert "| product | Ada |" in page
    assert "Owner: team-shop" in page


def test_a_quantile_is_called_a_chart(shop: Shop) -> None:
    files = design_files(design(shop), TODAY)
    assert "A quantile is a chart, not an indicator" in files["slo-document.md"]
    assert "histogram_quantile(0.95" in files["monitoring-strategy.md"]
    assert "histogram_quantile" not in files["slo.yaml"]


class Sparing:
    """Hands on to a recording, and refuses what looks over more than a day at once."""

    def __init__(self, source: RecorderSource) -> None:
        self._source = source
        self.query_range = source.query_range
        self.metric_names = source.metric_names
        self.series = source.series
        self.name = source.name

    def query(self, promql: str, at: float) -> Vector:
        if any(window in promql for window in ("[3d]", "[30d]")):
            raise QueryRefused("query processing would load too many samples into memory")
        return self._source.query(promql, at)

    def close(self) -> None:
        """The recording is closed by whoever opened it."""


def test_a_server_that_refuses_a_month_at_once_is_asked_for_a_day(shop: Shop) -> None:
    found = design_reliability_architecture(Sparing(shop.source), "shop", at=END)
    latency = objective(found, "latency")
    assert latency.sli.threshold is not None
    assert latency.sli.threshold.looked_back_seconds == 86_400
    page = design_files(found, TODAY)["slo-document.md"]
    assert "of the requests of the last 1 d kept it" in page
    assert "shop-latency: segments were not read: query processing would load too many" in page
