"""Where an alert belongs: to an incident that is being worked, or to a new one. Pure.

Call it for every alert that fires, at every evaluation: what it answers is safe to repeat.
Two alerts are *the same symptom* when they share source and fingerprint, or service and SLO (two
tiers of one SLO see the same bad events). The rules, the newest incident first in each:

1. The incident was opened by this very alert (source, fingerprint, starts_at): a duplicate.
2. It is at work (triage, active, no outcome yet), the same service or symptom: attach.
3. It is at work, began within `proximity_seconds` of the alert, and is of a service that this one
   calls or is called by, through any number of calls: attach.
4. It is mitigated or later, without an outcome yet, the same symptom, and the alert began before
   that, or at most `settling_seconds` after it: attach, the tail of the same bad events. What
   begins later is new: while a fix is written and rolled out nobody works on what users feel.
5. It has its outcome, the same symptom, and the alert began before that, or at most
   `settling_seconds` after it: attach, the tail of the same bad events, which windows still hold.
6. Otherwise a new incident; `follows` names an earlier one of the same symptom. Whoever was handed
   the earlier one is not left with a second outage as a note in it.

Nothing is lost: an attached alert is an event of its incident (`signals/opening.py`), keyed so
that the ledger takes it once; an alert that still fires after the settling time is no longer
attached, and opens. Merged and declined incidents take no alerts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.model.alert import Alert
from holdfast.model.case import Case
from holdfast.model.incident import Status
from holdfast.model.service import Service

_WORKING = {Status.TRIAGE, Status.ACTIVE}
_ENDING = {Status.MITIGATED, Status.RESOLVED, Status.LEARNING}
_SERVICE_LABELS = ("service", "service_name", "app", "job")

UNKNOWN_SERVICE = "unknown"
"""The service of an alert that names none of the catalog's."""


@dataclass(frozen=True)
class GroupingSettings:
    """How near in time is near. In seconds."""

    proximity_seconds: float = 900.0
    settling_seconds: float = 120.0
    """The alert's short window where that is known: after it, bad events are new ones."""


@dataclass(frozen=True)
class NewIncident:
    """The alert opens an incident; `follows` is an earlier one of the same symptom."""

    reason: str
    follows: str | None = None


@dataclass(frozen=True)
class AttachTo:
    """The alert belongs to that incident. `duplicate`: it is there already."""

    incident_id: str
    reason: str
    duplicate: bool = False


def alert_key(alert: Alert) -> str:
    """Return what makes an alert unique; also the ledger's step key of an attached one."""
    return f"alert:{alert.source}:{alert.fingerprint}:{alert.starts_at.isoformat()}"


def service_of(alert: Alert, services: Iterable[Service]) -> str:
    """Return the service that an alert's labels name, preferring those of the catalog."""
    known = {service.name for service in services}
    named = [alert.labels[label] for label in _SERVICE_LABELS if alert.labels.get(label)]
    return next((name for name in named if name in known), named[0] if named else UNKNOWN_SERVICE)


def place(
    alert: Alert,
    cases: Sequence[Case],
    services: Sequence[Service],
    *,
    now: datetime,
    settings: GroupingSettings | None = None,
) -> NewIncident | AttachTo:
    """Return where the alert belongs. `cases` = all that are open, and those closed lately."""
    limits = settings or GroupingSettings()
    newest_first = sorted(cases, key=lambda case: case.opened_at, reverse=True)
    for case in newest_first:
        if case.opened.alert is not None and alert_key(case.opened.alert) == alert_key(alert):
            return AttachTo(case.incident_id, "this alert opened the incident", duplicate=True)
    for belongs in (_same_service, _connected, _not_over, _settling):
        for case in newest_first:
            reason = belongs(alert, case, services, now, limits)
            if reason:
                return AttachTo(case.incident_id, reason)
    earlier = next((c for c in newest_first if _same_symptom(alert, c)), None)
    if earlier is not None:
        return NewIncident("the same symptom again after its incident ended", earlier.incident_id)
    return NewIncident("no incident at work is about this service or one it depends on")


def _same_service(
    alert: Alert, case: Case, services: Sequence[Service], now: datetime, limits: GroupingSettings
) -> str:
    del now, limits
    service = service_of(alert, services)
    if _at_work(case) and service == case.opened.service and service != UNKNOWN_SERVICE:
        return f"the incident at work is about {service} too"
    again = _at_work(case) and _same_symptom(alert, case)
    return "the incident at work is about the same symptom" if again else ""


def _connected(
    alert: Alert, case: Case, services: Sequence[Service], now: datetime, limits: GroupingSettings
) -> str:
    del now
    apart = abs((alert.starts_at - _began(case)).total_seconds())
    if not _at_work(case) or apart > limits.proximity_seconds:
        return ""
    mine, other = service_of(alert, services), case.opened.service
    if reaches(mine, other, services):
        return f"{mine} calls {other}, whose incident began at about the same time"
    if reaches(other, mine, services):
        return f"{other}, whose incident began at about the same time, calls {mine}"
    return ""


def _not_over(
    alert: Alert, case: Case, services: Sequence[Service], now: datetime, limits: GroupingSettings
) -> str:
    del services, now
    ending = case.status in _ENDING and not case.concluded
    if not ending or not _same_symptom(alert, case):
        return ""
    mitigated = case.milestones.get("mitigated")
    since = (alert.starts_at - (mitigated.at if mitigated else case.last_event_at)).total_seconds()
    tail = since <= limits.settling_seconds
    return f"the same symptom while its incident is {case.status.value}" if tail else ""


def _settling(
    alert: Alert, case: Case, services: Sequence[Service], now: datetime, limits: GroupingSettings
) -> str:
    del services, now
    over = case.concluded or case.status is Status.CLOSED
    since = (alert.starts_at - (case.concluded_at or case.last_event_at)).total_seconds()
    if over and _same_symptom(alert, case) and since <= limits.settling_seconds:
        return "the tail of the bad events of an incident that has its outcome"
    return ""


def _at_work(case: Case) -> bool:
    return case.status in _WORKING and not case.concluded


def _same_symptom(alert: Alert, case: Case) -> bool:
    first = case.opened.alert
    if first is None or case.status in {Status.MERGED, Status.DECLINED}:
        return False
    if (first.source, first.fingerprint) == (alert.source, alert.fingerprint):
        return True
    slo = alert.labels.get("slo")
    named = (alert.labels.get("service"), slo)
    return slo is not None and named == (first.labels.get("service"), first.labels.get("slo"))


def _began(case: Case) -> datetime:
    return case.opened.alert.starts_at if case.opened.alert is not None else case.opened_at


def reaches(caller: str, called: str, services: Sequence[Service]) -> bool:
    """Whether `caller` calls `called`, directly or through others. Cycles are no harm."""
    calls = {service.name: service.depends_on for service in services}
    seen: set[str] = set()
    waiting = list(calls.get(caller, ()))
    while waiting:
        name = waiting.pop()
        if name == called:
            return True
        if name not in seen:
            seen.add(name)
            waiting.extend(calls.get(name, ()))
    return False
