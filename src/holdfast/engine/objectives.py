"""Which objective an incident is held against, and how finely it can be watched."""

from __future__ import annotations

from holdfast.diagnosis.scene import choose_slo
from holdfast.engine.world import World
from holdfast.model.case import Case
from holdfast.model.slo import SLO

_WITHOUT_TIERS_SECONDS = 60.0


def objective_of(case: Case, world: World) -> SLO | None:
    """Return the objective that the incident is about; None where the service has none."""
    return choose_slo(case.opened, {slo.name: slo for slo in world.config.slos})


def short_window_seconds(slo: SLO) -> float:
    """Return the shortest window of the objective's alerts, those that page first."""
    pages = [tier for tier in slo.tiers if tier.action == "page"] or list(slo.tiers)
    return min((tier.short_window_seconds for tier in pages), default=_WITHOUT_TIERS_SECONDS)
