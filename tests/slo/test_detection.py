"""Readings become alerts; silence neither fires nor resolves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from test_burn_arithmetic import slo

from holdfast.catalog.defaults import WORKBOOK_TIERS
from holdfast.errors import SourceUnavailable
from holdfast.model.base import utc_now
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome, Sample, Vector
from holdfast.slo.detect import detect
from holdfast.slo.evaluate import BurnEvaluator, BurnReading
from holdfast.slo.rules import ratio_query, tier_windows

OBJECTIVE = slo(0.999, *WORKBOOK_TIERS)
FIVE_MINUTES, HALF_HOUR, HOUR, SIX_HOURS, THREE_DAYS = tier_windows(OBJECTIVE)
Answer = float | None | SourceUnavailable | Vector


class Source:
    """Answers each window's ratio from a table, and counts the questions."""

    def __init__(self, ratios: Mapping[float, Answer]) -> None:
        self.answers = {ratio_query(OBJECTIVE, w): answer for w, answer in ratios.items()}
        self.asked = 0

    def __call__(self, promql: str, at: float) -> Evidence:
        self.asked += 1
        answer = self.answers[promql]
        failed = isinstance(answer, SourceUnavailable)
        value = _vector(answer, at) if not failed else None
        outcome = Outcome.DATA if value and value.samples else Outcome.NO_DATA
        return Evidence.seal(
            kind=EvidenceKind.METRIC,
            query=promql,
            source="a table",
            asked_at=utc_now(),
            outcome=Outcome.ERROR if failed else outcome,
            value=value,
            error=str(answer) if failed else "",
        )


def _vector(answer: Answer, at: float) -> Vector:
    if isinstance(answer, Vector):
        return answer
    if not isinstance(answer, float):
        return Vector(samples=())
    return Vector(samples=(Sample(labels={}, at=at, value=answer),))


def read(at: float = 1000.0, /, **ratios: Answer) -> dict[str, BurnReading]:
    table: dict[float, Answer] = {
        FIVE_MINUTES: ratios.get("m5", 0.0),
        HALF_HOUR: ratios.get("m30", 0.0),
        HOUR: ratios.get("h1", 0.0),
        SIX_HOURS: ratios.get("h6", 0.0),
        THREE_DAYS: ratios.get("d3", 0.0),
    }
    evaluation = BurnEvaluator([OBJECTIVE], Source(table)).evaluate(at)
    return {reading.tier: reading for reading in evaluation.readings}


def test_a_tier_fires_when_both_windows_burn() -> None:
    reading = read(h1=0.02, m5=0.5)["page-fast"]
    assert reading.state == "firing"
    assert reading.long_burn == pytest.approx(20)
    assert reading.short_burn == pytest.approx(500)
    assert reading.threshold_burn == pytest.approx(14.4)
    assert len(reading.evidence_ids) == 2


@pytest.mark.parametrize("ratios", [{"h1": 0.02}, {"m5": 0.9}, {"h1": 0.0144, "m5": 0.0144}])
def test_one_window_alone_or_just_the_threshold_does_not_fire(ratios: dict[str, Answer]) -> None:
    assert read(**ratios)["page-fast"].state == "ok"


def test_no_data_in_either_window_is_no_data_and_never_ok() -> None:
    for ratios in ({"h1": None}, {"m5": None}, {"h1": 0.9, "m5": None}):
        reading = read(**ratios)["page-fast"]
        assert reading.state == "no_data"
        assert reading.detail.startswith("no data in the")


def test_a_source_that_fails_is_an_error_and_its_words_are_kept() -> None:
    reading = read(h1=SourceUnavailable("connection refused"))["page-fast"]
    assert reading.state == "error"
    assert "connection refused" in reading.detail


def test_an_slo_that_gives_several_series_is_an_error() -> None:
    two = Vector(samples=tuple(Sample(labels={"i": i}, at=1, value=0.1) for i in ("a", "b")))
    reading = read(h1=two)["page-fast"]
    assert reading.state == "error"
    assert "one series" in reading.detail


def test_requests_that_hang_count_as_all_bad() -> None:
    for ratio in (1.4, math.inf):
        assert read(h1=ratio, m5=ratio)["page-fast"].long_burn == pytest.approx(1000)


def test_fewer_than_no_bad_events_is_an_error_and_extrapolation_is_not() -> None:
    assert read(h1=-0.5)["page-fast"].state == "error"
    assert read(h1=-0.001)["page-fast"].state == "ok"


def test_each_window_is_asked_once_and_every_answer_is_kept() -> None:
    source = Source(dict.fromkeys(tier_windows(OBJECTIVE), 0.0))
    evaluation = BurnEvaluator([OBJECTIVE], source).evaluate(0.0)
    assert source.asked == 5
    kept = {item.id for item in evaluation.evidence}
    assert {i for r in evaluation.readings for i in r.evidence_ids} <= kept


def test_an_alert_starts_once_keeps_its_start_and_resolves() -> None:
    (first,) = detect((), read(100.0, h1=0.02, m5=0.5).values())
    assert first.status == "firing"
    assert first.severity == "page"
    assert first.starts_at == datetime.fromtimestamp(100, UTC)
    assert first.labels == {
        "alertname": "ErrorBudgetBurn",
        "service": "shop",
        "slo": "shop-availability",
        "tier": "page-fast",
    }
    assert first.annotations["burn_rate_long"] == "20"
    (second,) = detect((first,), read(115.0, h1=0.03, m5=0.5).values())
    assert second.starts_at == first.starts_at
    assert second.annotations["burn_rate_long"] == "30"
    (third,) = detect((second,), read(130.0, h1=0.03).values())
    assert third.status == "resolved"
    assert third.ends_at == datetime.fromtimestamp(130, UTC)
    assert detect((third,), read(145.0).values()) == ()


def test_after_its_end_the_same_tier_makes_a_new_alert_with_the_same_fingerprint() -> None:
    (first,) = detect((), read(100.0, h1=0.02, m5=0.5).values())
    (ended,) = detect((first,), read(115.0).values())
    (again,) = detect((ended,), read(130.0, h1=0.02, m5=0.5).values())
    assert again.fingerprint == first.fingerprint
    assert again.starts_at > first.starts_at


@pytest.mark.parametrize("answer", [None, SourceUnavailable("timed out")])
def test_silence_neither_opens_nor_resolves(answer: Answer) -> None:
    silent = read(115.0, h1=answer, m5=answer)
    assert detect((), silent.values()) == ()
    (first,) = detect((), read(100.0, h1=0.02, m5=0.5).values())
    (kept,) = detect((first,), silent.values())
    assert kept.status == "firing"
    assert kept.starts_at == first.starts_at
    assert kept.annotations["last_reading"].startswith(("no data", "error"))


def test_an_alert_that_was_not_read_this_time_is_kept() -> None:
    (first,) = detect((), read(100.0, h1=0.02, m5=0.5).values())
    assert detect((first,), ()) == (first,)


def test_alerts_of_other_sources_are_left_to_them() -> None:
    (first,) = detect((), read(100.0, h1=0.02, m5=0.5).values())
    foreign = first.model_copy(update={"source": "alertmanager"})
    assert detect((foreign,), read(115.0).values()) == ()
