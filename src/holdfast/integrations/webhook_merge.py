"""What is known of alerts and changes, and what has just arrived, put together. Pure.

Deliveries come twice, late and out of order. So what is kept must not depend on their order:
`merge_alerts` keeps one record for each source, fingerprint and start, and a resolution is never
undone by an older message. `settled` then reads what really fires: one fingerprint has one
episode at a time, so that a resolution ends every episode that began before it, and a later
episode ends those before.

One message cannot be judged by itself: an alert that Alertmanager resolved by a time-out comes back
*with the same start*, and is sent once, then not before its repeat interval (hours). Where the time
of arrival is given, a firing alert that comes more than `late_seconds` after its resolution did is
therefore a new episode, which begins at that end. Alertmanager, Grafana and PagerDuty send what is
of one group or incident in order; only replicas and parallel requests overtake one another, within
seconds. Rather an alert too many than an outage that nobody hears of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.model.alert import Alert
from holdfast.model.change import Change

AlertKey = tuple[str, str, datetime]
"""Source, fingerprint, start."""

LATE_SECONDS = 60.0
"""How long after an alert's resolution a firing one of the same start may have been overtaken."""


@dataclass(frozen=True)
class MergedAlerts:
    """All alerts in the order of their keys, and what the arrival has done."""

    alerts: tuple[Alert, ...]
    new: tuple[Alert, ...]
    changed: tuple[Alert, ...]
    """Known by their keys, and different now: a resolution, other annotations."""
    repeated: int
    """Arrived, and said nothing new."""


def key_of(alert: Alert) -> AlertKey:
    """Return what makes an alert one alert, however often it is sent."""
    return alert.source, alert.fingerprint, alert.starts_at


def merge_alerts(
    known: Iterable[Alert],
    arrived: Iterable[Alert],
    *,
    arrived_at: datetime | None = None,
    last_heard: Mapping[AlertKey, datetime] | None = None,
    late_seconds: float = LATE_SECONDS,
) -> MergedAlerts:
    """Return what is known after the arrival.

    `arrived_at` is when the sender said it (`Received.said_at`), or else when it arrived;
    `last_heard` the same of the message that last changed each known alert (its end, where a
    store does not keep that).

    Without `arrived_at` the status and the end of each key do not depend on the order of
    arrivals, nor on how often each comes. Labels and annotations are those that arrived last.
    """
    before: dict[AlertKey, Alert] = {}
    for alert in known:
        before[key_of(alert)] = merge_alert(before.get(key_of(alert)), alert)
    after = dict(before)
    repeated = 0
    limit = timedelta(seconds=late_seconds)
    for alert in arrived:
        same = after.get(key_of(alert))
        heard = (last_heard or {}).get(key_of(alert), same.ends_at if same else None)
        late = arrived_at is None or heard is None or (arrived_at - heard) <= limit
        episode = alert if late else _episode(alert, same)
        merged = merge_alert(after.get(key_of(episode)), episode)
        repeated += merged == after.get(key_of(episode))
        after[key_of(episode)] = merged
    return MergedAlerts(
        alerts=tuple(after[key] for key in sorted(after)),
        new=tuple(after[key] for key in sorted(after) if key not in before),
        changed=tuple(after[k] for k in sorted(after) if k in before and after[k] != before[k]),
        repeated=repeated,
    )


def merge_alert(known: Alert | None, arrived: Alert) -> Alert:
    """Return one record of two of the same key: resolved if either is, with the later end."""
    if known is None or known == arrived:
        return arrived
    if known.status == "resolved" and arrived.status == "firing":
        return known
    ends = [alert.ends_at for alert in (known, arrived) if alert.ends_at is not None]
    return arrived.model_copy(update={"ends_at": max(ends, default=None)})


def settled(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """Return the same alerts with the status that follows from all of them together.

    A firing episode that began within one that was resolved has ended with it. One that began
    before another of its fingerprint has ended when that began, at the latest.
    """
    groups: dict[tuple[str, str], list[Alert]] = defaultdict(list)
    for alert in sorted(alerts, key=key_of):
        groups[alert.source, alert.fingerprint].append(alert)
    return tuple(_settle(alert, group) for group in groups.values() for alert in group)


def _settle(alert: Alert, group: Sequence[Alert]) -> Alert:
    if alert.status == "resolved":
        return alert
    start = alert.starts_at
    over = [a.ends_at for a in group if a.ends_at and a.starts_at <= start < a.ends_at]
    later = [a.starts_at for a in group if a.starts_at > start]
    if not over and not later:
        return alert
    ends_at = max(over) if over else min(later)
    return alert.model_copy(update={"status": "resolved", "ends_at": ends_at})


def _episode(alert: Alert, same: Alert | None) -> Alert:
    """Return an alert that is not late; one that fires after its resolution begins anew there."""
    if same is None or same.ends_at is None or alert.status == "resolved":
        return alert
    return alert.model_copy(update={"starts_at": same.ends_at})


def merge_changes(known: Iterable[Change], arrived: Iterable[Change]) -> tuple[Change, ...]:
    """Return one record for each source and id, oldest first.

    A change begins at the latest begin that is told: a deployment is first created, and takes
    effect when it is in progress. Its end is the latest one; one before the begin is that of an
    earlier attempt, and no end. So the times do not depend on the order of arrivals. The words are
    those of the record with the later end, and of two equals those that arrived last.
    """
    merged: dict[tuple[str, str], Change] = {}
    for change in (*known, *arrived):
        before = merged.get((change.source, change.id))
        merged[change.source, change.id] = _joined(before, change) if before else change
    return tuple(sorted(merged.values(), key=lambda c: (c.at, c.source, c.id)))


def _joined(known: Change, arrived: Change) -> Change:
    begin = max(known.at, arrived.at)
    ends = [c.finished_at for c in (known, arrived) if c.finished_at is not None]
    end = max(ends, default=None)
    words = known if known.finished_at == end != arrived.finished_at else arrived
    finished_at = end if end is not None and end >= begin else None
    return words.model_copy(update={"at": begin, "finished_at": finished_at})
