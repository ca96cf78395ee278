"""What is kept of a delivery that could not be read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from urllib.parse import urlencode

import pytest

from holdfast.errors import PayloadError
from holdfast.evidence.redact import MARK, Redactor
from holdfast.integrations.adapters import ADAPTERS
from holdfast.integrations.webhook import Delivery, Reading
from holdfast.integrations.webhook_inspect import MOST_BODY, Inspection, inspection_of
from support.webhooks import alertmanager, alertmanager_alert, delivery


def kept(sent: Delivery) -> Inspection:
    with pytest.raises(PayloadError) as caught:
        ADAPTERS.get("alertmanager").parse(sent, Reading())
    return inspection_of("alertmanager", sent, caught.value, Redactor(["configured-value"]))


def test_a_refused_body_is_kept_with_the_field_and_without_secrets() -> None:
    alert = alertmanager_alert(
        startsAt="yesterday",
        labels={"alertname": "A", "password": "hunter2", "x": "configured-value"},
    )
    headers = {"Authorization": "Bearer t0ken", "User-Agent": "Alertmanager/0.25.0"}
    found = kept(delivery(alertmanager(alert), headers))
    assert found.path == "alerts[0].startsAt"
    assert '"startsAt": "yesterday"' in found.body
    assert MARK in found.body
    for secret in ("hunter2", "configured-value", "t0ken"):
        assert secret not in found.model_dump_json()
    assert found.headers["user-agent"] == "Alertmanager/0.25.0"


@pytest.mark.parametrize("body", [b"", b"\xff\x00" * 9, b"x" * 1_000_000, json.dumps([1]).encode()])
def test_whatever_came_can_be_kept(body: bytes) -> None:
    found = kept(delivery(body))
    assert len(found.body) <= MOST_BODY
    assert found.body_bytes == len(body)
    assert Inspection.model_validate_json(found.model_dump_json()) == found


def test_a_secret_in_a_form_is_taken_out_too() -> None:
    body = urlencode({"payload": json.dumps({"password": "hunter2"})}).encode()
    found = kept(delivery(body, {"Content-Type": "application/x-www-form-urlencoded"}))
    assert "hunter2" not in found.body


def test_a_delivery_in_a_log_shows_no_secret() -> None:
    sent = delivery({"token": "hush"}, {"Authorization": "Bearer hush"})
    assert "hush" not in repr(sent)


def test_adapters_load_nothing_heavy() -> None:
    script = (
        "import sys, holdfast.integrations.adapters; "
        "print([m for m in ('numpy', 'scipy', 'jinja2', 'starlette', 'httpx2', 'yaml') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "[]"
