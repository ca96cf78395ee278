"""`holdfast gate`, as CI runs it: open, frozen, unknown, and what people put on record."""

from __future__ import annotations

import json
import re
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from in_process import Run, runner

from holdfast.model.gate import GateDecision, GateException
from support.gate_world import PERIOD, POLICY, SLO, Trouble, record, write_world

AUDIT = "error-budget-exceptions.jsonl"
SPENT = (Trouble(5400, 600, 0.15),)
"""15 % bad in a twelfth of the period: 125 % of a budget of 1 %."""
LARGE = (Trouble(5400, 600, 0.036),)
"""One incident that spends 30 %."""
SMALL = (Trouble(5400, 600, 0.012), Trouble(1800, 600, 0.012))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    write_world(tmp_path)
    return runner(tmp_path, monkeypatch, capsys)


def test_it_is_open_while_budget_is_left_and_says_how_much(tmp_path: Path, run: Run) -> None:
    record(tmp_path / "store", SMALL)
    done = run("gate", "--service", "shop")
    assert done.code == 0, done
    assert done.out.splitlines()[0] == "✓ open  feature of shop"
    assert "80.0 % of the budget of shop-availability is left: stage full speed" in done.out
    assert "may go out now: all changes" in done.out


def test_it_is_frozen_once_the_budget_is_spent_but_for_repairs(tmp_path: Path, run: Run) -> None:
    record(tmp_path / "store", SPENT)
    done = run("gate", "--service", "shop")
    assert done.code == 1, done
    assert done.out.splitlines()[0] == "✗ frozen  feature of shop"
    assert "-25.0 % of the budget of shop-availability is left: stage spent (0 % or less)" in (
        done.out
    )
    assert "may go out now: fix, reliability, security, rollback" in done.out
    assert run("gate", "--service", "shop", "--change-type", "config").code == 1


def test_a_large_incident_needs_a_review_before_features_go_out(tmp_path: Path, run: Run) -> None:
    record(tmp_path / "store", LARGE)
    done = run("gate", "--service", "shop")
    assert done.code == 1, done
    said = r"spent (29|30)\.\d % of it, more than 20 %, and no post-mortem is on record"
    assert re.search(said, done.out), done
    assert run("gate", "--service", "shop", "--change-type", "security").code == 0
    reviewed = run(
        *("gate", "--service", "shop"), "--reviewed", "docs/2026-11-pool.md", "--approver", "ada"
    )
    assert reviewed.code == 0, reviewed
    assert run("gate", "--service", "shop").code == 0
    [line] = (tmp_path / AUDIT).read_text().splitlines()
    assert json.loads(line)["document"] == "docs/2026-11-pool.md"


def test_a_recorded_exception_opens_it_for_its_kind_of_change(tmp_path: Path, run: Run) -> None:
    record(tmp_path / "store", SPENT)
    asked = ("gate", "--service", "shop", "--exception", "a legal deadline", "--approver", "ada")
    done = run(*asked, "--expires", "4h")
    assert done.code == 0, done
    assert "open by the exception exc" in done.out
    assert "of ada, until" in done.out
    assert "a legal deadline" in done.out
    assert "-25.0 %" in done.out
    assert run("gate", "--service", "shop").code == 0
    assert run("gate", "--service", "shop", "--change-type", "config").code == 1
    assert run("gate").code == 1  # it was recorded for one service, not for all of them


def test_an_exception_that_expired_or_was_never_allowed_does_not_count(
    tmp_path: Path, run: Run
) -> None:
    record(tmp_path / "store", SPENT)
    now = datetime.now(UTC)
    entry = GateException(
        id="exc-1",
        reason="then",
        approver="ada",
        service="shop",
        change_type="feature",
        created_at=now - timedelta(hours=3),
        expires_at=now - timedelta(hours=1),
    )
    by_mallory = {"id": "exc-2", "approver": "mallory", "expires_at": now + timedelta(hours=1)}
    too_long = {"id": "exc-3", "expires_at": now + timedelta(days=9)}
    ahead = {"id": "exc-4", "created_at": now + timedelta(hours=1), "expires_at": now}
    ahead["expires_at"] = now + timedelta(hours=2)
    entries = [entry, *(entry.model_copy(update=u) for u in (by_mallory, too_long, ahead))]
    (tmp_path / AUDIT).write_text("".join(e.model_dump_json() + "\n" for e in entries))
    done = run("gate", "--service", "shop")
    assert done.code == 1, done
    for said in (
        "the exception exc-1 of ada does not count: it expired at",
        "mallory is none of the policy's approvers",
        "it would last longer than 24 h",
        "it is dated in the future",
    ):
        assert said in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--exception", "x", "--approver", "mallory", "--expires", "4h"), "mallory is none of"),
        (("--exception", "x", "--approver", "ada", "--expires", "25h"), "longer than 24 h"),
        (("--exception", "x", "--approver", "ada"), "--expires is missing"),
        (("--exception", "x", "--expires", "4h"), "--approver is missing"),
        (("--exception", "x", "--approver", "ada", "--expires", "soon"), "--expires: 'soon'"),
        (("--exception", "x", "--approver", "ada", "--expires", "2020-01-01T00:00:00Z"), "over"),
        (("--exception", "x", "--reviewed", "y", "--approver", "ada"), "both given"),
        (("--approver", "ada"), "go with --exception"),
        (("--service", "ghost"), "there is no service ghost (known: shop, bare)"),
        (("--service", "bare"), "bare has no SLO"),
        (("--change-type", " "), "--change-type: empty"),
        (("--policy", "missing.yaml"), "missing.yaml: there is no such error budget policy"),
        (("--config", "missing.yaml"), "missing.yaml: there is no such configuration"),
    ],
)
def test_what_is_given_wrongly_has_an_exit_code_of_its_own(
    tmp_path: Path, run: Run, arguments: tuple[str, ...], said: str
) -> None:
    record(tmp_path / "store", back=600)
    done = run("gate", *arguments)
    assert (done.code, done.out) == (2, ""), done
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / AUDIT).exists()


