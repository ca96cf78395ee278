"""Targets: what history carries, never above the ceiling, with tiers that can fire, and reasons."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.catalog.defaults import WORKBOOK_TIERS
from holdfast.errors import InputError
from holdfast.model.budget import Ceiling, Dependency
from holdfast.model.slo import BurnTier
from holdfast.model.target import (
    Agreement,
    Baseline,
    DowntimeCost,
    Expectation,
    ReasonKind,
    TargetProposal,
)
from holdfast.slo.burn import can_fire
from holdfast.slo.lint import contradictions
from holdfast.slo.targets.ceiling import ceiling
from holdfast.slo.targets.propose import propose_target
from holdfast.slo.targets.references import AVAILABILITY, LATENCY, nearest_reference
from holdfast.slo.targets.steps import TARGET_STEPS
from holdfast.slo.targets.tiers import arithmetic_slo, fit_tiers

MONTH = 30 * 86_400.0
NOTHING = ceiling([])


def shown(low: float | None) -> Baseline:
    return Baseline(
        good_ratio=None if low is None else low + (1 - low) / 2,
        low=low,
        high=None if low is None else low + (1 - low) * 0.7,
        confidence=0.95,
        bad_events=1,
        total_events=1e6,
        seconds=MONTH,
        known_fraction=1,
        block_seconds=86_400,
        blocks=30,
        worst_day=None,
        statement="as measured",
    )


def proposed(
    low: float | None,
    needs: float | None = None,
    sla: float | None = None,
    allowed: Ceiling = NOTHING,
    tiers: tuple[BurnTier, ...] = WORKBOOK_TIERS,
    cost: DowntimeCost | None = None,
) -> TargetProposal:
    expectation = None if needs is None else Expectation(objective=needs, source="a survey")
    agreement = None if sla is None else Agreement(objective=sla)
    return propose_target(shown(low), allowed, expectation, agreement, tiers, MONTH, cost=cost)


def reason(proposal: TargetProposal, kind: ReasonKind) -> str:
    return next(each.sentence for each in proposal.reasons if each.kind == kind)


def limited(objective: float) -> Ceiling:
    return ceiling([Dependency(name="db", objective=objective)])


@pytest.mark.parametrize(
    ("low", "objective"), [(0.99931, 0.999), (0.999, 0.999), (0.9989, 0.995), (0.963, 0.95)]
)
def test_history_alone_gives_the_greatest_usual_step_that_it_carries(
    low: float, objective: float
) -> None:
    found = proposed(low)
    assert found.objective == objective
    assert "greatest usual step" in reason(found, "rounding")
    assert found.warnings == ()


def test_users_needs_decide_where_history_carries_them() -> None:
    found = proposed(0.99931, needs=0.995)
    assert found.objective == 0.995
    assert reason(found, "expectation") == "users need 99.5 % (a survey)"


def test_needs_beyond_history_are_a_gap_not_a_promise() -> None:
    found = proposed(0.9985, needs=0.9995)
    assert found.objective == 0.995
    assert "bad events must become 3 times rarer" in found.warnings[0]


def test_needs_far_below_what_users_get_are_asked_about() -> None:
    found = proposed(0.9999, needs=0.99)
    assert found.objective == 0.99
    assert found.warnings[0].startswith("expectation.objective: 99 % is far below")


def test_it_is_never_better_than_the_dependencies_allow() -> None:
    found = proposed(0.99995, allowed=limited(0.9993))
    assert found.objective == 0.999
    assert "history is better (99.995 %)" in found.warnings[0]
    assert proposed(0.99995, needs=0.9999, allowed=limited(0.9993)).objective == 0.999


def test_an_sla_in_force_is_kept_by_a_stricter_objective_and_told_where_it_will_break() -> None:
    kept = proposed(0.9993, sla=0.995)
    assert (kept.objective, kept.warnings) == (0.999, ())
    broken = proposed(0.993, sla=0.999)
    assert broken.objective == 0.9995
    assert "is above what is shown (history carries 99.3 %)" in broken.warnings[0]
    between = proposed(0.993, sla=0.999, allowed=limited(0.9994))
    assert between.objective == pytest.approx(0.9992)


def test_without_history_needs_are_taken_with_a_warning_and_nothing_is_invented() -> None:
    found = proposed(None, needs=0.99)
    assert found.objective == 0.99
    assert "no history" in found.warnings[0]
    assert proposed(None, needs=0.9999, allowed=limited(0.999)).objective == 0.999
    nothing = proposed(None)
    assert nothing.objective is None
    assert "no target" in nothing.warnings[-1]
    assert proposed(None, allowed=limited(0.999)).objective is None


def test_less_than_half_good_is_no_service_level() -> None:
    found = proposed(0.31)
    assert found.objective is None
    assert "fewer than half" in found.warnings[0]


def test_what_an_sla_may_promise_has_at_least_twice_the_budget() -> None:
    for low in (0.9, 0.95, 0.99, 0.995, 0.999, 0.9999):
        found = proposed(low)
        assert found.objective is not None
        assert found.sla_promise is not None
        times = (1 - found.sla_promise) / (1 - found.objective)
        assert times >= 2 - 1e-9
        assert "times the budget" in reason(found, "sla_promise")


def test_cost_is_calculated_where_it_was_given_and_never_invented() -> None:
    assert reason(proposed(0.9993), "cost") == "the cost of downtime is not known: none was given"
    cost = DowntimeCost(amount_per_hour=10_000, currency="EUR", source="finance, 2026")
    told = reason(proposed(0.9993, cost=cost), "cost")
    assert "0.72 h of full outage a period: 7,200 EUR" in told


def test_tiers_that_could_never_fire_are_changed_and_told() -> None:
    found = proposed(0.91)
    assert found.objective == 0.9
    assert (
        "page-fast asks for 14.4x, and at 90 % the greatest possible burn is 10x"
        in (found.warnings[0])
    )
    slo = arithmetic_slo(0.9, MONTH)
    assert all(can_fire(tier, slo) for tier in found.tiers)
    assert [tier.name for tier in found.tiers] == ["page-fast", "page-slow", "ticket"]


@pytest.mark.parametrize("seed", range(200))
def test_fitted_tiers_can_fire_and_do_not_contradict_each_other(seed: int) -> None:
    generator = np.random.default_rng(seed)
    objective = float(generator.choice([*TARGET_STEPS, generator.uniform(0.5, 0.99999)]))
    period = float(generator.choice([7, 28, 30, 90])) * 86_400
    fitted = fit_tiers(WORKBOOK_TIERS, objective, period).tiers
    slo = arithmetic_slo(objective, period).model_copy(update={"tiers": fitted})
    assert [each for each in contradictions(slo) if "sustains" not in each] == []
    if fitted != WORKBOOK_TIERS:
        assert contradictions(slo) == ()


def test_random_proposals_keep_every_promise() -> None:
    generator = np.random.default_rng(7)
    for _ in range(300):
        low = float(1 - 10 ** generator.uniform(-5, -0.4))
        needs = float(1 - 10 ** generator.uniform(-5, -0.4)) if generator.random() < 0.6 else None
        allowed = limited(float(1 - 10 ** generator.uniform(-5, -1)))
        found = proposed(low, needs, allowed=allowed)
        if found.objective is None:
            continue
        assert allowed.objective is not None
        assert found.objective <= min(low, allowed.objective) + 1e-12
        assert found.objective in TARGET_STEPS or found.objective == needs
        slo = arithmetic_slo(found.objective, MONTH)
        assert all(can_fire(tier, slo) for tier in found.tiers)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"needs": 1.0}, r"expectation\.objective: 100 %"),
        ({"needs": 0.0}, r"expectation\.objective: 0 %"),
        ({"sla": 1.0}, r"sla\.objective: 100 %"),
        ({"sla": 0.999, "allowed": limited(0.998)}, r"sla\.objective: 99.9 % is promised, and"),
    ],
)
def test_contradictions_name_their_field(arguments: dict[str, float], field: str) -> None:
    with pytest.raises(InputError, match=field):
        proposed(0.9993, **arguments)  # type: ignore[arg-type]


def test_a_period_shorter_than_a_window_is_refused() -> None:
    with pytest.raises(InputError, match=r"period_seconds: 86400 s is shorter than .* ticket"):
        propose_target(shown(0.999), NOTHING, None, None, WORKBOOK_TIERS, 86_400)


def test_references_name_their_sources_and_the_nearest_one_is_found() -> None:
    assert all("https://" in each.source for each in (*AVAILABILITY, *LATENCY))
    assert nearest_reference(0.999).objective == 0.9995
    assert nearest_reference(0.985).objective == 0.99
    assert nearest_reference(0.95, "latency").objective == 0.9
