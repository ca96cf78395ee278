"""Alerts and changes put together: twice, late, out of order, and again after a time-out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from holdfast.integrations.webhook_merge import key_of, merge_alerts, merge_changes, settled
from holdfast.model.alert import Alert
from holdfast.model.change import Change, ChangeType
from support.webhooks import NOW


def minute(number: float) -> datetime:
    return NOW + timedelta(minutes=number)


def alert(start: float, end: float | None = None, *, name: str = "f", note: str = "") -> Alert:
    return Alert(
        fingerprint=name,
        source="alertmanager",
        status="firing" if end is None else "resolved",
        severity="page",
        starts_at=minute(start),
        ends_at=None if end is None else minute(end),
        labels={"alertname": "A"},
        annotations={"note": note} if note else {},
    )


def states(alerts: Sequence[Alert]) -> list[tuple[datetime, str, datetime | None]]:
    return [(a.starts_at, a.status, a.ends_at) for a in alerts]


def test_a_repeated_alert_makes_no_second_one() -> None:
    merged = merge_alerts([alert(0)], [alert(0), alert(0)])
    assert merged.alerts == (alert(0),)
    assert (merged.new, merged.changed, merged.repeated) == ((), (), 2)


def test_new_and_changed_alerts_are_told() -> None:
    merged = merge_alerts([alert(0)], [alert(0, 5), alert(0, name="g")])
    assert merged.new == (alert(0, name="g"),)
    assert merged.changed == (alert(0, 5),)


def test_a_resolution_that_came_first_is_not_undone() -> None:
    merged = merge_alerts([alert(0, 5)], [alert(0, note="late")])
    assert merged.alerts == (alert(0, 5),)
    assert merged.repeated == 1


def test_the_later_of_two_ends_holds() -> None:
    for order in ((5, 7), (7, 5)):
        known: Sequence[Alert] = ()
        for end in order:
            known = merge_alerts(known, [alert(0, end)]).alerts
        assert states(known) == [(minute(0), "resolved", minute(7))]


def test_the_words_are_those_that_arrived_last() -> None:
    merged = merge_alerts([alert(0, note="old")], [alert(0, note="new")])
    assert merged.alerts[0].annotations == {"note": "new"}
    assert merged.changed


def test_equal_fingerprints_of_two_sources_are_two_alerts() -> None:
    other = alert(0).model_copy(update={"source": "grafana/org-1"})
    assert len(merge_alerts([alert(0)], [other]).alerts) == 2


def test_an_alert_that_is_absent_is_not_resolved() -> None:
    merged = merge_alerts([alert(0), alert(0, name="g")], [alert(0, 3)])
    assert [a.status for a in settled(merged.alerts)] == ["resolved", "firing"]


def test_a_resolution_ends_every_episode_that_it_covers() -> None:
    """Two replicas of Prometheus see two starts; Alertmanager resolves with the earlier one."""
    found = settled([alert(2), alert(0, 5)])
    assert states(found) == [
        (minute(0), "resolved", minute(5)),
        (minute(2), "resolved", minute(5)),
    ]


def test_a_later_episode_ends_the_one_before_and_only_one_fires() -> None:
    """Prometheus was restarted: the first start is never heard of again."""
    found = settled([alert(0), alert(4)])
    assert states(found) == [(minute(0), "resolved", minute(4)), (minute(4), "firing", None)]


def test_an_episode_ends_with_the_last_resolution_or_with_the_next_begin() -> None:
    assert settled([alert(0, 5), alert(1, 7), alert(2)])[-1].ends_at == minute(7)
    first, second, third = settled([alert(0), alert(4), alert(9)])
    assert (first.ends_at, second.ends_at, third.status) == (minute(4), minute(9), "firing")


def test_a_new_episode_after_a_resolution_fires() -> None:
    assert settled([alert(0, 5), alert(5), alert(9)])[-1].status == "firing"
    assert settled([alert(0, 5), alert(5)])[-1].status == "firing"


def test_an_alert_that_comes_back_with_the_same_start_after_a_time_out_is_not_lost() -> None:
    """What Alertmanager 0.25 sends when it did not hear of Prometheus for some minutes."""
    known = merge_alerts([], [alert(0)], arrived_at=minute(0)).alerts
    known = merge_alerts(known, [alert(0, 5)], arrived_at=minute(5)).alerts
    overtaken = merge_alerts(known, [alert(0)], arrived_at=minute(6))
    assert overtaken.alerts == known
    again = merge_alerts(known, [alert(0)], arrived_at=minute(7))
    assert [key_of(a)[2] for a in again.new] == [minute(5)]
    assert settled(again.alerts)[-1].status == "firing"
    twice = merge_alerts(again.alerts, [alert(0)], arrived_at=minute(25))
    assert (twice.alerts, twice.repeated) == (again.alerts, 1)
    slow = merge_alerts(again.alerts, [alert(0)], arrived_at=minute(5.5))  # a slower clock
    assert slow.alerts == again.alerts
    over = merge_alerts(twice.alerts, [alert(0, 30)], arrived_at=minute(30)).alerts
    assert {a.status for a in settled(over)} == {"resolved"}


def test_lateness_counts_from_when_the_resolution_was_heard() -> None:
    """Its end may lie minutes before: Alertmanager waits for the group's interval."""
    known = merge_alerts([], [alert(0, 5)]).alerts
    heard = {key_of(known[0]): minute(9)}
    soon = merge_alerts(known, [alert(0)], arrived_at=minute(9.5), last_heard=heard)
    assert soon.alerts == known
    later = merge_alerts(known, [alert(0)], arrived_at=minute(10.5), last_heard=heard)
    assert settled(later.alerts)[-1].status == "firing"