def test_a_policy_or_an_exception_file_that_is_broken_does_not_open_it(
    tmp_path: Path, run: Run
) -> None:
    record(tmp_path / "store")
    assert run("gate").code == 0
    (tmp_path / AUDIT).write_text('{"kind": "exception"\n')
    done = run("gate")
    assert done.code == 2
    assert f"{AUDIT}, line 1: it is no exception and no review" in done.err
    (tmp_path / AUDIT).unlink()
    write_world(tmp_path, policy=POLICY.model_copy(update={"services": ("other",)}))
    done = run("gate")
    assert done.code == 2
    assert "it does not hold for shop" in done.err


def closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_a_source_that_does_not_answer_does_not_open_it(tmp_path: Path, run: Run) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    write_world(tmp_path, metrics={"url": url, "timeout_seconds": 1.0})
    done = run("gate", "--service", "shop", "--change-type", "security")
    assert done.code == 3, done
    assert done.out.startswith("? closed  security of shop")
    assert "the budget of shop-availability is not known" in done.out
    assert "may go out now: nothing" in done.out
    opened = run(
        *("gate", "--service", "shop", "--change-type", "security", "--approver", "grace"),
        *("--exception", "the fix for the outage of metrics", "--expires", "1h"),
    )
    assert opened.code == 0, opened


@pytest.mark.parametrize(
    ("back", "until", "said"),
    [
        (PERIOD / 2, 0, "of its period is measured, and the policy asks for 90 %"),
        (PERIOD * 2, 2000, "is measured, and the policy asks for 90 %"),
        (PERIOD * 2, 1200, "it was last measured"),
    ],
)
def test_a_budget_that_is_measured_in_part_or_no_longer_does_not_open_it(
    tmp_path: Path, run: Run, back: float, until: float, said: str
) -> None:
    write_world(tmp_path, policy=POLICY.model_copy(update={"covered_at_least": 0.8}))
    if "90" in said:
        write_world(tmp_path)
    record(tmp_path / "store", back=back, until=until)
    done = run("gate", "--service", "shop")
    assert done.code == 3, done
    assert said in done.out


def test_one_store_that_is_not_there_closes_it(tmp_path: Path, run: Run) -> None:
    done = run("gate")
    assert done.code == 3, done


def test_the_objective_with_the_least_left_decides(tmp_path: Path, run: Run) -> None:
    record(tmp_path / "store", SMALL)
    strict = {**SLO, "name": "shop-strict", "objective": 0.9978}
    write_world(tmp_path, slos=[SLO, strict])
    done = run("gate", "--service", "shop", "--json")
    assert done.code == 1, done
    decision = GateDecision.model_validate_json(done.out)
    assert decision.decision == "frozen"
    assert [(r.slo, r.stage, r.allows) for r in decision.readings] == [
        ("shop-availability", "full speed", True),
        ("shop-strict", "freeze", False),
    ]
    assert decision.allowed_changes == ("fix", "reliability", "security", "rollback")
    assert decision.velocity.startswith("Only repairs")


def test_corrections_are_not_charged(tmp_path: Path, run: Run) -> None:
    record(tmp_path / "store", SPENT)
    assert run("gate").code == 1
    start = datetime.now(UTC) - timedelta(seconds=5460)
    written = f"{start:%Y-%m-%dT%H:%M:%SZ}"
    corrected = run(
        *("slo", "correct", "--start", written, "--duration", "13m", "--reason", "maintenance"),
        *("--category", "maintenance", "--author", "ada"),
    )
    assert corrected.code == 0, corrected
    done = run("gate")
    assert done.code == 0, done
    assert "100.0 % of the budget" in done.out
