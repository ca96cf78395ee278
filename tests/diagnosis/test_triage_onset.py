"""The onset is found where the bad ratio left its healthy band, however late the alarm came."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from holdfast.diagnosis.triage import (
    blind_spots,
    find_onset,
    is_young,
    points_of,
    recent_changes,
    services_in_question,
)
from holdfast.model.base import utc_now
from holdfast.model.change import Change, ChangeType
from holdfast.model.evidence import Evidence, EvidenceKind, Matrix, Outcome, Series
from holdfast.model.service import Service


def series(healthy: int, bad: int, *, noise: float = 0.01, level: float = 0.6, seed: int = 1):
    """Return points a second apart: healthy ones, a short ramp, then bad ones."""
    chance = random.Random(seed)
    values = [abs(chance.gauss(0, noise)) for _ in range(healthy)]
    ramp = [level * share for share in (0.15, 0.5, 0.8)]
    values += [*ramp, *(level + chance.gauss(0, 0.05) for _ in range(bad - len(ramp)))]
    return [(1000.0 + i, value) for i, value in enumerate(values)]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("healthy", "bad"), [(100, 8), (100, 60), (60, 170)])
def test_the_onset_is_found_to_the_second(healthy: int, bad: int, seed: int) -> None:
    found = find_onset(series(healthy, bad, seed=seed), budget_fraction=0.05, comparison_seconds=50)
    assert found is not None
    assert abs(found.at - (1000 + healthy)) <= 2
    assert found.healthy is not None
    start, end = found.healthy
    assert end < found.at
    assert end - start <= 50


def test_a_healthy_series_has_no_onset() -> None:
    healthy = [(float(i), 0.01) for i in range(200)]
    assert find_onset(healthy, budget_fraction=0.05, comparison_seconds=50) is None
    assert find_onset([], budget_fraction=0.05, comparison_seconds=50) is None


def test_a_short_spike_is_no_onset_and_does_not_date_a_later_one() -> None:
    points = series(100, 20)
    points[40] = (points[40][0], 0.9)
    points[41] = (points[41][0], 0.9)
    found = find_onset(points, budget_fraction=0.05, comparison_seconds=50)
    assert found is not None
    assert abs(found.at - 1100) <= 2


def test_of_two_departures_the_latest_is_meant() -> None:
    points = series(100, 20)
    for i in range(20, 30):
        points[i] = (points[i][0], 0.7)
    found = find_onset(points, budget_fraction=0.05, comparison_seconds=50)
    assert found is not None
    assert abs(found.at - 1100) <= 2


def test_a_dip_of_two_points_does_not_begin_a_new_departure() -> None:
    points = series(100, 30)
    points[115] = (points[115][0], 0.0)
    points[116] = (points[116][0], 0.0)
    found = find_onset(points, budget_fraction=0.05, comparison_seconds=50)
    assert found is not None
    assert abs(found.at - 1100) <= 2


def test_a_noisy_service_needs_more_to_depart() -> None:
    chance = random.Random(3)
    noisy = [(float(i), max(0.0, 0.3 + chance.gauss(0, 0.05))) for i in range(200)]
    assert find_onset(noisy, budget_fraction=0.05, comparison_seconds=50) is None


def test_without_time_before_there_is_no_healthy_window() -> None:
    points = [(float(i), 0.8) for i in range(10)]
    found = find_onset(points, budget_fraction=0.05, comparison_seconds=5)
    assert found is None or found.healthy is None


def test_a_start_up_is_no_healthy_window() -> None:
    points = [(float(i), 0.0 if i < 7 else 0.8) for i in range(14)]
    found = find_onset(points, budget_fraction=0.05, comparison_seconds=50)
    assert found is not None
    assert found.healthy is None


@pytest.mark.parametrize(
    ("levels", "young"),
    [
        ((0.0, 0.0, 0.0, 0.02, 0.03, 0.5), True),
        ((0.0, 0.0, 0.0, 0.0, 0.0, 0.0), True),
        ((0.0, 0.5, 0.5, 0.5, 0.5, 0.5), False),
        ((), False),
    ],
)
def test_trouble_that_is_not_steady_yet_is_looked_at_again(
    levels: tuple[float, ...], young: bool
) -> None:
    points = [(float(i), level) for i, level in enumerate(levels)]
    assert is_young(points, budget_fraction=0.01) is young


def test_points_of_all_series_are_joined() -> None:
    matrix = Matrix(
        series=(
            Series(labels={"a": "1"}, points=((1.0, 0.1), (3.0, 0.3))),
            Series(labels={"a": "2"}, points=((2.0, 0.2),)),
        )
    )
    evidence = Evidence.seal(
        kind=EvidenceKind.METRIC,
        query="q",
        source="s",
        asked_at=utc_now(),
        outcome=Outcome.DATA,
        value=matrix,
    )
    assert points_of(evidence) == [(1.0, 0.1), (2.0, 0.2), (3.0, 0.3)]


def test_services_in_question_are_those_called_nearest_first() -> None:
    services = {
        "a": Service(name="a", depends_on=("b", "c", "outside")),
        "b": Service(name="b", depends_on=("d", "a")),
        "c": Service(name="c"),
        "d": Service(name="d"),
        "e": Service(name="e", depends_on=("a",)),
    }
    assert services_in_question("a", services) == ("a", "b", "c", "d")
    assert services_in_question("unknown", services) == ("unknown",)
    assert blind_spots("a", services) == ("outside",)


def test_recent_changes_are_those_of_the_services_within_the_lookback() -> None:
    def change(name: str, service: str, at: float) -> Change:
        return Change(
            id=name,
            type=ChangeType.DEPLOYMENT,
            service=service,
            at=datetime.fromtimestamp(at, UTC),
            source="t",
        )

    changes = [
        change("late", "a", 1005),
        change("other", "z", 990),
        change("old", "a", 100),
        change("suspect", "b", 995),
        change("future", "a", 2000),
    ]
    kept = recent_changes(changes, ("a", "b"), onset=1000, now=1010, lookback_seconds=600)
    assert [c.id for c in kept] == ["suspect", "late"]


BURSTS = (
    *(0.0,) * 22,
    *(0.045, 0.068, 0.154, 0.207, 0.297, 0.237, 0.158, 0.304, 0.212, 0.083),
    *(0.0, 0.0, 0.0, 0.0, 0.0, 0.333, 0.259, 0.378, 0.0, 0.0),
    *(0.125, 0.343, 0.457, 0.457, 0.607, 0.882, 1.0, 1.0),
)
"""Measured a second apart on an overloaded machine; the fault began at the 42nd point."""


def test_bursts_before_the_fault_do_not_date_it() -> None:
    points = [(float(i), value) for i, value in enumerate(BURSTS)]
    found = find_onset(points, budget_fraction=0.05, comparison_seconds=60)
    assert found is not None
    assert 41 <= found.at <= 43
    assert found.healthy is not None
    assert found.healthy[0] == 0


@pytest.mark.parametrize("bad_before", [6, 14, 20])
def test_an_earlier_departure_is_no_healthy_time_however_long_it_was(bad_before: int) -> None:
    values = [0.9] * bad_before + [0.0] * 12 + [0.3, 0.6, 0.9, 0.9, 0.9]
    points = [(float(i), value) for i, value in enumerate(values)]
    found = find_onset(points, budget_fraction=0.05, comparison_seconds=60)
    assert found is not None
    assert found.at == bad_before + 12
    assert found.healthy == (bad_before, bad_before + 10)
