"""What `verify` finds is in its exit code: a contradiction, or what could not be confirmed."""

from __future__ import annotations

from pathlib import Path

import pytest
from in_process import Run, runner

from holdfast.learning.report import Finding, LiveAnswer, VerifyReport
from holdfast.surfaces.cli.verifying import answer_lines, exit_code

RIGHT = VerifyReport(
    path="p", incident_id="i", figures=1, entries=1, against_live_ledger=True, findings=()
)
WRONG = RIGHT.model_copy(
    update={"findings": (Finding(kind="changed_text", message="a digit was changed"),)}
)


def answers(*results: str) -> list[LiveAnswer]:
    return [
        LiveAnswer.model_validate({"evidence_id": f"ev-{i}", "query": "q", "result": result})
        for i, result in enumerate(results)
    ]


@pytest.mark.parametrize(
    ("report", "results", "code"),
    [
        (RIGHT, (), 0),
        (RIGHT, ("same", "same"), 0),
        (RIGHT, ("same", "expired"), 3),
        (RIGHT, ("unavailable", "unavailable"), 3),
        (RIGHT, ("expired", "different", "same"), 1),
        (WRONG, ("same",), 1),
        (WRONG, ("unavailable",), 1),
    ],
)
def test_what_could_not_be_confirmed_is_neither_right_nor_wrong(
    report: VerifyReport, results: tuple[str, ...], code: int
):
    assert exit_code(report, answers(*results)) == code


def test_each_answer_that_is_not_the_same_names_its_evidence_and_all_are_counted():
    told = answer_lines(answers("same", "expired", "same", "different"))
    assert told[0].startswith("ev-1 expired: ")
    assert told[1].startswith("ev-3 different: ")
    assert told[2] == "asked again: 4 questions: 2 same, 1 different, 1 expired"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("foreign.md", b"# Notes\n", "postmortem.json is not there"),
        ("empty.md", b"", "postmortem.json is not there"),
        ("foreign.json", b'{"a": 1}', "foreign.json: cannot be read"),
        ("empty.json", b"", "empty.json: cannot be read"),
        ("broken.json", b"[1", "broken.json: cannot be read"),
        ("binary.json", b"\xff\x00\xfe", "binary.json: cannot be read"),
        ("binary.md", b"\xff\x00\xfe", "postmortem.json is not there"),
    ],
)
def test_what_is_no_post_mortem_is_said_and_does_not_verify(
    run: Run, tmp_path: Path, name: str, content: bytes, words: str
):
    (tmp_path / name).write_bytes(content)
    done = run("verify", name)
    assert (done.code, done.err) == (1, "")
    assert words in done.out


def test_a_folder_without_a_post_mortem_and_a_path_without_a_file(run: Run, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    assert "postmortem.json is not there" in run("verify", "empty").out
    run("verify", "nowhere").refused("there is no nowhere")


def test_live_needs_a_ledger_and_makes_none(run: Run, tmp_path: Path):
    (tmp_path / "holdfast.yaml").write_text(
        "version: 1\nmetrics: {url: 'http://127.0.0.1:1'}\nservices: []\n"
    )
    run("verify", ".", "--live").refused("no incident is known")
    assert [path.name for path in tmp_path.iterdir()] == ["holdfast.yaml"]
