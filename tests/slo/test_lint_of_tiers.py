"""Tiers that contradict each other are told before anything burns."""

from __future__ import annotations

import pytest

from holdfast.catalog.defaults import WORKBOOK_TIERS
from holdfast.model.slo import SLO, BurnTier
from holdfast.slo.lint import contradictions, lint_slos, problems
from holdfast.slo.targets.tiers import arithmetic_slo

HOUR = 3600.0


def tier(name: str, share: float, hours: float, *, ticket: bool = False) -> BurnTier:
    return BurnTier(
        name=name,
        action="ticket" if ticket else "page",
        budget_fraction=share,
        long_window_seconds=hours * HOUR,
        short_window_seconds=hours * HOUR / 12,
    )


def slo(*tiers: BurnTier, objective: float = 0.999, days: float = 30) -> SLO:
    return arithmetic_slo(objective, days * 24 * HOUR).model_copy(update={"tiers": tiers})


def test_the_workbooks_tiers_do_not_contradict_each_other() -> None:
    assert problems(slo(*WORKBOOK_TIERS)) == ()
    assert [check.status for check in lint_slos([slo(*WORKBOOK_TIERS)])] == ["ok"]


@pytest.mark.parametrize(
    ("tiers", "said"),
    [
        ((tier("fast", 0.05, 1), tier("slow", 0.02, 6)), "fast never fires first: slow needs less"),
        ((tier("fast", 0.02, 1), tier("slow", 0.2, 6)), "slow looks longer than fast but asks for"),
        (
            (tier("log", 0.02, 1, ticket=True), tier("page", 0.05, 6)),
            "log writes a ticket at a faster burn than page pages at",
        ),
        ((tier("long", 1.0, 24 * 40),), "long looks longer than the period"),
        ((tier("late", 0.05, 24 * 3),), "late fires at a burn that the budget sustains"),
    ],
)
def test_a_contradiction_is_a_sentence(tiers: tuple[BurnTier, ...], said: str) -> None:
    assert any(each.startswith(said) for each in contradictions(slo(*tiers)))


def test_a_tier_that_can_never_fire_fails() -> None:
    (check,) = lint_slos([slo(*WORKBOOK_TIERS, objective=0.93)])
    assert check.status == "fail"
    assert "page-fast can never fire" in check.detail


def test_missing_tiers_are_problems_but_no_contradiction() -> None:
    only = slo(tier("page", 0.02, 1))
    assert problems(only) == ("no ticket tier",)
    assert contradictions(only) == ()
