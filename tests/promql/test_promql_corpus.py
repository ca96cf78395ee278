"""Prometheus's own PromQL tests: each query passes or is refused by name; none answers wrongly."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.promql.conformance.corpus import Eval, read_corpus
from holdfast.promql.conformance.judge import CORE_FILES, run_file

DATA = Path(
    os.environ.get("HOLDFAST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)
CORPUS = DATA / "promqltest"

FLOORS = {
    "aggregators": 155,
    "at_modifier": 78,
    "collision": 2,
    "fill-modifier": 46,
    "functions": 404,
    "histograms": 94,
    "limit": 14,
    "literals": 25,
    "name_label_dropping": 30,
    "operators": 206,
    "range_queries": 17,
    "selectors": 31,
    "staleness": 17,
    "subquery": 32,
    "trig_functions": 19,
    "type_and_unit": 58,
}
"""Queries that pass; what is missing to a core file's total needs native histograms."""
FILES = sorted(CORPUS.glob("*.test")) if CORPUS.is_dir() else []
needs_corpus = pytest.mark.skipif(
    not FILES, reason=f"no promqltest files at {CORPUS} (set HOLDFAST_DATA)"
)


@needs_corpus
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_query_of_the_corpus_passes_or_is_refused_by_name(path: Path) -> None:
    tally = run_file(path)
    print(f"{path.name}: {tally.passed} passed, {tally.unsupported} refused {dict(tally.refused)}")
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.passed >= FLOORS.get(path.stem, 0)


@needs_corpus
def test_what_the_core_files_are_refused_for_is_native_histograms_alone() -> None:
    reasons = {
        reason for name in CORE_FILES for reason in run_file(CORPUS / f"{name}.test").refused
    }
    assert reasons == {"native histograms"}


@needs_corpus
def test_the_core_files_hold_1244_queries_and_each_is_counted() -> None:
    paths = [CORPUS / f"{name}.test" for name in CORE_FILES]
    asked = sum(isinstance(command, Eval) for path in paths for command in read_corpus(path))
    tallies = [run_file(path) for path in paths]
    assert asked == sum(t.passed + t.unsupported + len(t.wrong) for t in tallies) == 1244
    document = (Path(__file__).parents[2] / "docs" / "promql.md").read_text(encoding="utf-8")
    assert f"| passed | {sum(t.passed for t in tallies)} of 1244 |" in document
    refused = sum(t.unsupported for t in tallies)
    assert f"an answer needs what a native histogram holds | {refused} |" in document


@needs_corpus
def test_names_dropped_at_once_change_no_other_answer() -> None:
    """The corpus is written for names dropped at the end; servers drop them at once."""
    about_names = ("name_label_dropping", "type_and_unit")
    for path in FILES:
        if path.stem not in about_names:
            tally = run_file(path, delayed_names=False)
            assert not tally.wrong, "\n".join(tally.wrong)
            assert tally.passed >= FLOORS.get(path.stem, 0)


def test_a_wrong_answer_an_expected_failure_and_a_refusal_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "made.test"
    path.write_text(
        "load 1m\n  x 1 2 3\n  h {{count:1}}x2\n"
        "eval instant at 2m x\n  x 4\n"
        "eval instant at 2m x\n  x 3\n"
        "eval instant at 2m h\n  h {{count:1}}\n"
        "eval instant at 2m x\n  expect fail\n"
        "eval instant at 2m x + on () group_left () nothing +\n  expect fail\n"
        "eval instant at 2m max({__name__=~'x|h'})\n  expect info\n  {} 3\n"
        "eval instant at 2m max(x)\n  expect info\n  {} 3\n"
        "eval instant at 2m max({__name__=~'x|h'})\n  expect no_info\n  {} 3\n"
    )
    tally = run_file(path)
    assert tally.passed == 3
    assert tally.refused == {"native histograms": 1}
    assert [text.split(": ")[0] for text in tally.wrong] == [
        f"made.test:{line}" for line in (4, 10, 17, 20)
    ]
