"""The first event of an incident."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from holdfast.errors import InputError, NotFound
from holdfast.model.alert import Alert
from holdfast.model.config import Config, MetricsSettings
from holdfast.model.incident import Severity
from holdfast.model.service import Service
from holdfast.model.slo import SLO, RatioIndicator
from holdfast.signals.opening import attached_note, open_from_alert, open_from_sentence
from holdfast.signals.severity import severity_of_alert


def slo(kind: str, service: str = "shop") -> SLO:
    return SLO.model_validate(
        {
            "name": f"{service}-{kind}",
            "service": service,
            "kind": kind,
            "indicator": RatioIndicator(bad_query="b", total_query="t"),
            "objective": 0.99,
            "threshold_seconds": 0.3,
            "period_seconds": 3600,
        }
    )


CONFIG = Config(
    metrics=MetricsSettings(url="http://127.0.0.1:9"),
    services=(Service(name="shop"), Service(name="api")),
    slos=(slo("availability"), slo("latency"), slo("latency", "api")),
    laboratory=True,
)


def alert(**annotations: str) -> Alert:
    return Alert(
        fingerprint="f",
        source="holdfast",
        status="firing",
        severity="page",
        starts_at=datetime(2026, 1, 31, tzinfo=UTC),
        labels={"alertname": "ErrorBudgetBurn", "service": "shop", "slo": "shop-latency"},
        annotations=annotations,
    )


def test_an_alert_opens_with_its_slo_and_the_severity_of_its_burn() -> None:
    opened = open_from_alert(alert(burn_rate_long="20"), CONFIG)
    assert opened.title == "shop: spends its latency budget too fast"
    assert (opened.service, opened.slo) == ("shop", "shop-latency")
    assert opened.severity is Severity.SEV1
    assert opened.alert is not None
    assert opened.laboratory
    assert open_from_alert(alert(burn_rate_long="6.5"), CONFIG).severity is Severity.SEV2


def test_an_alert_of_another_tool_opens_with_the_higher_severity() -> None:
    foreign = alert().model_copy(update={"labels": {"alertname": "HighLatency", "job": "api"}})
    opened = open_from_alert(foreign, CONFIG)
    assert opened.title == "api: HighLatency"
    assert opened.slo is None
    assert opened.severity is Severity.SEV1
    assert "not measured" in opened.severity_reason


@pytest.mark.parametrize(
    ("action", "burn", "spent", "severity"),
    [
        ("page", 14.5, None, Severity.SEV1),
        ("page", 10.0, 0.1, Severity.SEV1),
        ("page", 6.1, 0.1, Severity.SEV2),
        ("page", 6.1, None, Severity.SEV2),
        ("page", 6.1, 1.2, Severity.SEV1),
        ("page", None, 0.0, Severity.SEV1),
        ("ticket", 1.2, 0.3, Severity.SEV3),
        ("ticket", None, None, Severity.SEV3),
        ("ticket", 1.2, 1.0, Severity.SEV2),
    ],
)
def test_severity_follows_burn_and_budget(
    action: str, burn: float | None, spent: float | None, severity: Severity
) -> None:
    assert action in ("page", "ticket")
    decision = severity_of_alert(
        "page" if action == "page" else "ticket", burn_rate=burn, budget_spent_fraction=spent
    )
    assert decision.severity is severity
    assert not re.search(r"\d", decision.reason)


def test_a_sentence_opens_with_claims_and_the_slo_that_it_is_about() -> None:
    text = "P95 went from 50 ms to 2 s,\n customers time out"
    opened = open_from_sentence(text, "shop", CONFIG)
    assert opened.title == "shop: latency reported by a person"
    assert opened.slo == "shop-latency"
    assert opened.statement == "P95 went from 50 ms to 2 s, customers time out"
    assert len(opened.claims) == 2
    assert not re.search(r"\d", opened.title + opened.severity_reason.replace("SEV", ""))


def test_errors_are_about_availability_and_vague_words_about_no_slo_of_several() -> None:
    assert open_from_sentence("12% of requests fail", "shop", CONFIG).slo == "shop-availability"
    vague = open_from_sentence("something is odd", "shop", CONFIG)
    assert vague.slo is None
    assert vague.title == "shop: trouble reported by a person"
    assert open_from_sentence("something is odd", "api", CONFIG).slo == "api-latency"


def test_an_unknown_service_or_an_empty_sentence_is_refused() -> None:
    with pytest.raises(NotFound, match="known: shop, api"):
        open_from_sentence("it is slow", "shopp", CONFIG)
    with pytest.raises(InputError, match="empty"):
        open_from_sentence("  ", "shop", CONFIG)


def test_an_attached_alert_is_kept_with_its_labels() -> None:
    note = attached_note(alert(), "the incident at work is about shop too")
    assert "slo=shop-latency" in note.text
    assert "shop too" in note.text
