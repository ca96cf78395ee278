"""Past incidents: read from a person's file, or found in a history without looking at any rule."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from holdfast.errors import ConfigError
from holdfast.slo.history import EventHistory
from holdfast.slo.replay.detector import find_incidents, maximal_runs
from holdfast.slo.replay.incident_file import read_incidents

MINUTE = 60.0
DAYS = 10


def made(
    outages: list[tuple[int, int, float]],
    *,
    rate: float = 600,
    seed: int = 1,
    background: float = 0.0003,
) -> EventHistory:
    """Ten days of minutes; outages are (first minute, minutes, bad fraction)."""
    chance = np.random.default_rng(seed)
    steps = DAYS * 1440
    total = chance.poisson(rate * (1 + 0.5 * np.sin(np.arange(steps) / 1440 * 2 * np.pi)))
    ratio = np.full(steps, background)
    for first, minutes, depth in outages:
        ratio[first : first + minutes] = depth
    return EventHistory(
        0, MINUTE, chance.binomial(total, ratio).astype(np.float64), total.astype(np.float64)
    )


def spans(history: EventHistory, objective: float = 0.999) -> list[tuple[float, float]]:
    """What is found, in minutes."""
    found = find_incidents(history, objective)
    return [(one.start.timestamp() / 60, one.end.timestamp() / 60) for one in found]


def plain_runs(scores: list[float], first: int = 0) -> list[tuple[int, int]]:
    """Maximal scoring runs by their definition: the best, then those left and right of it."""
    best, place = 0.0, (0, 0)
    for i in range(len(scores)):
        total = 0.0
        for j in range(i, len(scores)):
            total += scores[j]
            shorter = total == best and j + 1 - i < place[1] - place[0]
            if total > best or shorter:
                best, place = total, (i, j + 1)
    if best <= 0:
        return []
    i, j = place
    return [
        *plain_runs(scores[:i], first),
        (first + i, first + j),
        *plain_runs(scores[j:], first + j),
    ]


def test_maximal_runs_are_those_of_the_definition() -> None:
    chance = random.Random(5)
    for _ in range(400):
        scores = [chance.uniform(-1, 1) for _ in range(chance.randint(0, 25))]
        assert maximal_runs(np.array(scores)) == plain_runs(scores), scores


@pytest.mark.parametrize("seed", range(4))
def test_outages_of_many_depths_and_lengths_are_found_where_they_were(seed: int) -> None:
    outages = [(2000, 10, 1.0), (4000, 300, 0.02), (4900, 45, 0.3), (9000, 1500, 0.003)]
    found = spans(made(outages, seed=seed))
    assert len(found) == len(outages)
    for (first, minutes, depth), (start, end) in zip(outages, found, strict=True):
        slack = 1 if depth > 0.1 else 10 if depth > 0.01 else 60
        assert start == pytest.approx(first, abs=slack)
        assert end == pytest.approx(first + minutes, abs=slack)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("rate", "background"), [(600, 0.0003), (2, 0.0003), (600, 0.002)])
def test_nothing_is_found_where_nothing_happened(seed: int, rate: float, background: float) -> None:
    assert spans(made([], rate=rate, seed=seed, background=background)) == []


def test_two_deep_outages_far_apart_stay_two() -> None:
    assert len(spans(made([(2000, 60, 1.0), (2600, 60, 1.0)]))) == 2


def test_a_service_that_always_fails_a_little_is_its_own_baseline() -> None:
    history = made([(5000, 60, 0.2)], background=0.004)
    [(start, end)] = spans(history)
    assert (start, end) == pytest.approx((5000, 5060), abs=2)


def test_gaps_and_times_without_events_are_no_incident() -> None:
    history = made([(5000, 30, 1.0)])
    history.total[1000:1500] = 0
    history.bad[1000:1500] = 0
    history.bad[7000:7500] = np.nan
    assert spans(history) == [(5000, 5030)]
    empty = EventHistory(0, MINUTE, np.full(100, np.nan), np.full(100, np.nan))
    assert find_incidents(empty, 0.999) == ()


YAML = """\
# ours
- start: 2026-01-31T12:00:00Z
  end: 2026-01-31T12:30:00+00:00
  title: database down
  severity: 1
- {start: "2026-01-30 10:00:00Z", end: "2026-01-30T11:00:00+01:00", service: shop}
"""
JSON = """\
{"incidents": [
  {"start": "2026-01-31T12:00:00Z", "end": "2026-01-31T12:30:00Z", "title": "database down",
   "severity": 1},
  {"start": "2026-01-30T09:00:00Z", "end": "2026-01-30T10:00:00Z", "service": "shop"}
]}
"""
CSV = """\
start, end, title, severity, service
2026-01-31T12:00:00Z, 2026-01-31T12:30:00Z, database down, 1,
2026-01-30T09:00:00Z, 2026-01-30T10:00:00Z, , , shop
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def written(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return written


@pytest.mark.parametrize(("name", "text"), [("i.yaml", YAML), ("i.json", JSON), ("i.csv", CSV)])
def test_incidents_are_read_from_yaml_json_and_csv(
    write: Callable[[str, str], Path], name: str, text: str
) -> None:
    if name == "i.yaml":
        text = text.replace("10:00:00Z", "09:00:00Z")
    first, second = read_incidents(write(name, text))
    assert (first.service, first.start) == ("shop", datetime(2026, 1, 30, 9, tzinfo=UTC))
    assert (second.title, second.severity) == ("database down", "1")
    assert (second.end - second.start).total_seconds() == 1800


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("i.yaml", "- start: 2026-01-31T12:00:00Z\n", "line 1, end: missing"),
        ("i.yaml", YAML.replace("title", "titel"), "line 2, titel: unknown field"),
        ("i.yaml", YAML.replace("12:00:00Z", "12:00:00"), "line 2, start: a time needs a zone"),
        ("i.yaml", YAML.replace("12:30", "11:30"), "line 2, end: it must lie after start"),
        ("i.yaml", "- {start: 17, end: 18}", "line 1, start: 17 is no time"),
        ("i.yaml", "- {start: 2026-01-31, end: x}", "line 1, start: "),
        ("i.yaml", "- start: 1\n  start: 2\n", "line 2, start: it stands twice"),
        ("i.yaml", "- start: [1]\n", "line 1, start: one value is needed"),
        ("i.yaml", "- just words\n", "line 1: an incident is a mapping"),
        ("i.yaml", "- {start: [\n", "neither YAML nor JSON"),
        ("i.yaml", "start: 1\n", "a list of incidents is needed"),
        ("i.yaml", "[]", "there is no incident in it"),
        ("i.csv", "begin,end\n1,2\n", "line 1, start: no such column"),
        ("i.csv", CSV.replace("12:30", "25:30"), "line 2, end: "),
        ("i.csv", CSV.replace("down, 1,", "down, 1, a, b"), "line 2: more values than columns"),
    ],
)
def test_a_bad_entry_is_refused_by_its_line_and_field(
    write: Callable[[str, str], Path], name: str, text: str, said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        read_incidents(write(name, text))
    assert said in str(refused.value)
    assert name in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: there is no such file of incidents"):
        read_incidents(tmp_path / "none.yaml")


def test_a_short_history_has_shorter_blocks() -> None:
    """Five minutes at steps of 5 s, as a compressed laboratory has them."""
    total = np.full(60, 60.0)
    bad = np.zeros(60)
    bad[30:42] = 30
    [found] = find_incidents(EventHistory(0, 5, bad, total), 0.95)
    assert (found.start.timestamp(), found.end.timestamp()) == (150, 210)
