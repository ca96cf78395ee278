"""What Alertmanager, Grafana and PagerDuty say becomes alerts, with their traps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from holdfast.errors import PayloadError
from holdfast.integrations.adapters import ADAPTERS
from holdfast.integrations.webhook import NoteKind, Reading, Received
from holdfast.integrations.webhook_payload import fingerprint_of
from holdfast.model.alert import Alert
from support.webhooks import (
    NOW,
    ZERO,
    alertmanager,
    alertmanager_alert,
    delivery,
    grafana,
    grafana_alert,
    pagerduty,
)

STARTED = datetime(2026, 11, 23, 11, 50, 0, 123456, tzinfo=UTC)


def read(name: str, payload: object, *, instance: str = "") -> Received:
    return ADAPTERS.get(name).parse(delivery(payload, instance=instance), Reading())


def one(name: str, payload: object) -> Alert:
    [alert] = read(name, payload).alerts
    return alert


def kinds(received: Received) -> list[NoteKind]:
    return [note.kind for note in received.notes]


def test_an_alert_of_alertmanager_is_read_whole() -> None:
    received = read("alertmanager", alertmanager())
    assert received.alerts == (
        Alert(
            fingerprint="c6eadffa33fcdf37",
            source="alertmanager",
            status="firing",
            severity="page",
            starts_at=STARTED,
            ends_at=None,
            labels={
                "alertname": "ErrorBudgetBurn",
                "service": "shop",
                "severity": "page",
                "instance": "10.0.0.7:9100",
            },
            annotations={
                "summary": "shop spends its budget",
                "runbook_url": "https://r.example/1",
                "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
            },
        ),
    )
    assert received.group_key == '{}:{alertname="ErrorBudgetBurn"}'
    assert not received.notes
    assert received.delivery_id == ""


def test_each_alert_has_its_own_status_whatever_the_groups_is() -> None:
    over = alertmanager_alert(status="resolved", endsAt="2026-11-23T11:58:00Z")
    received = read("alertmanager", alertmanager(alertmanager_alert(), over, status="firing"))
    assert [alert.status for alert in received.alerts] == ["firing", "resolved"]
    assert received.alerts[1].ends_at == datetime(2026, 11, 23, 11, 58, tzinfo=UTC)


def test_a_firing_alert_has_no_end_even_where_one_is_written() -> None:
    for written in (ZERO, "2026-11-23T12:54:00Z", None, ""):
        assert one("alertmanager", alertmanager(alertmanager_alert(endsAt=written))).ends_at is None


def test_truncated_alerts_are_told_and_nothing_is_resolved_by_that() -> None:
    received = read("alertmanager", alertmanager(truncatedAlerts=7))
    assert received.truncated_alerts == 7
    assert kinds(received) == [NoteKind.TRUNCATED]
    assert [alert.status for alert in received.alerts] == ["firing"]


def test_no_alerts_are_no_error_and_resolve_nothing() -> None:
    for empty in ([], None):
        received = read("alertmanager", alertmanager(alerts=empty))
        assert received.alerts == ()


def test_a_resolved_alert_without_an_end_ended_at_the_latest_when_it_was_said() -> None:
    received = read("alertmanager", alertmanager(alertmanager_alert(status="resolved")))
    assert received.alerts[0].ends_at == NOW
    assert kinds(received) == [NoteKind.ESTIMATED]


def test_an_end_before_the_start_is_the_start() -> None:
    wrong = alertmanager_alert(status="resolved", endsAt="2026-11-23T11:00:00Z")
    assert one("alertmanager", alertmanager(wrong)).ends_at == STARTED


@pytest.mark.parametrize(
    ("quoted", "name"),
    [(r"team\.shop", "team.shop"), (r"a\\b", r"a\b"), (r"\(x\)\+", "(x)+"), ("plain", "plain")],
)
def test_a_receivers_name_is_as_its_user_wrote_it(quoted: str, name: str) -> None:
    assert read("alertmanager", alertmanager(receiver=quoted)).receiver == name


def test_a_missing_fingerprint_is_that_of_the_labels() -> None:
    labels = {"alertname": "A", "n": "1"}
    alert = one("alertmanager", alertmanager(alertmanager_alert(fingerprint="", labels=labels)))
    assert alert.fingerprint == fingerprint_of(labels)


def test_an_old_version_is_read_with_a_note() -> None:
    assert kinds(read("alertmanager", alertmanager(version="3"))) == [NoteKind.VERSION]


def test_two_alertmanagers_are_two_sources_and_replicas_are_one() -> None:
    read_from = [
        read("alertmanager", alertmanager(externalURL=url), instance=instance).alerts[0].source
        for url, instance in [("http://a", "eu"), ("http://b", "eu"), ("http://a", "us")]
    ]
    assert read_from == ["alertmanager/eu", "alertmanager/eu", "alertmanager/us"]


@pytest.mark.parametrize(
    ("labels", "severity"),
    [
        ({"severity": "critical"}, "page"),
        ({"severity": "warning"}, "ticket"),
        ({"severity": "Info"}, "ticket"),
        ({"priority": "P4"}, "ticket"),
        ({"severity": "never heard of"}, "page"),
        ({}, "page"),
        ({"severity": "critical", "priority": "p4"}, "page"),
    ],
)
def test_an_unclear_severity_is_the_higher_one(labels: dict[str, str], severity: str) -> None:
    assert one("alertmanager", alertmanager(alertmanager_alert(labels=labels))).severity == severity


def test_grafanas_own_fields_become_annotations() -> None:
    alert = one("grafana", grafana())
    assert alert.source == "grafana/org-3"
    assert alert.starts_at == datetime(2026, 11, 23, 11, 51, 3, 157076, tzinfo=UTC)
    assert alert.annotations["values"] == '{"B": 0.913, "C": 1.0, "D": null}'
    assert alert.annotations["valueString"].startswith("[ var='B'")
    assert "silence/new" in alert.annotations["silenceURL"]
    assert alert.annotations["dashboardURL"] == "https://grafana.example/d/abc"
    assert "panelURL" not in alert.annotations


def test_a_users_annotation_wins_over_a_field_of_grafana() -> None:
    alert = one("grafana", grafana(grafana_alert(annotations={"dashboardURL": "mine"})))
    assert alert.annotations["dashboardURL"] == "mine"


@pytest.mark.parametrize("reason", ["MissingSeries", "Paused", "RuleDeleted", "NoData, KeepLast"])
def test_what_grafana_resolves_without_a_recovery_is_noted(reason: str) -> None:
    over = grafana_alert(
        status="resolved",
        endsAt="2026-11-23T11:59:00Z",
        annotations={"grafana_state_reason": reason},
    )
    received = read("grafana", grafana(over))
    assert received.alerts[0].status == "resolved"
    assert kinds(received) == [NoteKind.NOT_RECOVERED]


def test_an_ordinary_resolution_of_grafana_has_no_note() -> None:
    over = grafana_alert(status="resolved", endsAt="2026-11-23T11:59:00Z")
    assert not read("grafana", grafana(over)).notes


def test_grafana_without_values_is_read() -> None:
    bare = grafana_alert(values=None, valueString=None, dashboardURL=None)
    assert "values" not in one("grafana", grafana(bare)).annotations


def test_grafanas_old_alerting_is_refused_with_the_field() -> None:
    with pytest.raises(PayloadError) as caught:
        read("grafana", {"evalMatches": [], "ruleName": "x", "state": "alerting"})
    assert caught.value.path == "alerts"


def test_an_incident_of_pagerduty_is_an_alert() -> None:
    received = read("pagerduty", pagerduty())
    [alert] = received.alerts
    assert (alert.source, alert.fingerprint, alert.status) == ("pagerduty", "PGR0VU2", "firing")
    assert alert.starts_at == datetime(2026, 11, 23, 11, 55, 27, tzinfo=UTC)
    assert alert.labels == {
        "alertname": "Checkout is slow",
        "service": "shop",
        "urgency": "high",
        "priority": "P1",
    }
    assert alert.annotations["pagerduty_number"] == "2"
    assert received.said_at == alert.starts_at + timedelta(milliseconds=458)


def test_all_events_of_one_incident_are_one_alert() -> None:
    states = ("triggered", "acknowledged", "priority_updated", "resolved")
    alerts = [one("pagerduty", pagerduty(f"incident.{state}")) for state in states]
    assert len({(a.source, a.fingerprint, a.starts_at) for a in alerts}) == 1
    assert [a.status for a in alerts] == ["firing"] * 3 + ["resolved"]
    assert alerts[-1].ends_at == datetime(2026, 11, 23, 11, 55, 27, 458000, tzinfo=UTC)


def test_a_reopened_incident_fires_anew() -> None:
    first, again = (one("pagerduty", pagerduty(f"incident.{s}")) for s in ("triggered", "reopened"))
    assert again.starts_at - first.starts_at == timedelta(milliseconds=458)


@pytest.mark.parametrize("urgency", ["low", "high", "", None])
def test_pagerduty_wakes_people_unless_the_urgency_is_low(urgency: str | None) -> None:
    expected = "ticket" if urgency == "low" else "page"
    assert one("pagerduty", pagerduty(urgency=urgency)).severity == expected


@pytest.mark.parametrize("kind", ["incident.annotated", "service.updated", "incident.new.thing"])
def test_events_that_say_nothing_of_an_alert_are_no_error(kind: str) -> None:
    """Three answers of 4xx, and PagerDuty switches the webhook off for a day."""
    event = pagerduty(kind)
    event["event"]["data"] = {"type": "incident_note", "content": "hello"}  # type: ignore[index]
    received = read("pagerduty", event)
    assert received.alerts == ()
    assert kinds(received) == [NoteKind.IGNORED]
    assert received.delivery_id


def test_an_incident_without_its_start_is_an_alert_only_when_it_begins() -> None:
    begun = one("pagerduty", pagerduty(created_at=None))
    assert begun.starts_at.second == 27
    received = read("pagerduty", pagerduty("incident.acknowledged", created_at=None))
    assert received.alerts == ()
    assert kinds(received) == [NoteKind.INCOMPLETE]


def test_a_known_event_without_an_incident_is_refused_with_the_field() -> None:
    with pytest.raises(PayloadError) as caught:
        read("pagerduty", pagerduty(id=None))
    assert caught.value.path == "event.data.id"
