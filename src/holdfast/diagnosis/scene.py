"""The scene of an incident: what questions need to know, taken from the case and the catalog.

Every time in it is a time of the case, so that the same case asks the same questions for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from holdfast.diagnosis.graph import reachable
from holdfast.model.case import ActionCase, Case
from holdfast.model.change import Change
from holdfast.model.event import Opened
from holdfast.model.incident import Claim
from holdfast.model.service import Service
from holdfast.model.slo import SLO
from holdfast.slo.rules import ratio_query

_LONGEST_NOW_SECONDS = 300.0
_SAMPLES_PER_WINDOW = 4
"""A rate needs two samples; four survive a late scrape."""


@dataclass(frozen=True)
class Settings:
    """Constants of a team's world. Seconds throughout."""

    resolution_seconds: float = 15.0
    """The scrape interval."""
    hold_seconds: float = 300.0
    """How long the objective must be met before the symptom is called gone."""
    deadline_seconds: float = 900.0
    """How long an action has to show its effect."""
    plausible_lag_seconds: float = 1800.0
    """How long after a change its damage may begin."""


@dataclass(frozen=True)
class Scene:
    """`services` = the target, which shows the symptom, then all that it calls, as catalogued."""

    incident_id: str
    opened_at: datetime
    target: str
    services: Mapping[str, Service]
    slo: SLO | None
    other_slos: tuple[SLO, ...]
    """The other objectives of the target, by name: an action must not win one by losing another."""
    changes: Mapping[str, Change]
    now: float
    """The instant of the comparison: the bad state is on, and no action has changed it."""
    onset: float | None
    healthy: tuple[float, float] | None
    settings: Settings
    claims: tuple[Claim, ...]
    effects: tuple[ActionCase, ...]
    """The mitigations whose effect was seen, oldest first."""
    effect_asked_at: float
    """When the effect is asked again: the latest time of the case."""

    @property
    def effect(self) -> ActionCase | None:
        """The latest mitigation whose effect was seen."""
        return self.effects[-1] if self.effects else None

    def effect_of(self, hypothesis_id: str) -> ActionCase | None:
        """Return the mitigation that was taken on a hypothesis and had its effect."""
        own = (e for e in self.effects if e.action.hypothesis_id == hypothesis_id)
        return next(own, None)

    @property
    def now_window_seconds(self) -> float:
        """How much of the bad state a rate covers: since the onset, within limits."""
        shortest = self.shortest_window_seconds
        if self.onset is None:
            return shortest
        return min(max(self.now - self.onset, shortest), max(_LONGEST_NOW_SECONDS, shortest))

    @property
    def shortest_window_seconds(self) -> float:
        """The shortest range over which a rate can be computed safely."""
        return _SAMPLES_PER_WINDOW * self.settings.resolution_seconds

    def callees(self, service: str) -> tuple[str, ...]:
        """Return the catalogued services that it calls."""
        found = self.services.get(service)
        return tuple(name for name in found.depends_on if name in self.services) if found else ()

    def indicator(self, window_seconds: float) -> str | None:
        """Return the query of the ratio of bad events, or None without an objective."""
        return None if self.slo is None else ratio_query(self.slo, window_seconds)


def set_scene(
    case: Case, services: Mapping[str, Service], slos: Mapping[str, SLO], settings: Settings
) -> Scene:
    """Return the scene of a case that was triaged."""
    triage = case.triage
    if triage is None:
        raise ValueError(f"{case.incident_id} was not triaged")
    graph = reachable(case.opened.service, services)
    slo = choose_slo(case.opened, slos)
    own = sorted((s for s in slos.values() if s.service == case.opened.service), key=_name)
    window = (triage.healthy_from, triage.healthy_to)
    return Scene(
        incident_id=case.incident_id,
        opened_at=case.opened_at,
        target=case.opened.service,
        services={name: services[name] for name in graph},
        slo=slo,
        other_slos=tuple(s for s in own if s is not slo),
        changes={change.id: change for change in triage.changes},
        now=_comparison_instant(case),
        onset=None if triage.onset is None else triage.onset.timestamp(),
        healthy=None
        if window[0] is None or window[1] is None
        else (window[0].timestamp(), window[1].timestamp()),
        settings=settings,
        claims=case.opened.claims,
        effects=effective_actions(case),
        effect_asked_at=case.last_event_at.timestamp(),
    )


def choose_slo(opened: Opened, slos: Mapping[str, SLO]) -> SLO | None:
    """Return the objective that the incident is about.

    The alert names it. A sentence does not: then one of the service's own, of the kind that the
    claims speak of (latency unless they speak of errors), the first by name.
    """
    if opened.slo is not None and opened.slo in slos:
        return slos[opened.slo]
    own = sorted((s for s in slos.values() if s.service == opened.service), key=lambda s: s.name)
    errors = any("error" in claim.quantity or "avail" in claim.quantity for claim in opened.claims)
    wanted = "availability" if errors else "latency"
    return next((slo for slo in own if slo.kind == wanted), own[0] if own else None)


def effective_actions(case: Case) -> tuple[ActionCase, ...]:
    """Return the mitigations whose expected effect was measured, oldest first.

    The steps of a permanent fix tell nothing of causes: they come when those are known.
    """
    return tuple(
        a
        for a in case.actions.values()
        if a.action.purpose == "mitigate" and a.verdict and a.verdict.effect == "seen"
    )


def _name(slo: SLO) -> str:
    return slo.name


def _comparison_instant(case: Case) -> float:
    first = min((action.proposed_at for action in case.actions.values()), default=None)
    return (first or case.last_event_at).timestamp()
