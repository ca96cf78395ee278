"""`holdfast design`: its table and records; each bad input in one line, with nothing written."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from in_process import Run, runner

from holdfast.catalog.openslo import from_openslo
from holdfast.evidence.recorded import RecorderSource
from holdfast.slo.design.files import FILES
from holdfast.slo.files.promtool import find_promtool
from support.histories import END, Route, service_past
from support.lying_server import Lie, lying_server

AT = f"{datetime.fromtimestamp(END, UTC):%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    routes = (Route("/cart", 40.0, 0.0001), Route("/export", 0.5, 0.05))
    return service_past(days=0.5, routes=routes).write_store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(tmp_path, monkeypatch, capsys)


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_for_git_and_a_table_of_slos(run: Run, tmp_path: Path, recording: Path) -> None:
    done = run("design", "shop", "--recording", str(recording))
    assert done.code == 0, done
    assert set(written(tmp_path / "slo-shop")) == FILES
    assert written(tmp_path) == ["slo-shop"]
    assert "shop-availability" in done.out
    assert "shop-latency" in done.out
    assert "Masked: endpoint `http_route=/export`" in done.out
    if find_promtool() is not None:
        assert "promtool accepts the rules and their tests" in done.out
    assert done.err == ""


@pytest.fixture
def without_promtool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tests of rules take seconds, and one test of this file runs them."""
    monkeypatch.setenv("PATH", "")


@pytest.mark.usefixtures("without_promtool")
def test_as_records(run: Run, tmp_path: Path, recording: Path) -> None:
    done = run("design", "shop", "--recording", str(recording), "--output", "slo", "--json")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["slo"]["name"] for row in rows] == ["shop-availability", "shop-latency"]
    assert [m["value"] for m in rows[0]["masked"]] == ["/export"]
    assert rows[0]["folder"] == "slo"
    assert rows[0]["queries"] > 5
    path = tmp_path / "slo" / "slo.yaml"
    assert [slo.objective for slo in from_openslo(path.read_text(), path)] == [
        row["slo"]["objective"] for row in rows
    ]


@pytest.mark.usefixtures("without_promtool")
def test_a_service_of_any_name_has_a_folder_and_its_name_is_printed(
    run: Run, tmp_path: Path
) -> None:
    name = 'a "b" [red]/c|\\ü'
    store = service_past(service=name, days=0.1).write_store(tmp_path / "store")
    done = run("design", name, "--recording", str(store))
    assert done.code == 0, done
    assert f"{name}-availability" in done.out
    [folder] = [path for path in tmp_path.iterdir() if path.name.startswith("slo-")]
    slos = from_openslo((folder / "slo.yaml").read_text(), folder / "slo.yaml")
    assert {slo.service for slo in slos} == {name}


def test_every_service_at_once(run: Run, tmp_path: Path, recording: Path) -> None:
    done = run("design", "--all", "--recording", str(recording), "--output", "all")
    assert done.code == 0, done
    assert written(tmp_path / "all") == ["shop"]


def test_one_of_several_that_is_unknown_is_told_and_the_others_are_written(
    run: Run, tmp_path: Path, recording: Path
) -> None:
    done = run("design", "shop", "till", "--recording", str(recording), "--output", "all")
    assert done.code == 1
    assert written(tmp_path / "all") == ["shop"]
    assert "holdfast: till: no request metric" in done.err


@pytest.mark.usefixtures("without_promtool")
def test_requirements_change_the_target(run: Run, tmp_path: Path, recording: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "owner: team-shop\nuser_expectations: [{kind: availability, objective: 0.97}]\n"
    )
    done = run("design", "shop", "--recording", str(recording), "--requirements", "r.yaml")
    assert "shop-availability  97 %" in done.out
    assert "promtool is not installed: the rules were not checked" in done.out
    assert "Owner: team-shop" in (tmp_path / "slo-shop" / "slo-document.md").read_text()


