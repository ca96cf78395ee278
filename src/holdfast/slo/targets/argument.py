"""What is argued about a target beside history and needs: others, cost, tiers, what to promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from holdfast.model.slo import BurnTier
from holdfast.model.target import Agreement, DowntimeCost, ReasonKind, Reference, TargetReason
from holdfast.slo.targets.percent import percent
from holdfast.slo.targets.steps import greatest_step_at_most, greatest_step_below
from holdfast.slo.targets.tiers import FittedTiers, fit_tiers, lowest_reachable

SLA_BUDGETS = 2.0
"""An SLA's budget is at least twice the SLO's: a whole budget may be overspent once."""


@dataclass
class Argument:
    """What has been said so far."""

    reasons: list[TargetReason] = field(default_factory=list[TargetReason])
    warnings: list[str] = field(default_factory=list[str])

    def say(self, kind: ReasonKind, value: float | None, sentence: str) -> None:
        """Add a reason."""
        self.reasons.append(TargetReason(kind=kind, value=value, sentence=sentence))


def compare(
    said: Argument,
    objective: float,
    reference: Reference | None,
    cost: DowntimeCost | None,
    period_seconds: float,
) -> None:
    """Say what others promise, and what the budget costs where that was given."""
    if reference is not None:
        said.say(
            "industry",
            reference.objective,
            f"for comparison: {reference.name}, {percent(reference.objective)} "
            f"({reference.source})",
        )
    if cost is None:
        said.say("cost", None, "the cost of downtime is not known: none was given")
        return
    hours = (1 - objective) * period_seconds / 3600
    told = f" ({cost.source})" if cost.source else ""
    said.say(
        "cost",
        hours * cost.amount_per_hour,
        f"the whole budget is {hours:.3g} h of full outage a period: "
        f"{hours * cost.amount_per_hour:,.0f} {cost.currency} at "
        f"{cost.amount_per_hour:,.0f} {cost.currency} an hour{told}",
    )


def reachable(
    said: Argument, objective: float, tiers: Sequence[BurnTier], period_seconds: float
) -> FittedTiers:
    """Return the tiers that can fire, and say which were changed for it."""
    fitted = fit_tiers(tiers, objective, period_seconds)
    bound = lowest_reachable(tiers, period_seconds)
    said.warnings.extend(fitted.changes)
    if not tiers:
        said.say("reachability", None, "no tier was given: nothing would warn")
    elif fitted.changes:
        said.say(
            "reachability",
            bound,
            f"the tiers as given can fire only above {percent(bound)}; "
            "those that could not were changed",
        )
    else:
        said.say(
            "reachability", bound, f"every tier can fire: that needs more than {percent(bound)}"
        )
    return fitted


def sla_promise(objective: float) -> float | None:
    """Return the greatest usual step with at least twice the budget; None = there is none."""
    return greatest_step_at_most(1 - SLA_BUDGETS * (1 - objective)) or greatest_step_below(
        objective
    )


def sla_reasons(objective: float, sla: Agreement | None) -> tuple[TargetReason, ...]:
    """Return what an SLA may promise, and why."""
    promise = sla_promise(objective)
    if promise is None:
        return ()
    times = (1 - promise) / (1 - objective)
    sentence = (
        f"an SLA may promise {percent(promise)}: {times:.2g} times the budget, so that the "
        "objective is missed, and can be mended, well before money is due"
    )
    if sla is not None and sla.objective > promise:
        sentence += f"; {sla.name} promises more, {percent(sla.objective)}"
    return (TargetReason(kind="sla_promise", value=promise, sentence=sentence),)
