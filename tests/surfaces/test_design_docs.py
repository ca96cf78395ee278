"""What docs/design.md says is what happens: its commands, its requirements, its Python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from in_process import runner

from holdfast.slo.design.files import FILES
from support.histories import Outage, Route, service_past

PAGE = (Path(__file__).parents[2] / "docs" / "design.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCKS if found == kind]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    past = service_past(
        routes=(Route("/cart", 40.0, 0.0001), Route("/export", 0.5, 0.05)),
        outages=(Outage(1.5 * 86_400, 1200, 0.5),),
    )
    return past.write_store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def folder(tmp_path: Path, history: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the recording and the page's requirements; promtool is kept out."""
    (tmp_path / "history").symlink_to(history)
    for text in blocks("yaml"):
        (tmp_path / text.splitlines()[0].removeprefix("# ")).write_text(text)
    monkeypatch.setenv("PATH", "")
    return tmp_path


def test_the_command_prints_what_the_page_shows(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runner(folder, monkeypatch, capsys)
    command = next(c for c in blocks("text")[0].splitlines() if "--recording" in c)
    done = run(*command.split()[1:])
    assert done.code == 0, done
    shown = blocks("output")[0].splitlines()
    assert [line.rstrip() for line in done.out.splitlines()][: len(shown)] == shown
    assert {path.name for path in (folder / "slo").iterdir()} == FILES
    named = {name for name in FILES if f"`{name}`" in PAGE}
    assert named | {"error-budget-policy.md"} == FILES


def test_the_mistake_is_told_as_the_page_shows(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runner(folder, monkeypatch, capsys)
    done = run("design", "shop", "--recording", "history", "--requirements", "wrong.yaml")
    assert done.code == 1
    assert done.err == blocks("output")[1]
    assert not (folder / "slo-shop").exists()


def test_the_python_example_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    [example] = blocks("python")
    exec(compile(example, "docs/design.md", "exec"), {})
    assert "shop-availability" in capsys.readouterr().out
