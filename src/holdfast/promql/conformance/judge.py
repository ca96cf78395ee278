"""Runs a file of PromQL tests: each query passes, is refused by name, or is answered wrongly."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.errors import PromQLError, PromQLUnsupported
from holdfast.model.evidence import Matrix, Vector
from holdfast.promql.conformance.corpus import (
    Clear,
    Eval,
    Expected,
    ExpectedNote,
    Histogram,
    Load,
    almost_equal,
    read_corpus,
)
from holdfast.promql.conformance.loaded import LoadedSamples
from holdfast.promql.engine import Engine
from holdfast.promql.notes import INFO, WARNING

_POSITION = re.compile(r" \([0-9]+:[0-9]+\)$")
_POSITION_PATTERN = re.compile(r" \\\(\S+\\\)$")
_QUERY_BOUNDS = re.compile(r"\b(start|end|range|step)\(\)")

CORE_FILES = (
    "aggregators",
    "at_modifier",
    "collision",
    "functions",
    "histograms",
    "literals",
    "name_label_dropping",
    "operators",
    "range_queries",
    "selectors",
    "staleness",
    "subquery",
    "trig_functions",
)
"""The files whose every expression is parsed; the others are about what came after 3.0."""

Points = dict[frozenset[tuple[str, str]], dict[float, float]]


@dataclass
class Tally:
    """What came of the queries of one file."""

    passed: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    """How many queries were refused, by the reason."""
    wrong: list[str] = field(default_factory=list[str])

    @property
    def unsupported(self) -> int:
        """How many queries were refused."""
        return self.refused.total()


def run_file(path: Path, *, delayed_names: bool = True) -> Tally:
    """Run a file and tally its queries. An expected failure passes by failing.

    `delayed_names` says when metric names are dropped, as `Engine` has it.
    """
    tally = Tally()
    store = LoadedSamples()
    for command in read_corpus(path):
        if isinstance(command, Clear):
            store = LoadedSamples()
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
        if error.message.startswith("cannot parse") and not query.fails:
            tally.refused["cannot parse"] += 1
            return
        problem = "" if query.fails else f"error: {error}"
    else:
        problem = "an answer where an error was expected" if query.fails else problem
    if problem:
        tally.wrong.append(f"{where}\n    {problem}")
    else:
        tally.passed += 1


def _problem(engine: Engine, query: Eval) -> str:
    if query.string is not None:
        answer = engine.text(query.expr)
        return "" if answer == query.string else f"wanted {query.string!r}, got {answer!r}"
    if query.range_vector is not None:
        return _compare(query, *_range_vector(engine, query))
    if query.step is not None:
        answer = engine.range(query.expr, query.start, query.end, query.step)
        count = round((query.end - query.start) / query.step) + 1
        times = [round(query.start + place * query.step, 3) for place in range(count)]
        return _compare(query, _points(answer), times) or _notes_problem(query, answer.warnings)
    return _instant_problem(engine, query)


def _instant_problem(engine: Engine, query: Eval) -> str:
    answer = engine.instant(query.expr, query.start)
    got = [dict(one.labels) for one in answer.samples]
    if query.ordered and got != [one.labels for one in query.expected]:
        return f"order: {got}"
    if problem := _compare(query, _samples(answer), [query.start]):
        return problem
    if problem := _notes_problem(query, answer.warnings):
        return problem
    if query.ordered or _QUERY_BOUNDS.search(query.expr):
        return ""
    return _problem_as_middle_step(engine, query)


def _notes_problem(query: Eval, notes: Sequence[str]) -> str:
    """Judge annotations by their words, without the position, which is not given."""
    for wanted in query.notes:
        prefix = WARNING if wanted.level == "warn" else INFO
        found = [note for note in notes if note.startswith(prefix)]
        if not wanted.present:
            if found:
                return f"notes: none of {wanted.level} wanted, got {found}"
        elif not any(_note_matches(wanted, note) for note in found):
            return f"notes: wanted {wanted}, got {list(notes)}"
    return ""


def _note_matches(wanted: ExpectedNote, note: str) -> bool:
    if wanted.kind == "msg":
        return _POSITION.sub("", wanted.text) == note
    return (
        wanted.kind is None or re.search(_POSITION_PATTERN.sub("", wanted.text), note) is not None
    )


def _problem_as_middle_step(engine: Engine, query: Eval) -> str:
    """Ask again as the middle of three steps, as Prometheus's own runner does."""
    try:
        answer = engine.range(query.expr, query.start - 60, query.start + 60, 60)
    except PromQLUnsupported:  # the steps beside, which nobody asked for, meet a native histogram
        return ""
    middle = {
        labels: {at: value for at, value in points.items() if at == query.start}
        for labels, points in _points(answer).items()
    }
    problem = _compare(query, {k: v for k, v in middle.items() if v}, [query.start])
    return f"as a range query: {problem}" if problem else ""


def _range_vector(engine: Engine, query: Eval) -> tuple[Points, list[float]]:
    start, end, step = query.range_vector or (0.0, 0.0, 1.0)
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
        if any(isinstance(cell, Histogram) for cell in one.cells):
            return f"{one.labels}: wanted native histograms, got floats or nothing"
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
    return {
        at: cell
        for at, cell in zip(times, cells, strict=False)
        if cell is not None and not isinstance(cell, Histogram)
    }
