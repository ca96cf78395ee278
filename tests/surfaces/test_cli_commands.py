"""The commands, run as a person runs them: real processes, a real ledger."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from incident_script import INCIDENT, OPENED, ROLLBACK, STORY, TRIAGED

from holdfast import __version__
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Ledger
from holdfast.model import event as ev
from holdfast.model.action import Autonomy, GuardDecision
from holdfast.model.incident import IncidentOutcome, Status

CONFIG = """
version: 1
metrics: {url: "http://127.0.0.1:1"}
services: [{name: storefront}]
"""
HEAVY = ("pydantic", "numpy", "sqlalchemy", "dbos", "rich")


def holdfast(folder: Path, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "holdfast", *arguments]
    return subprocess.run(
        command, cwd=folder, input=answer, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "holdfast.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def ledger(home: Path) -> Ledger:
    return Ledger.at(home / ".holdfast")


def tell(ledger: Ledger, *payloads: ev.Payload, incident: str = INCIDENT) -> None:
    ledger.append(incident, [(f"s{i}", p) for i, p in enumerate(payloads)], actor="test")


ASKS = GuardDecision(
    action_id="act-1", decision="ask", autonomy=Autonomy.APPROVE, reasons=("medium risk",)
)


def test_help_is_fast_and_imports_nothing_heavy(tmp_path: Path):
    times: list[float] = []
    while len(times) < 6 and min(times, default=1) >= 0.3:  # a busy machine gets more tries
        began = time.perf_counter()
        assert "incidents" in holdfast(tmp_path, "--help").stdout
        times.append(time.perf_counter() - began)
    assert min(times) < 0.3
    code = (
        f"import sys, holdfast.surfaces.cli.main; print([m for m in {HEAVY} if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command",
    ["init", "doctor", "watch", "respond", "incidents", "show", "approve", "verify", "lab"],
)
def test_every_command_explains_itself(tmp_path: Path, command: str):
    shown = holdfast(tmp_path, command, "--help")
    assert shown.returncode == 0
    assert "Usage:" in shown.stdout


def test_the_version_is_printed(tmp_path: Path):
    assert holdfast(tmp_path, "--version").stdout == f"holdfast {__version__}\n"


@pytest.mark.parametrize("arguments", [("watch", "--bogus"), ("bogus",), ("respond", "x")])
def test_misuse_is_2(tmp_path: Path, arguments: tuple[str, ...]):
    assert holdfast(tmp_path, *arguments).returncode == 2


def test_an_error_is_one_line_and_1(tmp_path: Path):
    done = holdfast(tmp_path, "watch")
    assert done.returncode == 1
    assert done.stderr.startswith("holdfast: holdfast.yaml: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_the_configuration_is_named_before_or_behind_the_command(tmp_path: Path):
    for arguments in (("--config", "x.yaml", "show"), ("show", "--config", "x.yaml")):
        assert "x.yaml" in holdfast(tmp_path, *arguments).stderr


def test_incidents_and_show_read_the_ledger(home: Path, ledger: Ledger):
    tell(ledger, *(payload for _, payload in STORY))
    listed = holdfast(home, "incidents", "--json")
    assert json.loads(listed.stdout)["outcome"] == "mitigated_only"
    assert "mitigated only" in holdfast(home, "incidents").stdout
    assert "A1 effect seen" in holdfast(home, "show").stdout
    assert "A1 effect seen" in holdfast(home, "show", "4f9k2m").stdout
    told = holdfast(home, "show", "--json").stdout.splitlines()
    kinds = [json.loads(line)["payload"]["kind"] for line in told]
    assert kinds == [payload.kind for _, payload in STORY]
    unknown = holdfast(home, "show", "nothing")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (1, 1)


def test_reading_makes_no_ledger(home: Path):
    assert holdfast(home, "incidents").returncode == 1
    assert not (home / ".holdfast").exists()


def test_an_approval_is_shown_asked_for_and_bound_to_the_plan(home: Path, ledger: Ledger):
    tell(ledger, OPENED, TRIAGED, ev.ActionProposed(action=ROLLBACK), ev.Guarded(decision=ASKS))
    unsure = holdfast(home, "approve", answer="n\n")
    assert unsure.returncode == 1
    assert "A1 Roll customer-api back" in unsure.stdout
    assert "undo: rollback-release" in unsure.stdout
    assert fold(ledger.events(INCIDENT)).actions["act-1"].approvals == ()

    given = holdfast(home, "approve", "last", "--by", "ada", "--yes")
    assert "on record: ada says approve, once, until" in given.stdout
    (approval,) = fold(ledger.events(INCIDENT)).actions["act-1"].approvals
    assert (approval.approver, approval.plan_hash) == ("ada", ROLLBACK.plan_hash())
    assert (approval.expires_at - approval.given_at).total_seconds() == 900


def test_a_wish_to_modify_says_what(home: Path, ledger: Ledger):
    tell(ledger, OPENED, TRIAGED, ev.ActionProposed(action=ROLLBACK), ev.Guarded(decision=ASKS))
    refused = holdfast(home, "approve", "--decision", "modify", "--yes")
    assert (refused.returncode, "--note" in refused.stderr) == (1, True)


def test_nothing_is_approved_where_nothing_waits(home: Path, ledger: Ledger):
    tell(ledger, OPENED, TRIAGED)
    done = holdfast(home, "approve", "--yes")
    assert done.returncode == 1
    assert "waits for a person" in done.stderr


HANDED_OVER: tuple[ev.Payload, ...] = (
    OPENED,
    TRIAGED,
    ev.Escalated(reason="no action helps", gaps=("no traces",)),
    ev.StatusChanged(
        status=Status.LEARNING, outcome=IncidentOutcome.ESCALATED, reason="a person is needed"
    ),
    ev.ContractChecked(met=(), unmet=("No mitigation is verified.",)),
)


def test_what_was_handed_over_is_closed_by_a_person_with_what_is_missing_on_record(
    home: Path, ledger: Ledger
):
    tell(ledger, *HANDED_OVER)
    assert "says nothing" in holdfast(home, "close", "--reason", " ").stderr
    done = holdfast(home, "close", "--by", "ada", "--reason", "the vendor mended it")
    assert done.stdout.splitlines() == [
        f"on record: ada closed {INCIDENT} (escalated)",
        "was missing: No mitigation is verified.",
    ]
    case = fold(ledger.events(INCIDENT))
    assert (case.status, case.outcome) == (Status.CLOSED, IncidentOutcome.ESCALATED)
    last = ledger.events(INCIDENT)[-1]
    assert last.actor == "ada"
    assert "closed already" in holdfast(home, "close", "--reason", "again").stderr


def test_what_is_still_worked_on_is_not_closed_by_a_person(home: Path, ledger: Ledger):
    tell(ledger, OPENED, TRIAGED)
    done = holdfast(home, "close", "--reason", "enough")
    assert (done.returncode, "has not handed it over" in done.stderr) == (1, True)


def test_a_note_stands_in_the_timeline_under_its_writers_name(home: Path, ledger: Ledger):
    tell(ledger, OPENED)
    done = holdfast(home, "note", "last", "I have called the vendor", "--by", "ada")
    assert done.stdout == f"on record: a note of ada in {INCIDENT}\n"
    assert "I have called the vendor" in holdfast(home, "show").stdout
    assert ledger.events(INCIDENT)[-1].actor == "ada"


def test_verify_of_nothing_is_an_error(home: Path):
    done = holdfast(home, "verify", "postmortem.md")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_the_doctor_fails_where_the_source_is_gone(home: Path):
    done = holdfast(home, "doctor")
    assert done.returncode == 1
    assert "✗" in done.stdout


def test_a_lab_that_is_not_there_is_said(home: Path):
    done = holdfast(home, "lab", "status")
    assert (done.returncode, "there is no lab" in done.stderr) == (1, True)
