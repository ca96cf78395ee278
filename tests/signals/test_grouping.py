"""Where an alert belongs, and that none is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from holdfast.model.alert import Alert
from holdfast.model.case import Case
from holdfast.model.event import Opened
from holdfast.model.incident import IncidentOutcome, Milestone, Severity, Status
from holdfast.model.service import Service
from holdfast.signals.group import (
    AttachTo,
    GroupingSettings,
    NewIncident,
    alert_key,
    place,
    reaches,
    service_of,
)

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
SERVICES = (
    Service(name="shop", depends_on=("api", "checkout")),
    Service(name="api", depends_on=("store",)),
    Service(name="checkout", depends_on=("payments",)),
    Service(name="payments"),
    Service(name="store", depends_on=("api",)),
    Service(name="billing"),
)


def alert(service: str, *, ago: float = 0, name: str = "fast", **labels: str) -> Alert:
    return Alert(
        fingerprint=f"{service}-{name}",
        source="holdfast",
        status="firing",
        severity="page",
        starts_at=NOW - timedelta(seconds=ago),
        labels={"alertname": "ErrorBudgetBurn", "service": service, **labels},
    )


def case(
    first: Alert | None,
    status: Status = Status.ACTIVE,
    *,
    service: str = "",
    incident_id: str = "inc-1",
    quiet: float = 0,
) -> Case:
    opened = Opened(
        title="t",
        service=service or (first.labels["service"] if first else ""),
        slo=None,
        severity=Severity.SEV2,
        severity_reason="r",
        alert=first,
    )
    return Case(
        incident_id=incident_id,
        opened_at=first.starts_at if first else NOW - timedelta(seconds=quiet),
        opened=opened,
        status=status,
        last_event_at=NOW - timedelta(seconds=quiet),
        last_sequence=1,
    )


def where(new: Alert, *cases: Case) -> NewIncident | AttachTo:
    return place(new, cases, SERVICES, now=NOW)


def test_the_first_alert_opens() -> None:
    assert isinstance(where(alert("shop")), NewIncident)


def test_the_same_alert_makes_no_second_incident_whatever_became_of_the_first() -> None:
    first = alert("shop", ago=5000)
    for status in Status:
        found = where(first, case(first, status, quiet=4000))
        assert isinstance(found, AttachTo)
        assert found.duplicate


def test_another_alert_of_the_service_attaches_while_the_incident_is_at_work() -> None:
    found = where(alert("shop", name="slow"), case(alert("shop", ago=7200)))
    assert found == AttachTo("inc-1", "the incident at work is about shop too")


@pytest.mark.parametrize(
    ("new", "old"), [("shop", "payments"), ("payments", "shop"), ("shop", "store")]
)
def test_services_connected_by_calls_share_an_incident(new: str, old: str) -> None:
    assert isinstance(where(alert(new), case(alert(old, ago=60))), AttachTo)


@pytest.mark.parametrize(("new", "old"), [("billing", "shop"), ("payments", "api")])
def test_services_without_a_path_of_calls_stay_two_incidents(new: str, old: str) -> None:
    assert isinstance(where(alert(new), case(alert(old, ago=60))), NewIncident)


def test_connected_services_hours_apart_stay_two_incidents() -> None:
    assert isinstance(where(alert("shop"), case(alert("payments", ago=7200))), NewIncident)


def test_a_persons_incident_takes_the_alert_of_its_service() -> None:
    found = where(alert("shop"), case(None, service="shop", quiet=60))
    assert isinstance(found, AttachTo)


def test_an_incident_of_the_same_service_comes_before_a_connected_one() -> None:
    connected = case(alert("shop", ago=10), incident_id="inc-2")
    same = case(alert("payments", ago=60))
    found = where(alert("payments", name="slow"), connected, same)
    assert isinstance(found, AttachTo)
    assert found.incident_id == "inc-1"


@pytest.mark.parametrize("status", [Status.MITIGATED, Status.RESOLVED, Status.LEARNING])
def test_firing_again_right_after_the_mitigation_is_the_tail_and_later_a_new_incident(
    status: Status,
) -> None:
    first = alert("shop", ago=900)
    assert isinstance(where(alert("shop"), case(first, status, quiet=60)), AttachTo)
    found = where(alert("shop"), case(first, status, quiet=600))
    assert isinstance(found, NewIncident)
    assert found.follows == "inc-1"


def test_events_of_a_fix_do_not_make_the_tail_longer() -> None:
    first = alert("shop", ago=900)
    well = Milestone(name="mitigated", at=NOW - timedelta(seconds=600))
    rolling_out = case(first, Status.MITIGATED, quiet=1).model_copy(
        update={"milestones": {"mitigated": well}}
    )
    assert isinstance(where(alert("shop"), rolling_out), NewIncident)


def test_another_alert_of_a_mitigated_incidents_service_opens_its_own() -> None:
    mitigated = case(alert("shop", ago=900), Status.MITIGATED)
    assert isinstance(where(alert("shop", name="slow"), mitigated), NewIncident)


@pytest.mark.parametrize("status", [Status.MITIGATED, Status.CLOSED])
def test_a_slower_tier_of_the_same_slo_sees_the_same_bad_events(status: Status) -> None:
    first = alert("shop", ago=900, slo="shop-latency")
    slower = alert("shop", name="slow", slo="shop-latency")
    other = alert("shop", name="slow", slo="shop-availability")
    assert isinstance(where(slower, case(first, status, quiet=60)), AttachTo)
    assert isinstance(where(other, case(first, status, quiet=60)), NewIncident)


def test_right_after_the_closing_it_is_the_tail_and_later_a_new_incident() -> None:
    first = alert("shop", ago=900)
    again = alert("shop")
    assert isinstance(where(again, case(first, Status.CLOSED, quiet=60)), AttachTo)
    still = where(again, case(first, Status.CLOSED, quiet=300))
    assert isinstance(still, NewIncident)
    assert still.follows == "inc-1"


@pytest.mark.parametrize("status", [Status.MERGED, Status.DECLINED])
def test_merged_and_declined_incidents_take_no_alerts(status: Status) -> None:
    found = where(alert("shop"), case(alert("shop", ago=60), status))
    assert found == NewIncident("no incident at work is about this service or one it depends on")


def test_an_alert_without_a_known_service_is_not_lost() -> None:
    odd = alert("elsewhere")
    assert service_of(odd, SERVICES) == "elsewhere"
    nameless = odd.model_copy(update={"labels": {}, "fingerprint": "other"})
    assert service_of(nameless, SERVICES) == "unknown"
    assert isinstance(where(nameless, case(odd)), NewIncident)


def test_two_alerts_of_unknown_services_are_not_taken_for_one() -> None:
    one = alert("x").model_copy(update={"labels": {}})
    two = alert("y").model_copy(update={"labels": {}})
    assert isinstance(where(two, case(one, service="unknown")), NewIncident)


def test_the_key_tells_alerts_apart() -> None:
    first = alert("shop")
    assert alert_key(first) == alert_key(alert("shop"))
    assert alert_key(first) != alert_key(alert("shop", ago=1))
    assert alert_key(first) != alert_key(first.model_copy(update={"source": "other"}))


def test_calls_in_a_circle_are_no_harm() -> None:
    assert reaches("store", "store", SERVICES)
    assert not reaches("store", "payments", SERVICES)


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.LEARNING, Status.CLOSED])
def test_a_new_outage_opens_its_own_though_an_earlier_one_has_just_ended(status: Status) -> None:
    ended = case(alert("shop", ago=60), status).model_copy(
        update={"outcome": IncidentOutcome.UNRESOLVED, "concluded_at": NOW - timedelta(seconds=20)}
    )
    short_window = GroupingSettings(settling_seconds=5)
    placed = place(alert("shop"), [ended], SERVICES, now=NOW, settings=short_window)
    assert isinstance(placed, NewIncident)
    assert placed.follows == "inc-1"


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.LEARNING, Status.CLOSED])
@pytest.mark.parametrize("ago", [40, 18])
def test_what_began_before_the_outcome_or_in_its_tail_stays_with_it(
    status: Status, ago: float
) -> None:
    ended = case(alert("shop", ago=60), status).model_copy(
        update={"outcome": IncidentOutcome.ESCALATED, "concluded_at": NOW - timedelta(seconds=20)}
    )
    short_window = GroupingSettings(settling_seconds=5)
    placed = place(alert("shop", ago=ago), [ended], SERVICES, now=NOW, settings=short_window)
    assert isinstance(placed, AttachTo)
    assert not placed.duplicate
