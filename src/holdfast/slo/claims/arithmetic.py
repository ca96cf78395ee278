"""What each form of statement comes to: the value, the formula with its numbers, what else fits."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.model.slo import SLO
from holdfast.slo.claims.forms import Parts
from holdfast.slo.claims.quantities import Quantity, hours, in_words, time_in_words
from holdfast.slo.targets.percent import percent
from holdfast.slo.targets.tiers import arithmetic_slo

DEFAULT_OBJECTIVE = 0.999


@dataclass(frozen=True)
class Given:
    """What holds where a statement does not say it. None = said by nobody, assumed and told."""

    objective: float | None = None
    period_seconds: float | None = None


@dataclass(frozen=True)
class Finding:
    """One value that was claimed, and what it is."""

    claimed: Quantity
    unit: str
    """P, D, X or N: how to write it."""
    actual: float
    arithmetic: str
    would_be: str = ""
    """For which other values the claim would be right."""


@dataclass(frozen=True)
class Terms:
    """The objective and the period that a statement is about, and what of them was assumed."""

    objective: float
    period_seconds: float
    assumptions: tuple[str, ...]

    @property
    def slo(self) -> SLO:
        """For burn arithmetic."""
        return arithmetic_slo(self.objective, self.period_seconds)


def burn(parts: Parts, terms: Terms) -> list[Finding]:
    """Burn rate = budget fraction x period / window; threshold = burn rate x (1 - objective)."""
    fraction, window = parts["fraction"].value, parts["window"].value
    actual = fraction * terms.period_seconds / window
    told = (
        f"burn rate = budget fraction x period / window = {fraction:.4g} x "
        f"{hours(terms.period_seconds)} / {hours(window)} = {actual:.4g}"
    )
    findings: list[Finding] = []
    if "burn" in parts:
        claimed = parts["burn"]
        findings.append(
            Finding(claimed, "X", actual, told, _burns_right(claimed.value, parts, terms))
        )
    if "ratio" in parts:
        budget = 1 - terms.objective
        findings.append(
            Finding(
                parts["ratio"],
                parts["ratio"].code,
                actual * budget,
                f"{told}; threshold = burn rate x (1 - objective) = {actual:.4g} x {budget:.4g} "
                f"= {actual * budget:.4g}",
            )
        )
    return findings


def _burns_right(burn_rate: float, parts: Parts, terms: Terms) -> str:
    if burn_rate <= 0:
        return ""
    fraction, window = parts["fraction"].value, parts["window"].value
    return (
        f"{burn_rate:.4g}x is {in_words('P', fraction)} in "
        f"{time_in_words(fraction * terms.period_seconds / burn_rate)}, or "
        f"{in_words('P', burn_rate * window / terms.period_seconds)} in {time_in_words(window)}"
    )


def threshold(parts: Parts, terms: Terms) -> list[Finding]:
    """Threshold = burn rate x (1 - objective)."""
    rate, budget = parts["burn"].value, 1 - terms.objective
    told = (
        f"threshold = burn rate x (1 - objective) = {rate:.4g} x {budget:.4g} = {rate * budget:.4g}"
    )
    return [Finding(parts["ratio"], parts["ratio"].code, rate * budget, told)]


def share(parts: Parts, terms: Terms) -> list[Finding]:
    """A fraction of a time is a time."""
    fraction, period = parts["fraction"].value, terms.period_seconds
    told = (
        f"{in_words('P', fraction)} x {time_in_words(period)} = {time_in_words(fraction * period)}"
    )
    return [Finding(parts["downtime"], "D", fraction * period, told)]


def downtime(parts: Parts, terms: Terms) -> list[Finding]:
    """Full outage that the budget allows = (1 - objective) x period."""
    allowed = (1 - terms.objective) * terms.period_seconds
    told = (
        f"(1 - objective) x period = {1 - terms.objective:.4g} x "
        f"{time_in_words(terms.period_seconds)} = {time_in_words(allowed)} of full outage"
    )
    right = 1 - parts["downtime"].value / terms.period_seconds
    would_be = f"{time_in_words(parts['downtime'].value)} is {percent(right)}" if right > 0 else ""
    return [Finding(parts["downtime"], "D", allowed, told, would_be)]


def outage(parts: Parts, terms: Terms) -> list[Finding]:
    """Share of the budget = outage / ((1 - objective) x period), at steady traffic."""
    seconds, claimed = parts["downtime"].value, parts["fraction"]
    budget = (1 - terms.objective) * terms.period_seconds
    of_period = seconds / terms.period_seconds
    told = (
        f"outage / ((1 - objective) x period) = {time_in_words(seconds)} / "
        f"({1 - terms.objective:.4g} x {time_in_words(terms.period_seconds)}) = "
        f"{time_in_words(seconds)} / {time_in_words(budget)} = {in_words('P', seconds / budget)} "
        f"(of the period itself it is {in_words('P', of_period)})"
    )
    right = 1 - of_period / claimed.value if claimed.value > 0 else 0.0
    would_be = f"it would be right for an objective of {percent(right)}" if 0 < right < 1 else ""
    return [Finding(claimed, "P", seconds / budget, told, would_be)]


def cut(parts: Parts, terms: Terms) -> list[Finding]:
    """Downtime that a stricter objective cuts = 1 - (1 - new) / (1 - old)."""
    before = as_ratio(parts["before"])
    actual = 1 - (1 - terms.objective) / (1 - before)
    month = 30 * 86400.0
    told = (
        f"1 - (1 - new) / (1 - old) = 1 - {1 - terms.objective:.4g} / {1 - before:.4g} = "
        f"{in_words('P', actual)} ({time_in_words((1 - before) * month)} → "
        f"{time_in_words((1 - terms.objective) * month)} in 30 d)"
    )
    if "factor" in parts:
        times = (1 - before) / (1 - terms.objective)
        return [Finding(parts["factor"], "X", times, f"(1 - old) / (1 - new) = {times:.4g}")]
    return [Finding(parts["fraction"], "P", actual, told)]


def budget(parts: Parts, terms: Terms) -> list[Finding]:
    """The budget of an objective is what it leaves."""
    left = 1 - terms.objective
    told = f"1 - objective = {left:.4g}, {in_words('P', left)} of the events of the period"
    return [Finding(parts["fraction"], "P", left, told)]


def exhaustion(parts: Parts, terms: Terms) -> list[Finding]:
    """The budget lasts period / burn rate."""
    rate = parts["burn"].value
    lasts = terms.period_seconds / rate
    told = f"period / burn rate = {hours(terms.period_seconds)} / {rate:.4g} = {hours(lasts)}"
    return [Finding(parts["downtime"], "D", lasts, told)]


def as_ratio(quantity: Quantity) -> float:
    """Return `99.9 %`, and a bare `99.9`, as a ratio."""
    return quantity.value / 100 if quantity.code == "N" and quantity.value > 1 else quantity.value
