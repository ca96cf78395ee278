"""What docs/adapters.md says is what happens: its adapter, its server, its event, its table."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

import holdfast.integrations
from holdfast.errors import PayloadError, SenderRefused
from holdfast.integrations.adapters import ADAPTERS
from holdfast.integrations.webhook import Delivery, Reading, Registry, receive
from holdfast.integrations.webhook_clean import MOST_ANNOTATION, MOST_LABEL
from holdfast.integrations.webhook_merge import settled
from holdfast.integrations.webhook_verify import Credentials
from holdfast.model.alert import Alert
from support.webhooks import NOW, delivery, signed

PAGE = (Path(__file__).parents[2] / "docs" / "adapters.md").read_text(encoding="utf-8")
FOLDERS = Path(holdfast.integrations.__file__).parent
Take = Callable[[Delivery, tuple[Alert, ...]], tuple[Alert, ...]]


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def example() -> dict[str, object]:
    names: dict[str, object] = {}
    for block in blocks("python"):
        exec(compile(block, "docs/adapters.md", "exec", dont_inherit=True), names)
    return names


def sent(value: object, secret: str = "new secret") -> Delivery:
    return signed(value, secret, "X-Prober-Signature", "sha256=")


DOWN = {"check": "shop", "up": False, "since": 1795434000, "level": "critical"}
UP = {**DOWN, "up": True, "until": "2026-11-23T11:55:00Z"}


def test_the_example_takes_an_alert_once_and_its_end_in_any_order(
    example: dict[str, object],
) -> None:
    take = cast("Take", example["take"])
    heard = cast("dict[object, object]", example["heard"])
    for order in ([DOWN, DOWN, UP], [UP, DOWN], [DOWN, UP, DOWN, UP]):
        known: tuple[Alert, ...] = ()
        heard.clear()
        for message in order:
            known = take(sent(message), known)
        [alert] = settled(known)
        assert (alert.status, alert.severity, alert.source) == ("resolved", "page", "prober")
        assert alert.labels["service"] == "shop"
    assert take(sent(DOWN, "old secret"), ())[0].status == "firing"


def test_the_example_refuses_strangers_and_names_a_wrong_field(example: dict[str, object]) -> None:
    take = cast("Take", example["take"])
    with pytest.raises(SenderRefused):
        take(sent(DOWN, "another"), ())
    with pytest.raises(PayloadError) as caught:
        take(sent({**DOWN, "since": 0}), ())
    assert caught.value.path == "since"
    assert "prober" in cast("Registry", example["registry"]).names


def test_the_event_on_the_page_is_an_alert() -> None:
    [event] = blocks("json")
    request = delivery(json.loads(event), {"Content-Type": "application/cloudevents+json"})
    received = receive(ADAPTERS.get("cloudevents"), request, Credentials(unverified=True))
    [alert] = received.alerts
    assert (alert.fingerprint, alert.labels["service"]) == ("checkout", "shop")
    assert received.verified_by == "nobody"
    change = re.search(r"`(\{\"type\": \"flag\".*?\})`", PAGE)
    assert change
    body = {**json.loads(event), "type": "com.example.change", "data": json.loads(change[1])}
    request = delivery(body, {"Content-Type": "application/cloudevents+json"})
    [found] = ADAPTERS.get("cloudevents").parse(request, Reading()).changes
    assert found.setting == "new-checkout"
    assert found.at < NOW


def test_the_table_names_every_adapter_and_every_folder_says_its_traps() -> None:
    table = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(table) == list(ADAPTERS.names)
    for name in ADAPTERS.names:
        head = (FOLDERS / name / "__init__.py").read_text(encoding="utf-8")
        assert "Traps:" in head
        assert "Read" in head or "What is read" in head
        assert (FOLDERS / name / "parse.py").exists()
        assert (FOLDERS / name / "verify.py").exists()


def test_the_figures_on_the_page_are_those_of_the_code() -> None:
    assert f"{MOST_LABEL:,} characters, annotations at {MOST_ANNOTATION:,}" in PAGE
    assert f"`window_seconds` ({Credentials().window_seconds:g})" in PAGE
