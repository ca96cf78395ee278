"""Asking a metrics source gives evidence whatever happens; a question can be asked again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.evidence.ask import Asker
from holdfast.evidence.recorded import RecorderSource
from holdfast.model.evidence import Evidence, EvidenceKind, Matrix, Outcome, Vector
from holdfast.promql.store_writer import SampleWriter

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def asker(tmp_path: Path) -> Iterator[Asker]:
    writer = SampleWriter(tmp_path, interval_seconds=1.0, retention_seconds=3600)
    ids = [writer.series_id({"__name__": name}) for name in ("x", "infinite")]
    for second in range(100, 131):
        writer.append("t", second * 1000, ids, [float(second), math.inf])
    writer.close()
    source = RecorderSource(tmp_path)
    yield Asker(source, clock=lambda: NOW)
    source.close()


def test_an_answer_is_sealed_with_its_question(asker: Asker) -> None:
    evidence = asker.instant("x > 0", 130.0)
    assert evidence.outcome is Outcome.DATA
    assert evidence.kind is EvidenceKind.METRIC
    assert (evidence.query, evidence.source, evidence.asked_at) == (
        "x > 0",
        asker.source.name,
        NOW,
    )
    assert evidence.window
    assert evidence.window.start == evidence.window.end == datetime.fromtimestamp(130, UTC)
    assert isinstance(evidence.value, Vector)
    assert evidence.value.samples[0].value == 130.0
    assert evidence.hash == evidence.computed_hash()


def test_a_range_keeps_its_window_and_step(asker: Asker) -> None:
    evidence = asker.range("x", 120.0, 130.0, 5.0)
    assert evidence.window
    assert (evidence.window.seconds, evidence.step_seconds) == (10.0, 5.0)
    assert isinstance(evidence.value, Matrix)
    assert evidence.value.series[0].points == ((120.0, 120.0), (125.0, 125.0), (130.0, 130.0))


def test_an_empty_answer_is_no_data(asker: Asker) -> None:
    for evidence in (asker.instant("y", 130.0), asker.range("y", 120.0, 130.0, 1.0)):
        assert evidence.outcome is Outcome.NO_DATA
        assert evidence.error == ""


@pytest.mark.parametrize("promql", ["sum(", "x[1m]"])
def test_a_refusal_is_an_error_that_says_why(asker: Asker, promql: str) -> None:
    evidence = asker.instant(promql, 130.0)
    assert evidence.outcome is Outcome.ERROR
    assert evidence.value is None
    assert evidence.error


def test_a_source_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    evidence = Asker(RecorderSource(tmp_path / "none")).range("x", 1, 2, 1)
    assert evidence.outcome is Outcome.ERROR
    assert "no store" in evidence.error


def test_the_same_question_can_be_asked_again(asker: Asker) -> None:
    for first in (asker.instant("x", 130.0), asker.range("x", 120.0, 130.0, 2.5)):
        again = asker.again(first)
        assert again.hash == first.hash
        assert again.id != first.id


def test_infinity_survives_being_kept(asker: Asker) -> None:
    evidence = asker.instant("infinite", 130.0)
    kept = Evidence.model_validate_json(evidence.model_dump_json())
    assert kept == evidence
    assert kept.computed_hash() == evidence.hash