BAD: dict[str, tuple[list[str], list[str]]] = {
    "no service": (["--recording", "R"], ["SERVICE or --all"]),
    "both": (["shop", "--all", "--recording", "R"], ["SERVICE or --all"]),
    "two sources": (["shop", "--recording", "R", "--prometheus", "http://x"], ["--prometheus and"]),
    "no such service": (["till", "--recording", "R"], ["'till'", "found were: shop"]),
    "no store": (["shop", "--recording", "nowhere"], ["there is no store in nowhere"]),
    "no time": (["shop", "--recording", "R", "--at", "soon"], ["--at: 'soon' is no time"]),
    "no days": (["shop", "--recording", "R", "--days", "0"], ["days: 0"]),
    "short period": (["shop", "--recording", "R", "--period", "2"], ["period: 2 d is shorter"]),
    "missing requirements": (
        ["shop", "--recording", "R", "--requirements", "none.yaml"],
        ["none.yaml: there is no such requirements file"],
    ),
    "no parent": (
        ["shop", "--recording", "R", "--output", "a/b"],
        ["--output: there is no folder"],
    ),
    "no data then": (
        ["shop", "--recording", "R", "--at", "2001-01-01T00:00:00Z"],
        ["knows http_server_request_duration_seconds_count", "--at"],
    ),
}


@pytest.mark.parametrize(("arguments", "words"), BAD.values(), ids=list(BAD))
def test_bad_input_is_one_line_and_nothing_is_written(
    run: Run, tmp_path: Path, recording: Path, arguments: list[str], words: list[str]
) -> None:
    given = [str(recording) if argument == "R" else argument for argument in arguments]
    done = run("design", *given)
    done.refused(*words)
    assert written(tmp_path) == []


def test_a_server_that_is_down_is_named_and_nothing_is_written(run: Run, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = run("design", "shop", "--prometheus", f"http://127.0.0.1:{port}")
    done.refused(f"http://127.0.0.1:{port} cannot be reached")
    assert written(tmp_path) == []


def test_an_existing_folder_is_refused_before_anything_is_asked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "slo").mkdir()
    done = run("design", "shop", "--prometheus", "http://127.0.0.1:1", "--output", "slo")
    done.refused("--output: slo exists and is kept")
    assert list((tmp_path / "slo").iterdir()) == []


LIES: dict[str, tuple[Lie, str]] = {
    "keeps the newest only": (lambda points: points[-30:], "its answers are cut short"),
    "leaves every other step out": (lambda points: points[::2], "its answers are cut short"),
    "answers for other steps": (
        lambda points: tuple((at + 7, value) for at, value in points),
        "no step of 300 s that was asked",
    ),
    "answers for steps beyond the end": (
        lambda points: (*points, (points[-1][0] + 300_000, 1.0)),
        "no step of 300 s that was asked",
    ),
}


@pytest.mark.parametrize(("lie", "words"), LIES.values(), ids=list(LIES))
def test_a_server_that_truncates_or_lies_about_its_step_is_not_believed(
    run: Run, tmp_path: Path, recording: Path, lie: Lie, words: str
) -> None:
    source = RecorderSource(recording)
    with lying_server(source, lie=lie) as url:
        run("design", "shop", "--prometheus", url, "--at", AT).refused(url, words)
    source.close()
    assert written(tmp_path) == []


def test_a_server_that_ends_amid_an_answer_is_told(
    run: Run, tmp_path: Path, recording: Path
) -> None:
    source = RecorderSource(recording)
    with lying_server(source, cut_bytes=True) as url:
        run("design", "shop", "--prometheus", url, "--at", AT).refused(url)
    source.close()
    assert written(tmp_path) == []


@pytest.mark.usefixtures("without_promtool")
def test_the_same_server_without_a_lie_is_designed(
    run: Run, tmp_path: Path, recording: Path
) -> None:
    source = RecorderSource(recording)
    with lying_server(source) as url:
        done = run("design", "shop", "--prometheus", url, "--at", AT)
    source.close()
    assert done.code == 0, done
    assert set(written(tmp_path / "slo-shop")) == FILES
