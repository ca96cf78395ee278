"""Questions about an SLO that arithmetic alone can answer, before anything burns."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from holdfast.catalog.check import Check
from holdfast.model.slo import SLO, BurnTier
from holdfast.slo.burn import burn_rate_threshold, can_fire


def lint_slos(slos: Iterable[SLO]) -> tuple[Check, ...]:
    """Return one check for each SLO: alerts that can never fire, warn too late, or are missing."""
    return tuple(_lint(slo) for slo in slos)


def problems(slo: SLO) -> tuple[str, ...]:
    """Return what is wrong with the SLO's alerts, in sentences."""
    return (*_missing(slo), *contradictions(slo))


def contradictions(slo: SLO) -> tuple[str, ...]:
    """Return what of the alerts that there are contradicts itself, in sentences."""
    return (
        *_unreachable(slo),
        *_longer_than_period(slo),
        *_slower_than_sustainable(slo),
        *_order(slo),
        *_actions(slo),
    )


def _lint(slo: SLO) -> Check:
    found = problems(slo)
    if not found:
        return Check(name=f"alerts of {slo.name}", status="ok", detail="every tier can fire")
    return Check(
        name=f"alerts of {slo.name}",
        status="fail" if any(_unreachable(slo)) or not slo.tiers else "warn",
        detail="; ".join(found),
        remedy="change the tiers or the objective (The Site Reliability Workbook, chapter 5)",
    )


def _missing(slo: SLO) -> Iterable[str]:
    if not slo.tiers:
        yield "no tier: the budget can burn down without an alert"
    for action in ("page", "ticket"):
        if slo.tiers and action not in {tier.action for tier in slo.tiers}:
            yield f"no {action} tier"


def _unreachable(slo: SLO) -> Iterable[str]:
    for tier in slo.tiers:
        if not can_fire(tier, slo):
            yield f"{tier.name} can never fire, not even when every request fails"


def _slower_than_sustainable(slo: SLO) -> Iterable[str]:
    for tier in slo.tiers:
        if burn_rate_threshold(tier, slo) < 1:
            yield f"{tier.name} fires at a burn that the budget sustains"


def _order(slo: SLO) -> Iterable[str]:
    ordered: list[BurnTier] = sorted(slo.tiers, key=lambda tier: tier.long_window_seconds)
    for fast, slow in pairwise(ordered):
        if burn_rate_threshold(fast, slo) <= burn_rate_threshold(slow, slo):
            yield f"{slow.name} looks longer than {fast.name} but asks for no slower burn"
        if slow.budget_fraction < fast.budget_fraction:
            yield (
                f"{fast.name} never fires first: {slow.name} needs less of the budget "
                f"({slow.budget_fraction:g} against {fast.budget_fraction:g})"
            )


def _longer_than_period(slo: SLO) -> Iterable[str]:
    for tier in slo.tiers:
        if tier.long_window_seconds > slo.period_seconds:
            yield f"{tier.name} looks longer than the period"


def _actions(slo: SLO) -> Iterable[str]:
    pages = [tier for tier in slo.tiers if tier.action == "page"]
    if not pages:
        return
    slowest = min(pages, key=lambda tier: burn_rate_threshold(tier, slo))
    for tier in slo.tiers:
        faster = burn_rate_threshold(tier, slo) > burn_rate_threshold(slowest, slo)
        if tier.action == "ticket" and faster:
            yield f"{tier.name} writes a ticket at a faster burn than {slowest.name} pages at"
