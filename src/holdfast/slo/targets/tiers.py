"""Tiers that can fire: proof for an objective, and the nearest ones where they cannot.

A tier's threshold is a ratio, burn rate x (1 - objective); at 1 or more not even a full outage
reaches it (`burn.unreachable_at_or_below`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.model.slo import SLO, BurnTier, RatioIndicator
from holdfast.slo.burn import burn_rate_threshold, can_fire, unreachable_at_or_below
from holdfast.slo.targets.percent import percent

HIGHEST_THRESHOLD = 0.8
"""A tier that was made reachable fires after at most 80 % of its long window of full outage."""
SLOWER_BY = 2.0
"""Each longer tier asks for at most half the burn of the one before."""

_NOTHING = RatioIndicator(bad_query="", total_query="")


@dataclass(frozen=True)
class FittedTiers:
    """Tiers that can fire, and a sentence for each that was changed or left out."""

    tiers: tuple[BurnTier, ...]
    changes: tuple[str, ...]


def arithmetic_slo(objective: float, period_seconds: float) -> SLO:
    """Return an SLO that serves burn arithmetic alone: it has no queries."""
    return SLO(
        name="proposed",
        service="proposed",
        kind="availability",
        indicator=_NOTHING,
        objective=objective,
        period_seconds=period_seconds,
    )


def lowest_reachable(tiers: Sequence[BurnTier], period_seconds: float) -> float:
    """Return the objective above which every tier can fire."""
    slo = arithmetic_slo(0.5, period_seconds)
    bounds = (unreachable_at_or_below(tier, slo) for tier in tiers)
    return max((bound for bound in bounds if bound is not None), default=0.0)


def fit_tiers(tiers: Sequence[BurnTier], objective: float, period_seconds: float) -> FittedTiers:
    """Return the tiers where all can fire; else with smaller budget fractions, so that they can.

    A tier that would have to fire at a burn the budget sustains is left out.
    """
    slo = arithmetic_slo(objective, period_seconds)
    if all(can_fire(tier, slo) for tier in tiers):
        return FittedTiers(tuple(tiers), ())
    fitted: list[BurnTier] = []
    changes: list[str] = []
    highest = HIGHEST_THRESHOLD / slo.error_budget_fraction
    for tier in sorted(tiers, key=lambda tier: tier.long_window_seconds):
        burn = burn_rate_threshold(tier, slo)
        possible = min(burn, highest)
        if possible < 1:
            changes.append(
                f"{tier.name} is left out: at {percent(objective)} it could only be told from "
                "the faster tier at a burn that the budget sustains"
            )
            continue
        highest = possible / SLOWER_BY
        if possible == burn:
            fitted.append(tier)
            continue
        fraction = possible * tier.long_window_seconds / period_seconds
        fitted.append(tier.model_copy(update={"budget_fraction": fraction}))
        changes.append(_lowered(tier, burn, possible, fraction, objective))
    return FittedTiers(tuple(fitted), tuple(changes))


def _lowered(
    tier: BurnTier, burn: float, possible: float, fraction: float, objective: float
) -> str:
    limit = 1 / (1 - objective)
    why = (
        f"at {percent(objective)} the greatest possible burn is {limit:.3g}x"
        if burn >= limit
        else "it has to stay below the faster tier"
    )
    return (
        f"{tier.name} asks for {burn:.3g}x, and {why}: its share of the budget is lowered from "
        f"{percent(tier.budget_fraction)} to {percent(fraction)} ({possible:.3g}x)"
    )
