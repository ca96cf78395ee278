"""The error budget, watched: burn rates become alerts, and alerts incidents.

Rules in force are evaluated beside it: what they warn of opens nothing, and is noted with the
incident that an alert opens afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from holdfast.engine.investigating import keep
from holdfast.engine.warning import RuleRound, RuleWatch, told_before
from holdfast.engine.world import World
from holdfast.errors import LedgerError, StepTaken
from holdfast.evidence.ask import Asker
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Entry
from holdfast.model.alert import Alert
from holdfast.model.case import Case
from holdfast.model.event import MilestoneReached, Opened, SeverityRaised
from holdfast.model.evidence import Evidence
from holdfast.model.ids import new_id
from holdfast.model.incident import Milestone, Status
from holdfast.signals.group import AttachTo, GroupingSettings, alert_key, place
from holdfast.signals.opening import attached_note, open_from_alert, open_from_sentence
from holdfast.slo.detect import detect
from holdfast.slo.evaluate import BurnEvaluator, BurnReading, Evaluation
from holdfast.slo.rule_state import RuleWarning

_ACTOR = "holdfast (watch)"


@dataclass(frozen=True)
class Round:
    """One evaluation of every objective: what was read, and which incidents it opened.

    `rules` is what the rules in force said at the same time.
    """

    at: datetime
    readings: tuple[BurnReading, ...]
    alerts: tuple[Alert, ...]
    opened: tuple[str, ...]
    rules: RuleRound = field(default_factory=RuleRound)

    @property
    def warnings(self) -> tuple[RuleWarning, ...]:
        """The rules in force that fire, longest first: warnings, no pages."""
        return self.rules.warnings


class Watch:
    """Remembers nothing that matters: alerts that fire are known again after a restart."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._alerts: tuple[Alert, ...] | None = None
        self._burns = BurnEvaluator(world.config.slos, Asker(world.source, world.clock).instant)
        self._rules = RuleWatch(world)

    def tick(self) -> Round:
        """Read every burn rate and every rule now, and place each alert that fires."""
        now = self._world.now()
        rules = self._rules.evaluate(now)
        evaluation = self._burns.evaluate(now)
        before = self._known_alerts() if self._alerts is None else self._alerts
        self._alerts = detect(before, evaluation.readings)
        firing = sorted(
            (alert for alert in self._alerts if alert.status == "firing"),
            key=lambda alert: alert.severity,  # pages open, tickets attach
        )
        opened = [self._place(alert, evaluation) for alert in firing]
        return Round(
            at=datetime.fromtimestamp(now, UTC),
            readings=evaluation.readings,
            alerts=self._alerts,
            opened=tuple(incident for incident in opened if incident),
            rules=rules,
        )

    def open_from_sentence(self, sentence: str, service: str) -> str:
        """Open an incident from what a person says of a service; return its id."""
        opened = open_from_sentence(sentence, service, self._world.config)
        return self._open(opened, [])

    def _place(self, alert: Alert, evaluation: Evaluation) -> str | None:
        """Return the id of the incident that the alert opened, if it opened one."""
        world = self._world
        cases = self._cases()
        settings = GroupingSettings(settling_seconds=self._tail_seconds(alert))
        placed = place(alert, cases, world.config.services, now=world.clock(), settings=settings)
        if isinstance(placed, AttachTo):
            if not placed.duplicate:
                case = next(c for c in cases if c.incident_id == placed.incident_id)
                self._attach(alert, placed, case)
            return None
        reading = next(r for r in evaluation.readings if _is_of(r, alert))
        evidence = [item for item in evaluation.evidence if item.id in reading.evidence_ids]
        return self._open(open_from_alert(alert, world.config), evidence)

    def _known_alerts(self) -> tuple[Alert, ...]:
        """Alerts of incidents that are not closed: what goes on after a restart is not new."""
        opening = (c.opened.alert for c in self._cases() if c.status is not Status.CLOSED)
        return tuple(alert for alert in opening if alert is not None)

    def _tail_seconds(self, alert: Alert) -> float:
        """How long the alert's short window still holds bad events that are over."""
        slo = self._world.slo(alert.labels.get("slo"))
        tiers = slo.tiers if slo else ()
        known = (t.short_window_seconds for t in tiers if t.name == alert.labels.get("tier"))
        return next(known, GroupingSettings().settling_seconds)

    def _attach(self, alert: Alert, placed: AttachTo, case: Case) -> None:
        """Keep the alert with its incident, whose severity follows the worst of its alerts."""
        key = alert_key(alert)
        if self._world.ledger.has(placed.incident_id, key):
            return
        entries: list[Entry] = [(key, attached_note(alert, placed.reason))]
        opened = open_from_alert(alert, self._world.config)
        if opened.severity < case.severity:  # SEV1 is worst, and sorts first
            raised = SeverityRaised(severity=opened.severity, reason=opened.severity_reason)
            entries.append((f"severity:{opened.severity}", raised))
        try:
            self._world.ledger.append(placed.incident_id, entries, actor="holdfast (watch)")
        except StepTaken:
            return  # attached in the meantime

    def _open(self, opened: Opened, evidence: list[Evidence]) -> str:
        at = opened.alert.starts_at if opened.alert else self._world.clock()
        detected = Milestone(
            name="detected",
            at=at,
            evidence_ids=tuple(item.id for item in evidence),
        )
        entries: list[Entry] = [
            ("opened", opened),
            *keep(*evidence),
            ("milestone:detected", MilestoneReached(milestone=detected)),
            *told_before(self._rules.warnings, opened.service, at, self._world),
        ]
        incident_id = new_id("inc")
        self._world.tell(incident_id, entries, actor=_ACTOR)
        return incident_id

    def _cases(self) -> tuple[Case, ...]:
        return tuple(self._readable())

    def _readable(self) -> Iterator[Case]:
        """One that cannot be read takes no alert; whoever holds it says what is wrong with it."""
        ledger = self._world.ledger
        for incident in ledger.incident_ids():
            with contextlib.suppress(LedgerError):
                yield fold(ledger.events(incident))


def _is_of(reading: BurnReading, alert: Alert) -> bool:
    wanted = (alert.labels.get("slo"), alert.labels.get("tier"))
    return (reading.slo, reading.tier) == wanted