def _story(rng: random.Random) -> list[Alert]:
    """Messages of some episodes of two fingerprints, in any order and number."""
    said: list[Alert] = []
    for name in ("f", "g"):
        for number in range(rng.randrange(1, 4)):
            start = number * 10 + rng.randrange(5)
            said += [alert(start, name=name)] * rng.randrange(1, 3)
            said += [
                alert(start, start + rng.randrange(0, 14), name=name)
                for _ in range(rng.randrange(0, 3))
            ]
    return said


def test_what_is_known_does_not_depend_on_order_number_or_batches() -> None:
    rng = random.Random(11)
    for _ in range(300):
        said = _story(rng)
        expected = merge_alerts([], said).alerts
        known: tuple[Alert, ...] = ()
        waiting = said + rng.sample(said, rng.randrange(len(said)))
        rng.shuffle(waiting)
        while waiting:
            cut = rng.randrange(1, len(waiting) + 1)
            known = merge_alerts(known, waiting[:cut]).alerts
            waiting = waiting[cut:]
        assert known == expected
        assert settled(known) == settled(reversed(expected))
        assert merge_alerts(known, said).repeated == len(said)


def test_of_each_fingerprint_one_episode_fires_at_most_and_it_is_the_newest() -> None:
    rng = random.Random(12)
    for _ in range(300):
        raw = merge_alerts([], _story(rng)).alerts
        found = settled(raw)
        assert {key_of(a) for a in found} == {key_of(a) for a in raw}
        for name in ("f", "g"):
            mine = [a for a in found if a.fingerprint == name]
            firing = [a for a in mine if a.status == "firing"]
            newest = max(a.starts_at for a in mine)
            covered = any(
                a.ends_at and a.starts_at <= newest < a.ends_at
                for a in raw
                if a.fingerprint == name and a.starts_at < newest
            )
            told = any(
                a.status == "resolved"
                for a in raw
                if (a.fingerprint, a.starts_at) == (name, newest)
            )
            assert len(firing) == (0 if covered or told else 1), states(raw)
            assert all(a.starts_at == newest for a in firing)


def change(begin: float, end: float | None = None, **more: str) -> Change:
    return Change(
        id=more.pop("id", "d1"),
        type=ChangeType.DEPLOYMENT,
        service="shop",
        at=minute(begin),
        finished_at=None if end is None else minute(end),
        source="github",
        **more,  # type: ignore[arg-type]
    )


def test_the_times_of_a_change_do_not_depend_on_the_order() -> None:
    rng = random.Random(13)
    for _ in range(300):
        said: list[Change] = []
        for _ in range(rng.randrange(1, 7)):
            begin = rng.randrange(6)
            end = rng.choice([None, begin + rng.randrange(9)])
            said.append(change(begin, end, id=rng.choice("ab")))
        expected = merge_changes((), said)
        for one in expected:
            mine = [c for c in said if c.id == one.id]
            ends = [c.finished_at for c in mine if c.finished_at]
            assert one.at == max(c.at for c in mine)
            assert one.finished_at == (max(ends) if ends and max(ends) >= one.at else None)
        rng.shuffle(said)
        known: tuple[Change, ...] = ()
        for one in said:
            known = merge_changes(known, [one])
        assert known == expected
        assert merge_changes(known, known) == known


def test_the_words_of_a_change_are_those_of_its_end() -> None:
    ended, late = change(0, 5, summary="failure: timed out"), change(2, summary="Release")
    for order in ([ended, late], [late, ended]):
        [one] = merge_changes((), order)
        assert (one.at, one.finished_at) == (minute(2), minute(5))
        assert one.summary == "failure: timed out"
    [one] = merge_changes([change(0, summary="old")], [change(0, summary="new")])
    assert one.summary == "new"
