"""Prometheus's own PromQL tests: each query passes or is refused by name; none answers wrongly."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from corpus import Clear, Eval, Expected, Histogram, Load, almost_equal, read_corpus
from memory_store import MemoryStore

from holdfast.errors import PromQLError, PromQLUnsupported
from holdfast.model.evidence import Matrix, Vector
from holdfast.promql.engine import Engine

DATA = Path(
    os.environ.get("HOLDFAST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)
CORPUS = DATA / "promqltest"

FLOORS = {
    "aggregators": 123,
    "at_modifier": 78,
    "collision": 2,
    "fill-modifier": 46,
    "functions": 314,
    "histograms": 93,
    "literals": 20,
    "name_label_dropping": 30,
    "operators": 142,
    "range_queries": 15,
    "selectors": 31,
    "staleness": 17,
    "subquery": 32,
    "trig_functions": 19,
    "type_and_unit": 58,
}
"""Queries that pass; what is missing to a file's total is native histograms, by and large."""
_QUERY_BOUNDS = re.compile(r"\b(start|end|range|step)\(\)")
FILES = sorted(CORPUS.glob("*.test")) if CORPUS.is_dir() else []

Points = dict[frozenset[tuple[str, str]], dict[float, float]]


@dataclass
class Tally:
    """What came of the queries of one file."""

    passed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def run_file(path: Path, *, delayed_names: bool = True) -> Tally:
    """Run a file and tally its queries."""
    tally = Tally()
    store = MemoryStore()
    for command in read_corpus(path):
        if isinstance(command, Clear):
            store = MemoryStore()
        elif isinstance(command, Load):
            store.load(command)
        else:
            engine = Engine(store, keep_nan=True, delayed_name_removal=delayed_names)
            _judge(engine, command, path.name, tally)
    return tally


def _judge(engine: Engine, query: Eval, name: str, tally: Tally) -> None:
    where = f"{name}:{query.line}: {query.expr}"
    try:
        problem = _problem(engine, query)
    except PromQLUnsupported as refusal:
        tally.refused[refusal.message.split(":")[0]] += 1
        return
    except PromQLError as error:
        if query.fails:
            tally.passed += 1
        elif error.message.startswith("cannot parse"):
            tally.refused["cannot parse"] += 1
        else:
            tally.wrong.append(f"{where}\n    error: {error}")
        return
    if query.fails:
        problem = "an answer where an error was expected"
    if problem:
        tally.wrong.append(f"{where}\n    {problem}")
    else:
        tally.passed += 1


def _problem(engine: Engine, query: Eval) -> str:
    if query.range_vector is not None:
        return _compare(query, *_range_vector(engine, query))
    if query.step is not None:
        answer = engine.range(query.expr, query.start, query.end, query.step)
        count = round((query.end - query.start) / query.step) + 1
        times = [round(query.start + place * query.step, 3) for place in range(count)]
        return _compare(query, _points(answer), times)
    answer = engine.instant(query.expr, query.start)
    got = [dict(one.labels) for one in answer.samples]
    if query.ordered and got != [one.labels for one in query.expected]:
        return f"order: {got}"
    if problem := _compare(query, _samples(answer), [query.start]):
        return problem
    if query.ordered or _QUERY_BOUNDS.search(query.expr):
        return ""
    return _problem_as_middle_step(engine, query)


def _problem_as_middle_step(engine: Engine, query: Eval) -> str:
    """Ask again as the middle of three steps, as Prometheus's own runner does."""
    answer = engine.range(query.expr, query.start - 60, query.start + 60, 60)
    middle = {
        labels: {at: value for at, value in points.items() if at == query.start}
        for labels, points in _points(answer).items()
    }
    problem = _compare(query, {k: v for k, v in middle.items() if v}, [query.start])
    return f"as a range query: {problem}" if problem else ""


def _range_vector(engine: Engine, query: Eval) -> tuple[Points, list[float]]:
    assert query.range_vector is not None
    start, end, step = query.range_vector
    answer = engine.samples(query.expr, query.start)
    return _points(answer), [start + k * step for k in range(round((end - start) / step) + 1)]


def _samples(answer: Vector) -> Points:
    return {frozenset(s.labels.items()): {round(s.at, 3): s.value} for s in answer.samples}


def _points(answer: Matrix) -> Points:
    return {
        frozenset(one.labels.items()): {round(at, 3): value for at, value in one.points}
        for one in answer.series
    }


def _compare(query: Eval, got: Points, times: list[float]) -> str:
    wanted: Points = {}
    for one in query.expected:
        wanted[frozenset(one.labels.items())] = _expected_points(one, times, query)
    wanted = {labels: points for labels, points in wanted.items() if points}
    if wanted.keys() != got.keys():
        return f"series: wanted {list(map(dict, wanted))}, got {list(map(dict, got))}"
    for labels, points in wanted.items():
        mine = got[labels]
        same = points.keys() == mine.keys()
        if not same or any(not almost_equal(points[at], mine[at]) for at in points):
            return f"{dict(labels)}: wanted {points}, got {mine}"
    return ""


def _expected_points(one: Expected, times: list[float], query: Eval) -> dict[float, float]:
    cells = one.cells * len(times) if one.scalar and query.step else one.cells
    points: dict[float, float] = {}
    for at, cell in zip(times, cells, strict=False):
        assert not isinstance(cell, Histogram), "a histogram was expected and floats were answered"
        if cell is not None:
            points[at] = cell
    return points


@pytest.mark.skipif(not FILES, reason=f"no promqltest files at {CORPUS} (set HOLDFAST_DATA)")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_query_of_the_corpus_passes_or_is_refused_by_name(path: Path) -> None:
    tally = run_file(path)
    refused = sum(tally.refused.values())
    print(f"{path.name}: {tally.passed} passed, {refused} refused {dict(tally.refused)}")
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.passed >= FLOORS.get(path.stem, 0)


@pytest.mark.skipif(not FILES, reason=f"no promqltest files at {CORPUS} (set HOLDFAST_DATA)")
def test_names_dropped_at_once_change_no_other_answer() -> None:
    """The corpus is written for names dropped at the end; servers drop them at once."""
    about_names = ("name_label_dropping", "type_and_unit")
    for path in FILES:
        if path.stem not in about_names:
            tally = run_file(path, delayed_names=False)
            assert not tally.wrong, "\n".join(tally.wrong)
            assert tally.passed >= FLOORS.get(path.stem, 0)
