"""Measures burn rates: each window of each tier is asked once. No data is never `ok`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Literal

from holdfast.errors import EvidenceError
from holdfast.evidence.derive import compute
from holdfast.model.base import Record, UtcTime
from holdfast.model.evidence import Evidence, Outcome
from holdfast.model.figure import Derivation
from holdfast.model.slo import SLO, BurnTier
from holdfast.slo.burn import burn_rate, burn_rate_threshold
from holdfast.slo.rules import ratio_query, tier_windows

Ask = Callable[[str, float], Evidence]
"""(PromQL, Unix seconds) → Evidence. Failures come as Evidence with outcome `error`."""

_LEAST_RATIO = -0.05

BurnState = Literal["firing", "ok", "no_data", "error"]


class BurnReading(Record):
    """One tier of one SLO at one time. Burns are None where there is no data."""

    service: str
    slo: str
    tier: str
    action: Literal["page", "ticket"]
    at: UtcTime
    state: BurnState
    long_burn: float | None
    short_burn: float | None
    threshold_burn: float
    evidence_ids: tuple[str, ...]
    """The long window's, then the short window's."""
    detail: str = ""
    """Why there is no reading."""


class Evaluation(Record):
    """All readings of one round, and the answers that they rest on."""

    readings: tuple[BurnReading, ...]
    evidence: tuple[Evidence, ...]


class BurnEvaluator:
    """Asks for the burn of every tier of the given SLOs."""

    def __init__(self, slos: Iterable[SLO], ask: Ask) -> None:
        self._slos = tuple(slos)
        self._ask = ask

    def evaluate(self, at: float) -> Evaluation:
        """Return a reading for each tier of each SLO at Unix time `at`."""
        readings: list[BurnReading] = []
        evidence: list[Evidence] = []
        for slo in self._slos:
            answers = {w: self._ask(ratio_query(slo, w), at) for w in tier_windows(slo)}
            evidence.extend(answers.values())
            for tier in slo.tiers:
                long = answers[tier.long_window_seconds]
                short = answers[tier.short_window_seconds]
                readings.append(read_tier(slo, tier, long, short, at))
        return Evaluation(readings=tuple(readings), evidence=tuple(evidence))


def read_tier(slo: SLO, tier: BurnTier, long: Evidence, short: Evidence, at: float) -> BurnReading:
    """Return what two windows' ratios say of a tier. Pure."""
    long_burn, long_problem = _burn(slo, long)
    short_burn, short_problem = _burn(slo, short)
    threshold = burn_rate_threshold(tier, slo)
    return BurnReading(
        service=slo.service,
        slo=slo.name,
        tier=tier.name,
        action=tier.action,
        at=datetime.fromtimestamp(at, UTC),
        state=_state(long_burn, short_burn, threshold, bool(long_problem or short_problem)),
        long_burn=long_burn,
        short_burn=short_burn,
        threshold_burn=threshold,
        evidence_ids=(long.id, short.id),
        detail=long_problem or short_problem or _absence(long_burn, short_burn),
    )


def _burn(slo: SLO, ratio: Evidence) -> tuple[float | None, str]:
    """The burn, and what went wrong.

    A ratio above 1 is all bad: a request is counted bad while it hangs, and in all when it ends.
    A ratio a little below 0 is the extrapolation of two counters; far below, a wrong indicator.
    """
    if ratio.outcome is Outcome.ERROR:
        return None, ratio.error or "the metrics source answered with an error"
    try:
        value = compute(Derivation(function="value", evidence_ids=(ratio.id,)), [ratio])
    except EvidenceError as error:
        return None, f"the SLO's queries must give one series: {error}"
    if value is None:
        return None, ""
    if value < _LEAST_RATIO:
        return None, "the SLO's queries contradict each other: fewer than no bad events"
    return burn_rate(min(1.0, max(0.0, value)), slo), ""


def _state(
    long_burn: float | None, short_burn: float | None, threshold: float, failed: bool
) -> BurnState:
    if failed:
        return "error"
    if long_burn is None or short_burn is None:
        return "no_data"
    return "firing" if long_burn > threshold and short_burn > threshold else "ok"


def _absence(long_burn: float | None, short_burn: float | None) -> str:
    silent = [n for n, b in (("long", long_burn), ("short", short_burn)) if b is None]
    return f"no data in the {' and the '.join(silent)} window" if silent else ""
