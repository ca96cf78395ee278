"""What people say of an incident: symptoms, and numbers that are claims to be measured."""

from __future__ import annotations

import pytest

from holdfast.model.incident import Severity
from holdfast.signals.sentence import Symptom, read_sentence, symptoms_of
from holdfast.signals.severity import severity_of_sentence

L, E, A, S = Symptom.LATENCY, Symptom.ERRORS, Symptom.AVAILABILITY, Symptom.SATURATION

SENTENCES: list[tuple[str, set[Symptom], dict[str, float]]] = [
    (
        "P95 went from 50 ms to 2 s, customers time out",
        {L},
        {"latency_p95_seconds_before": 0.05, "latency_p95_seconds_now": 2},
    ),
    (
        "p99 latency jumped from 120ms to 4.5s after the release",
        {L},
        {"latency_p99_seconds_before": 0.12, "latency_p99_seconds_now": 4.5},
    ),
    (
        "95th percentile was 80 ms, now 1.2 seconds",
        {L},
        {"latency_p95_seconds_before": 0.08, "latency_p95_seconds_now": 1.2},
    ),
    (
        "latency 50ms -> 2s since 14:05",
        {L},
        {"latency_seconds_before": 0.05, "latency_seconds_now": 2},
    ),
    (
        "Median response time is 900 milliseconds instead of 100 ms",
        {L},
        {"latency_p50_seconds_now": 0.9, "latency_p50_seconds_before": 0.1},
    ),
    ("The checkout takes 8 seconds to load", {L}, {"latency_seconds": 8}),
    ("The site is slow", {L}, {}),
    (
        "Average latency is up to 3s for 10 minutes",
        {L},
        {"latency_mean_seconds": 3, "duration_seconds": 600},
    ),
    ("Requests are hanging since 20 min", {L}, {"duration_seconds": 1200}),
    ("12% of requests fail with 503", {E}, {"error_ratio": 0.12}),
    (
        "Error rate went from 0.1% to 5%",
        {E},
        {"error_ratio_before": 0.001, "error_ratio_now": 0.05},
    ),
    (
        "Errors up from 0.2 percent to 7 percent",
        {E},
        {"error_ratio_before": 0.002, "error_ratio_now": 0.07},
    ),
    ("1 in 5 checkouts fails", {E}, {"error_ratio": 0.2}),
    ("Two out of ten requests return errors", {E}, {"error_ratio": 0.2}),
    ("We see 300 errors per minute", {E}, {"error_rate_per_second": 5}),
    ("HTTP 500 everywhere since v2.3.4", {E}, {}),
    ("lots of 5xx on checkout-2", {E}, {}),
    ("The shop is down", {A}, {}),
    ("Availability dropped to 97.2%", {A}, {"availability_ratio": 0.972}),
    (
        "site unreachable for about 15 minutes, 4,000 users affected",
        {A},
        {"duration_seconds": 900, "users_count": 4000},
    ),
    ("CPU at 98%, queue is growing", {S}, {"cpu_utilization": 0.98}),
    (
        "Connection pool 100% used, p95 2.5s",
        {L, S},
        {"pool_utilization": 1.0, "latency_p95_seconds": 2.5},
    ),
    (
        "Traffic is 3x normal and latency doubled",
        {L},
        {"request_rate_factor": 3, "latency_factor": 2},
    ),
    ("We are at 1.5k rps, timeouts everywhere", {L}, {"request_rate_per_second": 1500}),
    ("Pages are ten times slower", {L}, {"latency_factor": 10}),
    ("half of the customers get timeouts", {L}, {"slow_ratio": 0.5}),
    (
        "latency increased by 40% in the last 5 minutes",
        {L},
        {"latency_change_fraction": 0.4, "duration_seconds": 300},
    ),
    ("Memory is at 95 percent and pods get OOMKilled", {S}, {"memory_utilization": 0.95}),
    ("250 customers cannot reach the login page", {A}, {"users_count": 250}),
    (
        "p95 is 2 s (was 50 ms)",
        {L},
        {"latency_p95_seconds_now": 2, "latency_p95_seconds_before": 0.05},
    ),
    (
        "latency went from 50 to 2000 ms",
        {L},
        {"latency_seconds_before": 0.05, "latency_seconds_now": 2},
    ),
    ("Since 5 minutes the API returns 502s", {E}, {"duration_seconds": 300}),
    (
        "Latency: P50 50ms, P95 2s, P99 4s",
        {L},
        {"latency_p50_seconds": 0.05, "latency_p95_seconds": 2, "latency_p99_seconds": 4},
    ),
    ("99.9th percentile at 3 s", {L}, {"latency_p99_9_seconds": 3}),
    ("response time rose by a factor of 10", {L}, {"latency_factor": 10}),
    ("about 2,300 failed orders so far", {E}, {"orders_count": 2300}),
    ("payments take 30 seconds or time out", {L}, {"latency_seconds": 30}),
    ("something is odd", set(), {}),
    ("", set(), {}),
]


@pytest.mark.parametrize(("text", "symptoms", "claims"), SENTENCES, ids=[s[0] for s in SENTENCES])
def test_a_sentence_says(text: str, symptoms: set[Symptom], claims: dict[str, float]) -> None:
    assert set(symptoms_of(text)) == symptoms
    found = read_sentence(text)
    assert {claim.quantity: claim.value for claim in found} == pytest.approx(claims)
    assert len(found) == len(claims)


def test_a_claim_keeps_the_persons_words_and_names_its_unit() -> None:
    before, now = read_sentence("P95 went from 50 ms to 2 s, customers time out")
    assert (before.text, before.value, before.unit) == ("50 ms", 0.05, "s")
    assert (now.text, now.value, now.unit) == ("2 s", 2.0, "s")


@pytest.mark.parametrize(
    "text",
    [
        "it began at 14:05 UTC on 2026-01-31",
        "since v2.3.4 of 10.0.0.1",
        "see #1234 and checkout-2",
        "status 503",
    ],
)
def test_what_only_looks_like_a_measurement_is_no_claim(text: str) -> None:
    assert read_sentence(text) == ()


def test_a_person_is_believed_until_it_is_measured() -> None:
    down = severity_of_sentence(symptoms_of("The shop is down"))
    slow = severity_of_sentence(symptoms_of("The shop is slow"))
    assert down.severity is Severity.SEV1
    assert slow.severity is Severity.SEV2
    for decision in (down, slow):
        assert "not measured" in decision.reason
        assert not any(c.isdigit() for c in decision.reason)
