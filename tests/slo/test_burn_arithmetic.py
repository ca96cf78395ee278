"""Burn-rate arithmetic against the Workbook's numbers, for 99.9 % over 30 days."""

from __future__ import annotations

import pytest

from holdfast.catalog.defaults import WORKBOOK_TIERS
from holdfast.model.slo import SLO, BurnTier, RatioIndicator
from holdfast.slo import burn
from holdfast.slo.lint import lint_slos, problems

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def tier(fraction: float, long: float, short: float | None = None) -> BurnTier:
    return BurnTier(
        name="tier",
        action="page",
        budget_fraction=fraction,
        long_window_seconds=long,
        short_window_seconds=short or long / 12,
    )


def slo(objective: float = 0.999, *tiers: BurnTier, period: float = 30 * DAY) -> SLO:
    return SLO(
        name="shop-availability",
        service="shop",
        kind="availability",
        indicator=RatioIndicator(bad_query="bad[$window]", total_query="all[$window]"),
        objective=objective,
        period_seconds=period,
        tiers=tiers,
    )


@pytest.mark.parametrize(
    ("tier", "rate", "ratio", "minutes", "unreachable"),
    [
        (tier(0.02, HOUR, 5 * MINUTE), 14.4, 0.0144, 0.864, 0.9306),
        (tier(0.05, 6 * HOUR, 30 * MINUTE), 6, 0.006, 2.16, 0.8333),
        (tier(0.10, DAY, 2 * HOUR), 3, 0.003, 4.32, 0.6667),
        (tier(0.10, 3 * DAY, 6 * HOUR), 1, 0.001, 4.32, None),
        (tier(0.05, HOUR), 36, 0.036, 2.16, 0.9722),
        (tier(0.10, 6 * HOUR), 12, 0.012, 4.32, 0.9167),
    ],
    ids=["2%/1h", "5%/6h", "10%/1d", "10%/3d", "5%/1h", "10%/6h"],
)
def test_a_tiers_burn_rate_threshold_time_and_reach(
    tier: BurnTier, rate: float, ratio: float, minutes: float, unreachable: float | None
) -> None:
    assert burn.burn_rate_threshold(tier, slo()) == pytest.approx(rate)
    assert burn.error_ratio_threshold(tier, slo()) == pytest.approx(ratio)
    assert burn.seconds_to_fire(tier, slo(), 1.0) == pytest.approx(minutes * MINUTE)
    limit = burn.unreachable_at_or_below(tier, slo())
    assert limit == (None if unreachable is None else pytest.approx(unreachable, abs=5e-5))


def test_a_tier_cannot_fire_at_an_objective_that_is_too_low() -> None:
    fast = tier(0.02, HOUR)
    assert not burn.can_fire(fast, slo(0.93))
    assert burn.seconds_to_fire(fast, slo(0.93), 1.0) is None
    assert burn.can_fire(fast, slo(0.94))


@pytest.mark.parametrize(
    ("bad_ratio", "tier_index", "minutes"),
    [(0.02, 0, 43.2), (0.0144, 0, None), (0.0144, 1, 150), (0.005, 2, 864), (0.002, 2, 2160)],
)
def test_slow_burns_are_caught_by_slow_tiers(
    bad_ratio: float, tier_index: int, minutes: float | None
) -> None:
    seconds = burn.seconds_to_fire(WORKBOOK_TIERS[tier_index], slo(), bad_ratio)
    assert seconds == (None if minutes is None else pytest.approx(minutes * MINUTE))


def test_what_is_spent_when_it_fires_is_the_tiers_budget_whatever_the_ratio() -> None:
    for bad_ratio in (1.0, 0.5, 0.02):
        spent = burn.budget_spent_when_firing(WORKBOOK_TIERS[0], slo(), bad_ratio)
        assert spent == pytest.approx(0.02)
    assert burn.budget_spent_when_firing(WORKBOOK_TIERS[0], slo(), 0.001) is None


def test_a_single_window_alert_resets_late_and_a_second_window_mends_it() -> None:
    alone = burn.seconds_to_reset(tier(0.05, HOUR, HOUR - 1), slo(), 1.0)
    assert alone == pytest.approx(57.8 * MINUTE, abs=2)
    paired = burn.seconds_to_reset(WORKBOOK_TIERS[0], slo(), 1.0)
    assert paired == pytest.approx(4.93 * MINUTE, abs=1)


def test_a_compressed_period_has_the_same_arithmetic() -> None:
    short = slo(0.95, period=3600)
    fast = tier(0.02, 10, 3)
    assert burn.burn_rate_threshold(fast, short) == pytest.approx(7.2)
    assert burn.seconds_to_fire(fast, short, 1.0) == pytest.approx(3.6)


def test_below_seventy_requests_an_hour_one_failure_pages() -> None:
    per_second = burn.fewest_requests_per_second(WORKBOOK_TIERS[0], slo())
    assert per_second * HOUR == pytest.approx(69.4, abs=0.1)


def test_the_budget_lasts_the_period_at_burn_one() -> None:
    assert burn.seconds_to_exhaustion(slo(), 0.001, 1.0) == pytest.approx(30 * DAY)
    assert burn.seconds_to_exhaustion(slo(), 0.0144, 0.5) == pytest.approx(25 * HOUR)
    assert burn.seconds_to_exhaustion(slo(), 0.1, -0.2) == 0
    assert burn.seconds_to_exhaustion(slo(), 0.0, 1.0) is None


def test_the_workbooks_tiers_have_nothing_to_mend() -> None:
    assert problems(slo(0.995, *WORKBOOK_TIERS)) == ()


def test_alerts_that_cannot_help_are_named() -> None:
    (check,) = lint_slos([slo(0.9, *WORKBOOK_TIERS)])
    assert check.status == "fail"
    assert "page-fast can never fire" in check.detail
    (check,) = lint_slos([slo(0.999)])
    assert check.status == "fail"
    assert "no tier" in check.detail
    (check,) = lint_slos([slo(0.999, tier(0.02, HOUR))])
    assert check.status == "warn"
    assert "no ticket tier" in check.detail
    (check,) = lint_slos([slo(0.999, *WORKBOOK_TIERS, period=28 * DAY)])
    assert "ticket fires at a burn that the budget sustains" in check.detail
    out_of_order = (tier(0.02, HOUR), tier(0.5, 2 * HOUR))
    assert any("asks for no slower burn" in p for p in problems(slo(0.999, *out_of_order)))
