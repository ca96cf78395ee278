"""Burn-rate arithmetic.

Source: Google, The Site Reliability Workbook, chapter 5, "Alerting on SLOs". With f = the tier's
budget fraction, P = the SLO's period, L = the long window, b = the burn rate, e = the fraction of
bad events: b = f x P / L, the alert's threshold is b x (1 - objective), and with steady traffic it
fires after threshold x L / e.
"""

from __future__ import annotations

from holdfast.model.slo import SLO, BurnTier


def burn_rate_threshold(tier: BurnTier, slo: SLO) -> float:
    """Return the burn rate at which the tier fires. 1 = the whole budget in exactly the period."""
    return tier.budget_fraction * slo.period_seconds / tier.long_window_seconds


def error_ratio_threshold(tier: BurnTier, slo: SLO) -> float:
    """Return the fraction of bad events above which the tier fires, in both windows."""
    return burn_rate_threshold(tier, slo) * slo.error_budget_fraction


def burn_rate(error_ratio: float, slo: SLO) -> float:
    """Return how many times faster than sustainable the budget is spent at this ratio."""
    return error_ratio / slo.error_budget_fraction


def can_fire(tier: BurnTier, slo: SLO) -> bool:
    """Whether the tier fires when every event is bad: above a ratio of 1 nothing is."""
    return error_ratio_threshold(tier, slo) < 1


def unreachable_at_or_below(tier: BurnTier, slo: SLO) -> float | None:
    """Return the objective at or below which the tier can never fire, or None if there is none."""
    threshold = burn_rate_threshold(tier, slo)
    return None if threshold <= 1 else 1 - 1 / threshold


def seconds_to_fire(tier: BurnTier, slo: SLO, bad_ratio: float) -> float | None:
    """Return how long after a sudden, steady `bad_ratio` the tier fires; None = never.

    Assumes steady traffic and none bad before. Scrape and evaluation intervals come on top.
    """
    threshold = error_ratio_threshold(tier, slo)
    return None if bad_ratio <= threshold else threshold * tier.long_window_seconds / bad_ratio


def seconds_to_reset(tier: BurnTier, slo: SLO, bad_ratio: float) -> float | None:
    """Return how long after its end an incident of `bad_ratio` keeps the tier firing.

    The short window resets first. Assumes that it was filled, and steady traffic; None = it
    never fired.
    """
    threshold = error_ratio_threshold(tier, slo)
    if bad_ratio <= threshold:
        return None
    return tier.short_window_seconds * (1 - threshold / bad_ratio)


def budget_spent_when_firing(tier: BurnTier, slo: SLO, bad_ratio: float) -> float | None:
    """Return the fraction of the period's budget that is gone when the tier fires; None = never.

    With steady traffic it is the tier's own budget fraction, whatever the ratio.
    """
    seconds = seconds_to_fire(tier, slo, bad_ratio)
    if seconds is None:
        return None
    return burn_rate(bad_ratio, slo) * seconds / slo.period_seconds


def seconds_to_exhaustion(slo: SLO, bad_ratio: float, remaining_fraction: float) -> float | None:
    """Return how long the rest of the budget lasts at a steady `bad_ratio`; None = for ever."""
    rate = burn_rate(bad_ratio, slo)
    if rate <= 0:
        return None
    return max(0.0, remaining_fraction) * slo.period_seconds / rate


def fewest_requests_per_second(tier: BurnTier, slo: SLO) -> float:
    """Return the traffic below which one single bad request fires the tier.

    Below it the long window holds fewer than 1 / threshold requests.
    """
    return 1 / (error_ratio_threshold(tier, slo) * tier.long_window_seconds)
