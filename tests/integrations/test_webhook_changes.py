"""What GitHub, CloudEvents and CDEvents say becomes changes (and alerts), with their traps."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from holdfast.errors import PayloadError
from holdfast.evidence.redact import MARK
from holdfast.integrations.adapters import ADAPTERS
from holdfast.integrations.webhook import NoteKind, Reading, Received
from holdfast.integrations.webhook_merge import key_of, merge_alerts, merge_changes
from holdfast.integrations.webhook_payload import fingerprint_of
from holdfast.model.change import Change, ChangeType
from support.webhooks import (
    ALERT_DATA,
    CHANGE_DATA,
    NOW,
    REPOSITORY,
    Json,
    cdevent,
    cloudevent,
    delivery,
    github_deployment,
    github_push,
    github_status,
)

STRUCTURED = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
BATCHED = {"Content-Type": "application/cloudevents-batch+json"}


def read(name: str, payload: object, headers: dict[str, str], *environments: str) -> Received:
    reading = Reading(environments=frozenset(environments))
    return ADAPTERS.get(name).parse(delivery(payload, headers), reading)


def github(event: str, payload: object, *environments: str) -> Received:
    return read("github", payload, {"X-GitHub-Event": event}, *environments)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-23T{text}+00:00")


def test_a_deployment_is_a_change() -> None:
    assert github("deployment", github_deployment()).changes == (
        Change(
            id="acme/shop#deployment-145988746",
            type=ChangeType.DEPLOYMENT,
            service="shop",
            at=at("11:40:00"),
            predicate="deployed",
            to_version="v2.4.0",
            to_value="f95f852bd8fca8fcc58a9a2d6c842781e32a215e",
            summary="Release",
            source="github",
            actor="ada",
        ),
    )


def test_a_deployment_and_its_statuses_are_one_change_in_any_order() -> None:
    payloads = [
        ("deployment", github_deployment()),
        ("deployment_status", github_status("in_progress", "2026-11-23T11:50:00Z")),
        ("deployment_status", github_status("success", "2026-11-23T11:52:00Z")),
    ]
    found = [github(event, payload).changes[0] for event, payload in payloads]
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1], [0, 2, 1, 1, 0]):
        merged = merge_changes((), ())
        for index in order:
            merged = merge_changes(merged, [found[index]])
        [change] = merged
        assert (change.at, change.finished_at) == (at("11:50:00"), at("11:52:00"))
        assert (change.predicate, change.to_version) == ("deployed", "v2.4.0")


def test_a_deployment_that_failed_may_have_moved_traffic() -> None:
    failed = github_status("failure", "2026-11-23T11:52:00Z", "timed out")
    [change] = github("deployment_status", failed).changes
    assert (change.predicate, change.summary) == ("changed", "failure: timed out")


@pytest.mark.parametrize("state", ["queued", "pending", "waiting", "inactive", "new_one"])
def test_a_state_that_moves_nothing_is_a_note(state: str) -> None:
    received = github("deployment_status", github_status(state, "2026-11-23T11:52:00Z"))
    assert received.changes == ()
    assert [note.kind for note in received.notes] == [NoteKind.IGNORED]


def test_other_environments_and_those_of_pull_requests_are_left_out() -> None:
    payload = github_deployment()
    assert github("deployment", payload, "production").changes
    assert not github("deployment", payload, "staging").changes
    [note] = github("deployment", github_deployment(transient_environment=True)).notes
    assert note.path == "deployment.environment"


@pytest.mark.parametrize(
    ("payload", "service"),
    [({"service": "cart"}, "cart"), ('{"service": "cart"}', "shop"), ("", "shop"), (None, "shop"),
     ({"service": 3}, "shop"), ([], "shop")],
)  # fmt: skip
def test_the_service_is_the_payloads_or_the_repository(payload: object, service: str) -> None:
    [change] = github("deployment", github_deployment(payload=payload)).changes
    assert change.service == service


def test_a_rollback_is_told_by_its_task() -> None:
    [change] = github("deployment", github_deployment(task="deploy:rollback")).changes
    assert change.predicate == "rolledback"


def test_a_push_to_the_default_branch_is_a_change_at_the_time_of_github() -> None:
    """`pushed_at` is an epoch in seconds there; the commit's time is its author's clock."""
    [change] = github("push", github_push()).changes
    assert (change.type, change.setting, change.at) == (ChangeType.CONFIG, "main", at("11:30:00"))
    assert change.summary == "Raise the pool to 40"
    assert (change.from_value or "").startswith("6113728f")


def test_a_push_without_its_time_takes_the_commits() -> None:
    repository = {**REPOSITORY, "pushed_at": None}
    [change] = github("push", github_push(repository=repository)).changes
    assert change.at == at("11:30:00")
    received = github("push", github_push(repository=repository, head_commit=None))
    assert [note.kind for note in received.notes] == [NoteKind.INCOMPLETE]


@pytest.mark.parametrize(
    "other",
    [{"ref": "refs/heads/feature"}, {"ref": "refs/tags/main"}, {"ref": "main"}, {"deleted": True}],
)
def test_other_pushes_are_a_note(other: Json) -> None:
    received = github("push", github_push(**other))
    assert received.changes == ()
    assert received.notes[0].path == "ref"


def test_the_first_push_of_a_branch_has_nothing_before() -> None:
    [change] = github("push", github_push(before="0" * 40)).changes
    assert change.from_value is None


def test_githubs_form_is_read_too() -> None:
    body = urlencode({"payload": json.dumps(github_push())}).encode()
    headers = {"X-GitHub-Event": "push", "Content-Type": "application/x-www-form-urlencoded"}
    assert read("github", body, headers).changes == github("push", github_push()).changes
    for wrong in (b"", b"a=b", b"\xff", b"payload=%ff", b"&".join([b"a=b"] * 99), b"payload=1"):
        with pytest.raises(PayloadError):
            read("github", wrong, headers)


def test_a_ping_is_no_error_and_a_missing_event_is() -> None:
    assert github("ping", {"zen": "Keep it simple."}).notes[0].kind is NoteKind.IGNORED
    with pytest.raises(PayloadError) as caught:
        github("", {})
    assert caught.value.path == "X-GitHub-Event"


def test_a_body_of_another_event_than_the_header_names_is_refused() -> None:
    """The header is not signed."""
    with pytest.raises(PayloadError):
        github("push", github_deployment())
    with pytest.raises(PayloadError) as caught:
        github("deployment_status", github_deployment())
    assert caught.value.path == "deployment_status"


def _binary(event: Json) -> tuple[bytes, dict[str, str]]:
    attributes = ("specversion", "id", "source", "type", "time", "subject")
    headers = {f"ce-{name}": str(event[name]) for name in attributes if name in event}
    return json.dumps(event["data"]).encode(), {**headers, "Content-Type": "application/json"}


def test_one_event_says_the_same_in_all_three_modes() -> None:
    event = cloudevent("com.example.alert.firing", ALERT_DATA)
    encoded = {**event, "data_base64": base64.b64encode(json.dumps(ALERT_DATA).encode()).decode()}
    del encoded["data"]
    body, headers = _binary(event)
    found = [
        read("cloudevents", event, STRUCTURED),
        read("cloudevents", encoded, STRUCTURED),
        read("cloudevents", body, headers),
        read("cloudevents", [event], BATCHED),
    ]
    assert all(received == found[0] for received in found)
    [alert] = found[0].alerts
    assert found[0].delivery_id == "/monitoring/blackbox a1"
    assert alert.source == "cloudevents:/monitoring/blackbox"
    assert alert.starts_at == at("11:59:00")
    assert (alert.status, alert.severity) == ("firing", "page")
    assert alert.labels["attempt"] == "3"
    assert alert.labels["service"] == "shop"
    assert alert.annotations == {"summary": "the probe fails"}
    labels = {k: str(v) for k, v in ALERT_DATA["labels"].items()}  # type: ignore[attr-defined]
    assert alert.fingerprint == fingerprint_of(labels)


def test_firing_and_resolved_events_are_of_one_alert() -> None:
    times = {"startsAt": 1795434000123}
    firing = cloudevent("x.alert", {**ALERT_DATA, **times, "status": "firing"}, id="1")
    over = cloudevent("x.alert.resolved.v1", {**ALERT_DATA, **times}, id="2")
    received = read("cloudevents", [firing, over], BATCHED)
    one, other = received.alerts
    assert (one.fingerprint, one.starts_at) == (other.fingerprint, other.starts_at)
    assert other.status == "resolved"
    assert other.ends_at == at("11:59:00")
    assert received.delivery_id.startswith("batch:")
    assert received.said_at is None


def test_an_event_that_was_overtaken_is_known_by_its_own_time() -> None:
    times = {"startsAt": 1795434000123}
    firing = cloudevent("x.alert.firing", {**ALERT_DATA, **times}, time="2026-11-23T11:58:00Z")
    over = cloudevent("x.alert.resolved", {**ALERT_DATA, **times}, time="2026-11-23T11:59:00Z")
    ended = read("cloudevents", over, STRUCTURED)
    known, heard = merge_alerts((), ended.alerts).alerts, ended.said_at
    late = read("cloudevents", firing, STRUCTURED)
    assert heard is not None
    merged = merge_alerts(
        known, late.alerts, arrived_at=late.said_at, last_heard={key_of(known[0]): heard}
    )
    assert merged.alerts == known


def test_the_subject_is_the_fingerprint_where_none_is_given() -> None:
    event = cloudevent("alert.firing", {}, subject="probe/1")
    assert read("cloudevents", event, STRUCTURED).alerts[0].fingerprint == "probe/1"
    event = cloudevent("alert.firing", {"fingerprint": "f"}, subject="probe/1")
    assert read("cloudevents", event, STRUCTURED).alerts[0].fingerprint == "f"


def test_a_change_of_any_tool_is_read() -> None:
    [change] = read("cloudevents", cloudevent("io.flags.change", CHANGE_DATA), STRUCTURED).changes
    assert (change.type, change.setting, change.to_value) == (ChangeType.FLAG, "new-checkout", "on")
    assert (change.id, change.source) == ("a1", "cloudevents:/monitoring/blackbox")
    assert change.at == at("11:59:00")


def test_a_change_of_a_secret_does_not_show_it() -> None:
    data = {**CHANGE_DATA, "setting": "db_password", "from_value": "old-one", "to_value": "new-one"}
    [change] = read("cloudevents", cloudevent("change", data), STRUCTURED).changes
    assert (change.from_value, change.to_value, change.setting) == (MARK, MARK, "db_password")


def test_a_change_of_another_environment_is_left_out() -> None:
    event = cloudevent("change", {**CHANGE_DATA, "environment": "staging"})
    assert not read("cloudevents", event, STRUCTURED, "production").changes
    assert read("cloudevents", event, STRUCTURED).changes


def test_other_types_are_a_note() -> None:
    for kind in ("com.example.order.created", "com.example.alerting", "exchange"):
        received = read("cloudevents", cloudevent(kind, {"a": 1}), STRUCTURED)
        assert [note.kind for note in received.notes] == [NoteKind.IGNORED], kind


@pytest.mark.parametrize(
    ("event", "headers", "path"),
    [
        (cloudevent("x.alert", ALERT_DATA, specversion="0.3"), STRUCTURED, "specversion"),
        (cloudevent("x.alert", ALERT_DATA, id=""), STRUCTURED, "id"),
        ([cloudevent("x.alert", {}), {"id": "1"}], BATCHED, "[1].specversion"),
        (cloudevent("x.alert", ALERT_DATA), STRUCTURED, "data.status"),
        (cloudevent("x.alert.firing", {"status": "resolved"}), STRUCTURED, "data.status"),
        (cloudevent("x.alert.firing", {}, time=None), STRUCTURED, "data.starts_at"),
        (cloudevent("x.alert.firing", {"ends_at": "x"}), STRUCTURED, "data.ends_at"),
        ([cloudevent("x.change", {"service": "s"})], BATCHED, "[0].data.type"),
        (cloudevent("x.alert.firing", {}, data_base64="AA=="), STRUCTURED, "data_base64"),
        (cloudevent("x.alert.firing", None, data_base64="!"), STRUCTURED, "data_base64"),
        (cloudevent("x.alert.firing", None, data_base64="AA=="), STRUCTURED, ""),
        (cloudevent("x.alert.firing", [1]), STRUCTURED, "data"),
        ({}, {"Content-Type": "application/cloudevents+avro"}, "content-type"),
        ({}, {"Content-Type": "text/plain"}, "content-type"),
        ({}, {"ce-specversion": "1.0", "Content-Type": "text/plain"}, "content-type"),
        ({}, {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s"}, "ce-type"),
        ({}, {"ce-specversion": "1.0", "ce-id": "%ff"}, "ce-id"),
    ],
)
def test_what_is_no_event_is_refused_with_the_field(
    event: object, headers: dict[str, str], path: str
) -> None:
    with pytest.raises(PayloadError) as caught:
        read("cloudevents", event, headers)
    assert caught.value.path == path


def test_attributes_in_headers_are_percent_encoded() -> None:
    body, headers = _binary(cloudevent("x.alert.firing", {}, source="/caf%C3%A9%20bar"))
    assert read("cloudevents", body, headers).alerts[0].source == "cloudevents:/café bar"


def test_a_cdevent_is_read_bare_and_in_every_envelope() -> None:
    event = cdevent()
    envelope = cloudevent("dev.cdevents.service.upgraded.0.2.0", event)
    body, headers = _binary(envelope)
    found = [
        read("cdevents", event, {}),
        read("cdevents", envelope, STRUCTURED),
        read("cdevents", body, headers),
        read("cdevents", [envelope], BATCHED),
        read("cloudevents", envelope, STRUCTURED),
    ]
    assert all(received.changes == found[0].changes for received in found)
    [change] = found[0].changes
    assert (change.service, change.from_version, change.to_version) == ("shop", "v2.3.9", "v2.4.0")
    assert (change.predicate, change.at) == ("upgraded", at("11:45:00"))
    assert change.source == "cdevents:/pipelines/shop"


def test_the_cdevents_of_one_deployment_are_one_change() -> None:
    started = cdevent("dev.cdevents.pipelinerun.started.0.2.0", id="d1", service="shop",
                      to_version="v2.4.0")  # fmt: skip
    done = cdevent(id="d1", started_at="2026-11-23T11:40:00Z")
    found = [read("cdevents", event, {}).changes[0] for event in (started, done)]
    [change] = merge_changes((), found)
    assert (change.id, change.at, change.finished_at) == ("d1", at("11:45:00"), at("11:45:00"))


def test_a_build_changes_nothing_in_production() -> None:
    received = read("cdevents", cdevent("dev.cdevents.build.finished.0.2.0"), {})
    assert received.changes == ()
    assert received.notes[0].path == "context.type"


def test_a_cdevent_of_another_environment_is_left_out() -> None:
    assert read("cdevents", cdevent(), {}, "production").changes
    [note] = read("cdevents", cdevent(), {}, "staging").notes
    assert note.path == "subject.content.environment"


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ({**cdevent(), "subject": {}}, "subject.id"),
        ({**cdevent(), "context": {**cdevent()["context"], "timestamp": "x"}}, "context.timestamp"),  # type: ignore[dict-item]
        ([], ""),
    ],
)
def test_what_is_no_cdevent_is_refused_with_the_field(event: object, path: str) -> None:
    with pytest.raises(PayloadError) as caught:
        read("cdevents", event, {})
    assert caught.value.path == path
    if path:
        with pytest.raises(PayloadError) as caught:
            read("cdevents", cloudevent("dev.cdevents.x", event), STRUCTURED)
        assert caught.value.path == f"data.{path}"


def test_a_time_that_no_calendar_has_in_utc_is_refused() -> None:
    context = {**cdevent()["context"], "timestamp": "0001-01-01T00:00:00+05:00"}  # type: ignore[dict-item]
    with pytest.raises(PayloadError) as caught:
        read("cdevents", {**cdevent(), "context": context}, {})
    assert caught.value.path == "context.timestamp"
    assert NOW.tzinfo is UTC
