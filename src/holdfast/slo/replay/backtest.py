"""Replays the tiers of an objective, and any other rules, over one past."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from holdfast.model.replay import (
    Action,
    Backtest,
    PastIncident,
    ReplaySpan,
    RuleSetScore,
    Score,
    Spell,
)
from holdfast.model.slo import SLO
from holdfast.slo.history import EventHistory
from holdfast.slo.replay.detector import HOW, find_incidents
from holdfast.slo.replay.firing import Ratios, threshold_of
from holdfast.slo.replay.holding import runs
from holdfast.slo.replay.score import Matching, score
from holdfast.slo.replay.spending import Spending
from holdfast.slo.replay.windows import Bools, Floats

SIGNIFICANT_FOUND = 0.02
"""Of the budget: what the Workbook's fastest page is allowed to spend."""
OUR_RULES = "tiers"


@dataclass(frozen=True)
class Fired:
    """When rules fired: of one rule set. `unknown_fractions` by rule; None = not known."""

    name: str
    spells: tuple[Spell, ...]
    rules: tuple[tuple[str, Action], ...]
    unknown_fractions: dict[str, float | None] = field(default_factory=dict[str, float | None])
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class IncidentsGiven:
    """Incidents to hold alerts against, where they come from, and from where on they count."""

    incidents: tuple[PastIncident, ...]
    described: str
    significant_fraction: float = 0.0


class Replay:
    """One objective's past, ready to be replayed: what is worked out once stands here.

    `history` may begin before `start`, so that long windows are full from the start on; only what
    lies within start … its end is told.
    """

    def __init__(self, slo: SLO, history: EventHistory, start: float, source: str) -> None:
        self.slo = slo
        self.history = history
        self.ratios = Ratios(history)
        self.spending = Spending.of(history, self.ratios.sums, slo.objective, slo.period_seconds)
        self.first = max(0, round((start - history.start) / history.step_seconds))
        self.source = source
        known = history.known[self.first :]
        self.span = ReplaySpan(
            start=_utc(max(start, history.start)),
            end=_utc(history.end),
            step_seconds=history.step_seconds,
            known_fraction=float(known.mean()) if len(known) else None,
        )

    def find_incidents(self, significant_fraction: float = SIGNIFICANT_FOUND) -> IncidentsGiven:
        """Find incidents independently of any rule."""
        found = find_incidents(self.history, self.slo.objective, self.ratios.sums)
        return IncidentsGiven(found, HOW, significant_fraction)

    def weigh(self, given: IncidentsGiven) -> tuple[PastIncident, ...]:
        """Return the incidents of the span with what they spent, and whether they count."""
        return tuple(
            self._weighed(one, given.significant_fraction)
            for one in given.incidents
            if one.end > self.span.start and one.start < self.span.end
        )

    def tiers(self) -> Fired:
        """Replay the objective's own tiers."""
        ends = self.history.ends[self.first :]
        spells: list[Spell] = []
        unknown: dict[str, float | None] = {}
        for tier in self.slo.tiers:
            limit = threshold_of(tier, self.slo.objective, self.slo.period_seconds)
            fires = self.ratios.condition(tier, limit)[self.first :]
            unknown[tier.name] = 1 - float(self.ratios.known(tier)[self.first :].mean())
            labels = {"service": self.slo.service, "slo": self.slo.name}
            spells += spells_of(tier.name, tier.action, labels, fires, ends)
        rules: list[tuple[str, Action]] = [(tier.name, tier.action) for tier in self.slo.tiers]
        return Fired(OUR_RULES, tuple(spells), tuple(rules), unknown)

    def backtest(
        self, given: IncidentsGiven, rule_sets: Sequence[Fired], matching: Matching
    ) -> Backtest:
        """Return what each rule set is worth on this past."""
        incidents = self.weigh(given)
        return Backtest(
            slo=self.slo.name,
            service=self.slo.service,
            objective=self.slo.objective,
            period_seconds=self.slo.period_seconds,
            source=self.source,
            span=self.span,
            incidents_from=given.described,
            significant_is=significance(given.significant_fraction),
            incidents=incidents,
            rule_sets=tuple(
                score_set(fired, incidents, self.span, matching, self.spending)
                for fired in rule_sets
            ),
        )

    def _weighed(self, incident: PastIncident, least: float) -> PastIncident:
        spent = self.spending.between(incident.start.timestamp(), incident.end.timestamp())
        enough = least <= 0 or (spent is not None and spent >= least)
        return incident.model_copy(
            update={
                "budget_spent_fraction": spent,
                "significant": enough,
                "slo": incident.slo or self.slo.name,
                "service": incident.service or self.slo.service,
            }
        )


def significance(fraction: float) -> str:
    """Say what makes an incident significant."""
    if fraction <= 0:
        return "every incident is significant"
    return (
        f"an incident is significant if it spent at least {fraction:.2%} of the budget of an "
        "average period"
    )


def score_set(
    fired: Fired,
    incidents: Sequence[PastIncident],
    span: ReplaySpan,
    matching: Matching,
    spending: Spending | None = None,
) -> RuleSetScore:
    """Score all alerts of a set, its pages, its tickets, and each rule by itself."""

    def of(scope: str, names: Iterable[str]) -> Score:
        kept = set(names)
        unknown = [fired.unknown_fractions.get(name) for name in sorted(kept)]
        known = [value for value in unknown if value is not None]
        return score(
            scope,
            [spell for spell in fired.spells if spell.rule in kept],
            incidents,
            span,
            matching,
            spending=spending,
            unknown_fraction=max(known, default=None),
        )

    names = [name for name, _ in fired.rules]
    scores = [of("all alerts", names)]
    for action in ("page", "ticket"):
        chosen = [name for name, rule_action in fired.rules if rule_action == action]
        if chosen:
            scores.append(of(f"{action}s", chosen))
    scores += (of(name, [name]) for name in dict.fromkeys(names))
    return RuleSetScore(
        name=fired.name, scores=tuple(scores), spells=fired.spells, notes=fired.notes
    )


def spells_of(
    rule: str, action: Action, labels: dict[str, str], fires: Bools, ends: Floats
) -> list[Spell]:
    """Return the times in which one series of a rule fires.

    It begins with the step whose end first finds it firing, and ends with the first that does not.
    """
    step = float(ends[1] - ends[0]) if len(ends) > 1 else 0.0
    firsts, lasts = runs(fires)
    return [
        Spell(
            rule=rule,
            action=action,
            labels=labels,
            start=_utc(float(ends[first])),
            end=_utc(float(ends[last]) if last < len(ends) else float(ends[-1]) + step),
            open=bool(last == len(ends)),
        )
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)
    ]


def quiet_steps(incidents: Sequence[PastIncident], history: EventHistory) -> Bools:
    """Return the steps that lie in none of the incidents."""
    quiet = np.ones(len(history.total), dtype=np.bool_)
    for one in incidents:
        begin = (one.start.timestamp() - history.start) / history.step_seconds
        end = (one.end.timestamp() - history.start) / history.step_seconds
        quiet[max(0, int(begin)) : max(0, int(end) + 1)] = False
    return quiet


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
