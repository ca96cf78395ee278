"""Whatever comes, a parser answers, or raises the one error that it declares."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from holdfast.errors import PayloadError, SenderRefused
from holdfast.integrations.adapters import ADAPTERS
from holdfast.integrations.webhook import Delivery, Reading, Received, receive
from holdfast.integrations.webhook_verify import Credentials
from support.webhooks import (
    ALERT_DATA,
    CHANGE_DATA,
    Json,
    alertmanager,
    cdevent,
    cloudevent,
    delivery,
    github_deployment,
    github_push,
    github_status,
    grafana,
    pagerduty,
)

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCHED = {"Content-Type": "application/cloudevents-batch+json"}
ALERT_EVENT = cloudevent("x.alert.firing", ALERT_DATA)
BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "x.alert.firing",
          "ce-time": "2026-11-23T11:59:00Z"}  # fmt: skip
STATUS = github_status("success", "2026-11-23T11:50:00Z")

SAMPLES: list[tuple[str, object, dict[str, str]]] = [
    ("alertmanager", alertmanager(), {}),
    ("grafana", grafana(), {}),
    ("pagerduty", pagerduty(), {}),
    ("github", github_deployment(), {"X-GitHub-Event": "deployment"}),
    ("github", STATUS, {"X-GitHub-Event": "deployment_status"}),
    ("github", github_push(), {"X-GitHub-Event": "push"}),
    ("cloudevents", ALERT_EVENT, STRUCTURED),
    ("cloudevents", [ALERT_EVENT, cloudevent("x.change", CHANGE_DATA)], BATCHED),
    ("cloudevents", ALERT_DATA, BINARY),
    ("cloudevents", cloudevent("dev.cdevents.service.deployed", cdevent()), STRUCTURED),
    ("cdevents", cdevent(), {}),
    ("cdevents", cdevent("dev.cdevents.pipelinerun.finished.0.2.0", service="a"), {}),
]
IDS = [f"{name}-{at}" for at, (name, _, _) in enumerate(SAMPLES)]

ATOMS: list[object] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**200, -(2**70), 1e308, -0.0, 0.5),
    *("", " ", "0", "null", "firing", "resolved", "\x00", "\u202e", "é" * 40, "💥", "\\", "%ff"),
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:60-23:59"),
    *("2026-02-30T00:00:00Z", "2026-11-23T12:00:00", "x" * 9000),
    *(1795435200000, "1795435200000000000"),
    *(float("nan"), float("inf"), [], {}, [[]], {"": ""}, [None], {"a": {"b": []}}),
    *("-----BEGIN PRIVATE KEY-----", "password=hunter2", "ghp_" + "b" * 36, "refs/heads/main"),
]  # fmt: skip


def _atom(rng: random.Random) -> object:
    return copy.deepcopy(rng.choice(ATOMS))


def _places(value: object) -> Iterator[tuple[Callable[[object], None], Callable[[], object]]]:
    """How to replace, and how to remove, each part of a JSON value."""
    if isinstance(value, dict):
        mapping = cast("Json", value)
        for key in list(mapping):
            yield (lambda v, k=key: mapping.update({k: v})), (lambda k=key: mapping.pop(k, None))
            yield from _places(mapping[key])
    elif isinstance(value, list):
        items = cast("list[object]", value)
        for at in range(len(items)):
            yield (lambda v, i=at: items.__setitem__(i, v)), items.clear
            yield from _places(items[at])


def _mutated(sample: object, rng: random.Random) -> object:
    value = json.loads(json.dumps(sample))
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        places = list(_places(value))
        if not places:
            return value
        replace, remove = rng.choice(places)
        match rng.randrange(6):
            case 0:
                remove()
            case 1:
                replace(json.loads(json.dumps(sample)))
            case 2:
                replace({str(n): _atom(rng) for n in range(3)})
            case _:
                replace(_atom(rng))
    return value


def _damaged(body: bytes, rng: random.Random) -> bytes:
    cut = rng.randrange(len(body) + 1)
    match rng.randrange(4):
        case 0:
            return body[:cut]
        case 1:
            return body[:cut] + rng.randbytes(rng.randrange(1, 5)) + body[cut:]
        case 2:
            return body[:cut] + body[cut + 1 :]
        case _:
            return body[:cut] + bytes([body[cut - 1] ^ (1 << rng.randrange(8))]) + body[cut + 1 :]


def _random_json(rng: random.Random, depth: int = 0) -> object:
    kind = rng.randrange(6)
    if depth > 4 or kind < 3:
        return _atom(rng)
    names = ["alerts", "event", "data", "labels", "status", "context", "subject", "repository"]
    if kind == 3:
        return [_random_json(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(names): _random_json(rng, depth + 1) for _ in range(rng.randrange(5))}


def _answer(name: str, sent: Delivery) -> Received | PayloadError:
    try:
        return ADAPTERS.get(name).parse(sent, Reading())
    except PayloadError as error:
        return error


def _check(name: str, sent: Delivery) -> bool:
    """Whether it was taken. What was taken can be kept, and read back as it was."""
    answer = _answer(name, sent)
    if isinstance(answer, PayloadError):
        assert len(str(answer)) < 700
        assert str(answer).isprintable(), str(answer)
        return False
    kept = answer.model_dump_json()
    assert "\\u0000" not in kept.replace("\\\\u0000", "")  # the words may stand in a text
    assert "hunter2" not in kept
    assert "b" * 36 not in kept
    assert Received.model_validate_json(kept) == answer
    for alert in answer.alerts:
        assert (alert.ends_at is None) == (alert.status == "firing")
        assert alert.ends_at is None or alert.ends_at >= alert.starts_at
    assert answer == _answer(name, sent)
    return True


@pytest.mark.parametrize(("name", "sample", "headers"), SAMPLES, ids=IDS)
def test_a_sample_is_taken(name: str, sample: object, headers: dict[str, str]) -> None:
    received = _answer(name, delivery(sample, headers))
    assert isinstance(received, Received)
    assert received.alerts or received.changes or received.notes


@pytest.mark.parametrize(("name", "sample", "headers"), SAMPLES, ids=IDS)
def test_no_changed_payload_crashes_a_parser(
    name: str, sample: object, headers: dict[str, str]
) -> None:
    rng = random.Random(name)
    taken = [_check(name, delivery(_mutated(sample, rng), headers)) for _ in range(250)]
    assert any(taken)
    assert not all(taken)


@pytest.mark.parametrize(("name", "sample", "headers"), SAMPLES, ids=IDS)
def test_no_damaged_body_crashes_a_parser(
    name: str, sample: object, headers: dict[str, str]
) -> None:
    rng = random.Random(name)
    body = json.dumps(sample).encode()
    for _ in range(250):
        _check(name, delivery(_damaged(body, rng), headers))
    for _ in range(20):
        _check(name, delivery(rng.randbytes(rng.randrange(60)), headers))


@pytest.mark.parametrize("name", ADAPTERS.names)
def test_no_random_json_and_headers_crash_a_parser(name: str) -> None:
    rng = random.Random(name)
    names = ["content-type", "x-github-event", *BINARY]
    values = [*STRUCTURED.values(), *BATCHED.values(), "application/x-www-form-urlencoded",
              *BINARY.values(), "push", "deployment", "%ff", "é", "", "1.0"]  # fmt: skip
    for _ in range(400):
        headers = {rng.choice(names): rng.choice(values) for _ in range(rng.randrange(6))}
        _check(name, delivery(_random_json(rng), headers))


@pytest.mark.parametrize("name", ADAPTERS.names)
def test_no_random_headers_are_taken_for_the_senders(name: str) -> None:
    rng = random.Random(name)
    adapter = ADAPTERS.get(name)
    secrets = () if name == "alertmanager" else ("secret",)
    credentials = Credentials(signing_secrets=secrets, bearer_tokens=("token",))
    names = ["authorization", "x-pagerduty-signature", "x-hub-signature-256", "webhook-id",
             "x-grafana-alerting-signature", "webhook-timestamp", "webhook-signature"]  # fmt: skip
    values = ["", "Bearer", "Bearer x", "Basic Og==", "v1=" + "0" * 64, "v1,AAAA", "1795435200",
              "sha256=é", "\udcff", "0" * 64, "v1=" * 9]  # fmt: skip
    for _ in range(200):
        headers = {n: rng.choice(values) for n in names if rng.random() < 0.7}
        with pytest.raises(SenderRefused):
            receive(adapter, delivery(alertmanager(), headers), credentials)
