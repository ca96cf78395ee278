"""What cannot be used is refused in one line, before anything is started or written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from in_process import Run, runner
from incident_script import INCIDENT, OPENED, STORY, TRIAGED

from holdfast.ledger.store import Ledger
from holdfast.model import event as ev
from holdfast.model.event import Payload

GOOD = """
version: 1
metrics: {url: "http://127.0.0.1:1"}
services: [{name: storefront}]
"""
READERS = (
    ("incidents",),
    ("show",),
    ("approve",),
    ("doctor",),
    ("watch",),
    ("respond", "it is slow", "--service", "storefront"),
    ("verify", ".", "--live"),
)
"""Every command that reads the configuration."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(tmp_path, monkeypatch, capsys)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "holdfast.yaml").write_text(GOOD)
    return tmp_path


def tell(folder: Path, *payloads: Payload, incident: str = INCIDENT) -> None:
    ledger = Ledger.at(folder / ".holdfast")
    ledger.append(incident, [(f"s{i}", p) for i, p in enumerate(payloads)], actor="test")
    ledger.close()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_without_a_configuration_every_command_names_the_file_it_wanted(
    run: Run, tmp_path: Path, command: tuple[str, ...]
):
    run(*command).refused("holdfast.yaml: there is no such configuration")
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [b", ("this is not YAML", "line 1")),
        ("", ("one mapping of fields is needed", "nothing")),
        ("- a\n", ("one mapping of fields is needed",)),
        (GOOD + "data_foldr: x\n", ("data_foldr: unknown field", "did you mean 'data_folder'?")),
        (GOOD + "evaluation_interval_seconds: soon\n", ("evaluation_interval_seconds", "'soon'")),
        ("version: 1\nmetrics: {url: 'http://x'}\nservices: 3\n", ("services", "a list")),
        ("version: 1\nservices: []\n", ("metrics: missing",)),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused_by_file_and_field(
    run: Run, home: Path, text: str, words: tuple[str, ...]
):
    (home / "holdfast.yaml").write_text(text)
    for command in (("incidents",), ("watch",), ("doctor",)):
        run(*command).refused("holdfast.yaml: ", *words)
    assert names(home) == {"holdfast.yaml"}


def test_a_configuration_that_is_no_text_or_no_file_is_refused(run: Run, home: Path):
    (home / "holdfast.yaml").write_bytes(b"\xff\xfe\x00")
    run("watch").refused("holdfast.yaml: the configuration cannot be read", "UTF-8")
    run("watch", "--config", ".").refused("Is a directory")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("policy: nowhere.yaml\n", ("nowhere.yaml: there is no such policy",)),
        ("runbooks: [nowhere]\n", ("runbooks", "is no folder")),
    ],
)
def test_what_a_configuration_names_must_be_there_and_nothing_is_half_written(
    run: Run, home: Path, more: str, words: tuple[str, ...]
):
    (home / "holdfast.yaml").write_text(GOOD + more)
    run("watch").refused(*words)
    assert names(home) == {"holdfast.yaml"}


def test_a_secret_that_is_not_set_is_named_by_its_variable(run: Run, home: Path):
    text = GOOD.replace('127.0.0.1:1"', '127.0.0.1:1", token_env: HOLDFAST_TEST_TOKEN')
    (home / "holdfast.yaml").write_text(text)
    run("watch").refused("HOLDFAST_TEST_TOKEN is empty", "metrics.token_env")
    examined = run("doctor")
    assert (examined.code, "not set: HOLDFAST_TEST_TOKEN" in examined.out) == (1, True)


def test_a_data_folder_that_cannot_be_made_is_named(run: Run, home: Path):
    (home / "holdfast.yaml").write_text(GOOD + "data_folder: /proc/holdfast\n")
    run("watch").refused("/proc/holdfast cannot be made", "data_folder")
    (home / "file").write_text("")
    (home / "holdfast.yaml").write_text(GOOD + "data_folder: file/below\n")
    run("respond", "slow", "--service", "storefront").refused("file/below cannot be made")


def test_a_ledger_that_is_none_is_named(run: Run, home: Path):
    (home / ".holdfast").mkdir()
    (home / ".holdfast" / "ledger.db").write_text("not a database, and long enough to be read")
    for command in ("incidents", "show", "watch"):
        run(command).refused("ledger.db cannot be used", "not a database")


def test_incidents_that_are_not_there_or_not_told_apart_are_refused(run: Run, home: Path):
    run("show").refused("no incident is known", "holdfast watch")
    Ledger.at(home / ".holdfast").close()
    assert run("incidents").out == "no incident so far\n"
    run("show").refused("there is no incident so far")
    tell(home, OPENED)
    tell(home, OPENED, incident="inc-01kazq3v7t-7f9k2m")
    run("show", "nothing").refused("no incident matches 'nothing'", "`holdfast incidents`")
    run("approve", "inc-01", "--yes").refused("2 incidents match 'inc-01'", "give more of its id")


