"""What alerts are worth: when they fired, held against incidents. Pure.

The definitions stand in docs/backtest.md. In short: alerts of the rules in question whose times
touch, or lie at most `join_seconds` apart, are one alert. It is true where it overlaps a
significant incident, or the grace after one; precision is the true part of alerts, recall the part
of significant incidents for which one fired.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from holdfast.model.replay import Detection, FalseAlert, PastIncident, ReplaySpan, Score, Spell
from holdfast.model.slo import SLO
from holdfast.slo.replay.intervals import share
from holdfast.slo.replay.spending import Spending

WEEK_SECONDS = 7 * 86_400.0


@dataclass(frozen=True)
class Matching:
    """How alerts are held against incidents."""

    join_seconds: float = 300.0
    """Alertmanager's default group_interval: what follows sooner is the same notification."""
    grace_seconds: float = 3600.0
    """How long after its end an alert still belongs to an incident."""

    @classmethod
    def of(cls, slo: SLO, grace_seconds: float | None = None) -> Matching:
        """Return five minutes and an hour, less where an objective's windows are shorter.

        Such is a compressed laboratory's: there incidents are minutes apart.
        """
        windows = [tier.long_window_seconds for tier in slo.tiers] or [cls.grace_seconds]
        grace = min(cls.grace_seconds, max(windows)) if grace_seconds is None else grace_seconds
        return cls(min(cls.join_seconds, min(windows)), grace)


@dataclass(frozen=True)
class Episode:
    """Alerts of one unbroken time, Unix seconds."""

    start: float
    end: float
    spells: tuple[Spell, ...]

    @property
    def open(self) -> bool:
        """Whether it still fired when the history ended."""
        return any(spell.open for spell in self.spells)


def episodes(spells: Sequence[Spell], join_seconds: float) -> tuple[Episode, ...]:
    """Return the unbroken times in which at least one of the spells fires."""
    found: list[tuple[float, float, list[Spell]]] = []
    for spell in sorted(spells, key=lambda one: one.start):
        start, end = spell.start.timestamp(), spell.end.timestamp()
        if found and start - found[-1][1] <= join_seconds:
            first, last, together = found[-1]
            together.append(spell)
            found[-1] = (first, max(last, end), together)
        else:
            found.append((start, end, [spell]))
    return tuple(Episode(start, end, tuple(together)) for start, end, together in found)


def score(
    scope: str,
    spells: Sequence[Spell],
    incidents: Sequence[PastIncident],
    span: ReplaySpan,
    matching: Matching,
    *,
    spending: Spending | None = None,
    unknown_fraction: float | None = None,
) -> Score:
    """Return what the spells of a scope are worth against the incidents within the span."""
    told = episodes(spells, matching.join_seconds)
    significant = [one for one in incidents if one.significant]
    detections = tuple(_detection(one, told, matching, spending) for one in significant)
    false = tuple(_false(one, incidents, matching) for one in told)
    wrong = tuple(one for one in false if one is not None)
    found = [one for one in detections if one.at is not None]
    times = [one.seconds for one in found if one.seconds is not None]
    resets = [one.reset_seconds for one in found if one.reset_seconds is not None]
    spent = [one.budget_spent_fraction for one in found if one.budget_spent_fraction is not None]
    return Score(
        scope=scope,
        alerts=len(told),
        alerts_per_week=len(told) * WEEK_SECONDS / span.seconds,
        precision=share(len(told) - len(wrong), len(told)),
        recall=share(len(found), len(detections)),
        detection_median_seconds=_median(times),
        detection_worst_seconds=max(times, default=None),
        reset_median_seconds=_median(resets),
        reset_worst_seconds=max(resets, default=None),
        budget_at_alert_median=_median(spent),
        budget_at_alert_worst=max(spent, default=None),
        unknown_fraction=unknown_fraction,
        detections=detections,
        false_alerts=wrong,
    )


def _overlaps(episode: Episode, incident: PastIncident, grace_seconds: float) -> bool:
    start, end = incident.start.timestamp(), incident.end.timestamp()
    return episode.start <= end + grace_seconds and episode.end > start


def _detection(
    incident: PastIncident,
    told: Sequence[Episode],
    matching: Matching,
    spending: Spending | None,
) -> Detection:
    start, end = incident.start.timestamp(), incident.end.timestamp()
    mine = [one for one in told if _overlaps(one, incident, matching.grace_seconds)]
    spells = [
        spell
        for episode in mine
        for spell in episode.spells
        if spell.end.timestamp() > start and spell.start.timestamp() <= end + matching.grace_seconds
    ]
    if not spells:
        return Detection(incident=incident)
    first = min(spells, key=lambda spell: spell.start)
    at = max(start, first.start.timestamp())
    last = max(mine, key=lambda episode: episode.end)
    return Detection(
        incident=incident,
        rule=first.rule,
        at=datetime.fromtimestamp(at, UTC),
        seconds=at - start,
        after_end=at > end,
        reset_seconds=None if last.open else max(0.0, last.end - end),
        budget_spent_fraction=None if spending is None else spending.between(start, min(at, end)),
    )


def _false(
    episode: Episode, incidents: Sequence[PastIncident], matching: Matching
) -> FalseAlert | None:
    mine = [one for one in incidents if _overlaps(episode, one, matching.grace_seconds)]
    if any(one.significant for one in mine):
        return None
    return FalseAlert(
        start=datetime.fromtimestamp(episode.start, UTC),
        end=datetime.fromtimestamp(episode.end, UTC),
        rules=tuple(sorted({spell.rule for spell in episode.spells})),
        why="insignificant incident" if mine else "no incident",
    )


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None
