"""Whether a delivery was seen before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast.integrations.adapters import ADAPTERS
from holdfast.integrations.webhook import Reading
from holdfast.integrations.webhook_replay import DeliveriesInMemory, Verdict, judge
from support.webhooks import NOW, delivery, github_push, pagerduty

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("delivery_id", "signed_ago", "seen", "verdict"),
    [
        ("a", None, False, Verdict.FRESH),
        ("a", None, True, Verdict.REPEATED),
        ("a", 4 * MINUTE, False, Verdict.FRESH),
        ("a", 4 * MINUTE, True, Verdict.REPEATED),
        ("a", 6 * MINUTE, False, Verdict.STALE),
        ("a", 6 * MINUTE, True, Verdict.STALE),
        ("a", -6 * MINUTE, False, Verdict.STALE),
        ("", None, True, Verdict.FRESH),
    ],
)
def test_the_verdict_follows_from_id_and_time(
    delivery_id: str, signed_ago: timedelta | None, seen: bool, verdict: Verdict
) -> None:
    found = judge(
        delivery_id,
        None if signed_ago is None else NOW - signed_ago,
        seen_at=NOW - MINUTE if seen else None,
        received_at=NOW,
        window_seconds=300,
    )
    assert found is verdict


def test_of_two_equal_deliveries_one_is_new() -> None:
    store = DeliveriesInMemory()
    assert store.remember("github", "a", NOW)
    assert not store.remember("github", "a", NOW + MINUTE)
    assert store.remember("pagerduty", "a", NOW + MINUTE)
    assert store.first_seen("github", "a") == NOW
    assert store.first_seen("github", "b") is None


def test_the_oldest_are_forgotten_by_age_and_by_number() -> None:
    store = DeliveriesInMemory(retention_seconds=60, most=3)
    for number in range(10):
        store.remember("x", str(number), NOW)
    assert len(store) == 3
    store.remember("x", "later", NOW + 2 * MINUTE)
    assert len(store) == 1


def test_other_headers_do_not_make_another_delivery_of_a_signed_body() -> None:
    """The ids in headers are not signed: who repeats a stolen request can choose them."""
    github, pd = ADAPTERS.get("github"), ADAPTERS.get("pagerduty")
    ids = {
        github.parse(
            delivery(github_push(), {"X-GitHub-Event": "push", "X-GitHub-Delivery": guid}),
            Reading(),
        ).delivery_id
        for guid in ("1", "2")
    }
    assert len(ids) == 1
    received = pd.parse(delivery(pagerduty(), {"X-Webhook-Id": "chosen"}), Reading())
    assert received.delivery_id == "01BWDWL3NYY7LUFPZCC28QUCMK"
