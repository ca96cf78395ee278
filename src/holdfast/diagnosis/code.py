"""What a release's diff adds, read as syntax trees: places that carry a mechanism.

Both sides are read; what stands on both is not what the release changed. A place is a reason to
suspect a mechanism, never its proof: that is for measurements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast.diagnosis.code_costs import added_waits, changed_limits, cpu_in_loops
from holdfast.diagnosis.code_diff import FileChange, Fragment, parse_diff
from holdfast.diagnosis.code_parse import parse_fragment
from holdfast.diagnosis.code_queries import (
    Found,
    SideFacts,
    gather,
    queries_in_loops,
)
from holdfast.diagnosis.code_walk import Place, walk
from holdfast.errors import EvidenceError
from holdfast.model.hypothesis import CodeSpot


class NoPython(EvidenceError):
    """The diff changes no Python file: nothing can be said of its code."""


@dataclass(frozen=True)
class Finding:
    """A place of a shape: `query_in_loop`, `cpu_in_loop`, `wait_added` or `pool_changed`."""

    shape: str
    spot: CodeSpot


def read_diff(text: str) -> tuple[Finding, ...]:
    """Return what a unified diff adds, in the order of its files and lines.

    More context finds more: helpers and relationships are known where the diff shows them. Raises
    NoPython where no Python file outside tests is changed.
    """
    files = [f for f in parse_diff(text) if f.path.endswith(".py") and not _is_test(f.path)]
    if not files:
        raise NoPython("the diff changes no Python file outside tests")
    old = [_places(file.old) for file in files]
    new = [_places(file.new) for file in files]
    facts_old, facts_new = gather(_joined(old)), gather(_joined(new))
    relations = facts_old.relations | facts_new.relations
    findings: list[Finding] = []
    for file, old_places, new_places in zip(files, old, new, strict=True):
        before = set(_keys(_shapes(old_places, facts_old, relations)))
        for shape, found in _shapes(new_places, facts_new, relations):
            if (shape, found.place.symbol, found.key) not in before:
                findings.append(Finding(shape, _spot(file, found)))
    return _one_a_line(findings)


def _shapes(
    places: Sequence[Place], facts: SideFacts, relations: frozenset[str]
) -> Iterator[tuple[str, Found]]:
    yield from (("query_in_loop", f) for f in queries_in_loops(places, facts, relations))
    yield from (("cpu_in_loop", f) for f in cpu_in_loops(places))
    yield from (("wait_added", f) for f in added_waits(places))
    yield from (("pool_changed", f) for f in changed_limits(places))


def _keys(shapes: Iterator[tuple[str, Found]]) -> Iterator[tuple[str, str, str]]:
    return ((shape, found.place.symbol, found.key) for shape, found in shapes)


def _places(fragments: Sequence[Fragment]) -> list[Place]:
    return [
        place
        for fragment in fragments
        for place in walk(parse_fragment(fragment.lines, fragment.first_line), fragment.symbol)
    ]


def _joined(sides: Sequence[Sequence[Place]]) -> list[Place]:
    return [place for places in sides for place in places]


def _spot(file: FileChange, found: Found) -> CodeSpot:
    line = found.place.line
    return CodeSpot(
        path=file.path,
        line=line,
        symbol=found.place.symbol,
        excerpt=file.line(line),
        why=found.why,
    )


def _one_a_line(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """A chain of calls is one place; so is a line that is reached twice."""
    kept: dict[tuple[str, str, int], Finding] = {}
    for finding in findings:
        kept.setdefault((finding.shape, finding.spot.path, finding.spot.line), finding)
    return tuple(kept.values())


def _is_test(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith("test_") or name == "conftest.py" or "tests" in path.split("/")