def test_an_incident_that_cannot_be_read_hides_no_other(run: Run, home: Path):
    tell(home, *(payload for _, payload in STORY))
    answer = ev.Verified.model_validate(
        next(p for _, p in STORY if isinstance(p, ev.Verified)).model_dump()
    )
    tell(home, OPENED, answer, incident="inc-02broken")  # of an action that nobody proposed
    listed = run("incidents")
    assert (listed.code, INCIDENT in listed.out) == (1, True)
    assert "of inc-02broken speaks of 'act-1'" in listed.err
    run("show", "inc-02").refused("of inc-02broken speaks of 'act-1'")
    assert run("show", INCIDENT).code == 0


def test_a_service_that_the_catalog_lacks_is_refused_with_those_it_has(run: Run, home: Path):
    done = run("respond", "it is slow", "--service", "checkout")
    done.refused("no service 'checkout'", "known: storefront")
    run("respond", "  ", "--service", "storefront").refused("the sentence is empty")


def test_an_approval_needs_something_that_waits(run: Run, home: Path):
    tell(home, OPENED, TRIAGED)
    run("approve", "--yes").refused("no action of", "waits for a person")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--prometheus", "prometheus:9090"), ("metrics.url",)),
        (("--prometheus", "http://127.0.0.1:1"), ("cannot be reached",)),
        (("--prometheus", "http://ann:secret@127.0.0.1:1"), ("--password-env",)),
        (("--prometheus", "http://127.0.0.1:1", "--repository", "nowhere"), ("no folder nowhere",)),
        (("--prometheus", "http://127.0.0.1:1", "--token-env", "NOT_SET"), ("NOT_SET is empty",)),
        (("--prometheus", "http://127.0.0.1:1", "--ca-file", "nowhere"), ("nowhere",)),
        (("--prometheus", "http://127.0.0.1:1", "--password-env", "X"), ("--username",)),
    ],
)
def test_init_writes_nothing_where_it_cannot_ask(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
):
    done = run("init", *arguments)
    done.refused(*words)
    assert "secret" not in done.err
    assert names(tmp_path) == set()


def test_init_keeps_what_is_there(run: Run, home: Path):
    run("init", "--prometheus", "http://127.0.0.1:1").refused("exists and is kept", "--force")
    assert (home / "holdfast.yaml").read_text() == GOOD


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("up", "--folder", "taken"), ("taken is not empty and no lab's folder",)),
        (("up", "--folder", "taken/file"), ("taken/file",)),
        (("demo", "--folder", "taken"), ("taken is not empty and no lab's folder",)),
        (("demo", "--service", "nothing"), ("no service nothing", "known: storefront")),
        (("demo", "--to", "v9.9.9"), ("customer-api has no version v9.9.9", "known: ")),
        (("down", "--folder", "taken"), ("there is no lab in",)),
        (("status",), ("there is no lab in",)),
        (("load", "5"), ("there is no lab in",)),
        (("release", "customer-api", "v2.3.4"), ("there is no lab in",)),
    ],
)
def test_a_laboratory_that_is_not_there_or_has_no_room_is_said(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("somebody's")
    run("lab", *arguments).refused(*words)
    assert names(tmp_path) == {"taken"}
    assert names(tmp_path / "taken") == {"file"}


@pytest.mark.parametrize("rate", ["-1", "nan", "many"])
def test_a_rate_that_is_none_is_misuse(run: Run, rate: str):
    assert run("lab", "load", "--", rate).code == 2


def test_what_nobody_foresaw_is_one_line_too(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch):
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("holdfast.surfaces.cli.incident_list.print_incidents", fails)
    done = run("incidents")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "unexpected ZeroDivisionError: by nought" in done.err
    assert "HOLDFAST_TRACEBACK=1" in done.err
    monkeypatch.setenv("HOLDFAST_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        run("incidents")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("incidents | true", ""),  # less than a buffer: it is written when the process ends
        ("show --json | head -1", ""),
        ("show > /dev/full", "No space left on device"),
    ],
)
def test_an_output_that_goes_nowhere_is_no_traceback(home: Path, command: str, words: str):
    tell(home, *(payload for _, payload in STORY))
    shell = f"{sys.executable} -m holdfast {command}"
    done = subprocess.run(
        ["bash", "-c", shell], cwd=home, capture_output=True, text=True, check=False
    )
    assert done.stderr.count("\n") == bool(words), done
    assert words in done.stderr


@pytest.mark.parametrize(
    "world",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"NO_COLOR": "1", "FORCE_COLOR": "1"},
    ],
    ids=str,
)
def test_a_poor_terminal_is_written_to_all_the_same(home: Path, world: dict[str, str]):
    tell(home, *(payload for _, payload in STORY))
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "show"],
        cwd=home,
        env={"PATH": os.environ["PATH"], **world},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"mitigated only: the objective is met again" in done.stdout
    assert b"\x1b[3" not in done.stdout
