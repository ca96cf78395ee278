"""`holdfast actions`: the work that is left, asked again, and closed by a person."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from in_process import Run, runner

from holdfast.catalog.config import dump_config
from holdfast.evidence.recorded import RecorderSource
from holdfast.learning.action_items import derive_items, item_id
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Entry, Ledger
from holdfast.model.case import Case
from holdfast.model.config import Config, DeployerSettings
from holdfast.model.event import (
    ActionItemClosed,
    ActionItemFiled,
    Opened,
    Prevented,
    Repaired,
)
from holdfast.model.fix import Fix, RegressionTest
from holdfast.model.incident import Severity
from holdfast.model.lesson import ActionItem
from holdfast.model.prevention import AlertRule, Prevention, RuleProof
from holdfast.promql.store_writer import SampleWriter
from holdfast.slo.conditions import above
from holdfast.slo.rule_files import put_in_force, rules_folder
from support.mechanism import config as configured
from support.mechanism import incident

OPENED = Opened(
    title="it burns", service="shelf", slo=None, severity=Severity.SEV1, severity_reason="x"
)
RULE = AlertRule(name="LevelHigh", expression=above("up", 8), labels={"service": "shelf"})
PROOF = RuleProof(
    incident_evaluations=9, incident_firing=5, healthy_evaluations=50, healthy_firing=0
)


class Team:
    """A team's folder: a configuration, a ledger with one incident, a repository, a deployer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "repository"
        self._git("init", "-q", "-b", "main")
        self.base = self._commit("base")
        self._git("checkout", "-q", "-b", "holdfast/fix")
        self.commit = self._commit("fix")
        self._git("checkout", "-q", "main")
        self.serves("7.5")
        self.config = self._configure()
        self.ledger = Ledger.at(self.config.data_folder)

    def serves(self, *versions: str) -> None:
        """Let the deployer tell that these versions share the traffic."""
        weights = {version: 100 / len(versions) for version in versions}
        (self.folder / "weights.json").write_text(
            json.dumps({"weights": weights, "in_progress": False})
        )

    def merge(self) -> None:
        """Merge the branch, as a person would."""
        self._git("merge", "-q", "--no-ff", "-m", "merged", "holdfast/fix")

    def record(self) -> None:
        """Let the level of the rule be measured now."""
        writer = SampleWriter(self.folder / "metrics", interval_seconds=1, retention_seconds=1e6)
        ids = [writer.series_id({"__name__": "up", "job": "shelf"})]
        now = datetime.now(UTC).timestamp()
        for back in range(30, -30, -1):
            writer.append("shelf", round((now - back) * 1000), ids, [1.0])
        writer.close()
        RecorderSource(self.folder / "metrics").close()

    def happened(self, *, fix: bool = True, rule: bool = True, days_ago: int = 0) -> Case:
        """Tell the incident, with its items; `days_ago` moves their due dates back."""
        at = datetime.now(UTC) - timedelta(days=days_ago)
        case = incident().model_copy(update={"opened_at": at, "milestones": {}})
        prevented = Prevented(prevention=_prevention() if rule else None, reason="no signal moved")
        repaired = Repaired(fix=self._fix() if fix else None)
        case = case.model_copy(update={"prevented": prevented, "repaired": repaired})
        entries: list[Entry] = [
            ("opened", OPENED),
            ("prevented", prevented),
            ("repaired", repaired),
            *(
                (f"action-item:{item.id}", ActionItemFiled(item=item))
                for item in derive_items(case, self.config)
            ),
        ]
        self.ledger.append(case.incident_id, entries, actor="test", at=at)
        return case

    def items(self) -> dict[str, ActionItem]:
        """The items as the ledger tells them now."""
        (incident_id,) = self.ledger.incident_ids()
        return {i.id: i for i in fold(self.ledger.events(incident_id)).action_items}

    def _configure(self) -> Config:
        deployer = DeployerSettings(
            name="ship",
            kind="command",
            current=("cat", str(self.folder / "weights.json")),
            deploy=("false", "{service}", "{version}", "{expect_version}", "{idempotency_key}"),
        )
        base = configured(self.folder)
        service = base.services[0].model_copy(update={"deployer": "ship"})
        config = base.model_copy(update={"services": (service,), "deployers": (deployer,)})
        (self.folder / "holdfast.yaml").write_text(dump_config(config))
        return config

    def _fix(self) -> Fix:
        return Fix(
            id="fix-1",
            service="shelf",
            hypothesis_id="hyp-mechanism",
            method="revert",
            good_version="7.4",
            bad_version="7.5",
            version="7.6",
            branch="holdfast/fix",
            base=self.base,
            commit=self.commit,
            guilty_commit=None,
            sentences=(),
            files=("app.py", "REVIEW_CHECKLIST.md"),
            regression=RegressionTest(
                path="t.py", name="t", at_most=4, on_bad=60, unit="statements"
            ),
        )

    def _commit(self, text: str) -> str:
        (self.repository / "app.py").write_text(text)
        self._git("add", "app.py")
        self._git("commit", "-q", "-m", text)
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *arguments: str) -> str:
        self.repository.mkdir(exist_ok=True)
        names = ("-c", "user.name=t", "-c", "user.email=t@localhost")
        argv = ["git", *names, "-C", str(self.repository), *arguments]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def _prevention() -> Prevention:
    return Prevention(
        id="prevention-1",
        service="shelf",
        hypothesis_id="hyp-mechanism",
        rule=RULE,
        proof=PROOF,
        threshold_from="the healthy maximum times two",
    )


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    made = Team(tmp_path)
    yield made
    made.ledger.close()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(tmp_path, monkeypatch, capsys)


def _results(out: str) -> dict[str, str]:
    """Return title → result of `actions check --json`."""
    checks = [json.loads(line) for line in out.splitlines()]
    return {check["item"]["title"]: check["result"] for check in checks}


def _result(out: str, words: str) -> str:
    (found,) = (result for title, result in _results(out).items() if words in title)
    return found


# ---- listing ---------------------------------------------------------------------------------


def test_each_item_is_listed_with_owner_day_status_and_closing_check(team: Team, run: Run) -> None:
    team.happened()
    done = run("actions")
    assert done.code == 0, done.err
    assert "owner team-shelf, due 20" in done.out
    assert "closed when: `main` of shelf contains" in done.out
    assert done.out.count("\n  done ") == 1, "the rule is proven and in force"
    assert "Show the team of shelf how n_plus_one came in" in done.out
    assert "overdue" not in done.out


def test_open_ones_alone_and_as_records(team: Team, run: Run) -> None:
    team.happened()
    done = run("actions", "--open", "--json", "--incident", "last")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert {row["item"]["status"] for row in rows} == {"open"}
    assert len(rows) == len(team.items()) - 1
    assert {row["incident_id"] for row in rows} == {"inc-01shelf"}


def test_what_is_open_after_its_day_is_overdue(team: Team, run: Run) -> None:
    team.happened(days_ago=400)
    assert run("actions").out.count("overdue") == len(team.items()) - 1
    checked = run("actions", "check")
    assert checked.code == 1
    assert f"{len(team.items()) - 1} overdue" in checked.out


def test_without_incidents_it_says_so(team: Team, run: Run) -> None:
    assert run("actions").out == "no action item so far\n"
    assert run("actions", "check").code == 0


# ---- checks ----------------------------------------------------------------------------------


def test_what_a_machine_can_ask_is_asked_and_what_does_not_hold_fails(team: Team, run: Run) -> None:
    team.happened()
    done = run("actions", "check", "--json")
    assert done.code == 1
    assert _result(done.out, "Fix the mechanism") == "does not hold"
    assert _result(done.out, "Review and merge") == "does not hold"
    assert _result(done.out, "review checklist") == "does not hold"
    assert _result(done.out, "Alert on") == "does not hold", "its file is not there"
    assert _result(done.out, "Show the team") == "cannot be asked"
    assert _result(done.out, "by canary, judged") == "cannot be asked"


def test_when_all_that_can_be_asked_holds_it_succeeds(team: Team, run: Run) -> None:
    case = team.happened()
    team.merge()
    team.serves("7.7")
    team.record()
    put_in_force(team.config.data_folder, case.incident_id, [RULE])
    done = run("actions", "check", "--json")
    assert done.code == 0, done.out
    assert "does not hold" not in _results(done.out).values()
    assert list(_results(done.out).values()).count("holds") == 4


@pytest.mark.parametrize(
    ("serving", "result"),
    [
        (("7.6",), "holds"),
        (("7.6", "7.7"), "holds"),
        (("7.6", "7.5"), "does not hold"),
        (("7.4",), "does not hold"),
        (("main-abc",), "cannot be asked"),
    ],
)
def test_the_fix_or_a_later_version_has_to_serve_alone(
    team: Team, run: Run, serving: tuple[str, ...], result: str
) -> None:
    team.happened()
    team.serves(*serving)
    done = run("actions", "check", "--json")
    assert _result(done.out, "Fix the mechanism") == result, done


def test_a_deployer_that_fails_is_no_answer(team: Team, run: Run) -> None:
    team.happened()
    (team.folder / "weights.json").unlink()
    assert _result(run("actions", "check", "--json").out, "Fix the mechanism") == "cannot be asked"


def test_a_rule_must_be_in_force_as_it_was_proven_and_answered(team: Team, run: Run) -> None:
    case = team.happened()
    SampleWriter(team.folder / "metrics", interval_seconds=1, retention_seconds=60).close()
    put_in_force(team.config.data_folder, case.incident_id, [RULE])
    blind = run("actions", "check")
    assert "LevelHigh is in force, and blind: no data" in blind.out
    put_in_force(
        team.config.data_folder,
        case.incident_id,
        [RULE.model_copy(update={"expression": above("up", 9)})],
    )
    assert "not in force as it was proven" in run("actions", "check").out
    (rules_folder(team.config.data_folder) / f"{case.incident_id}.yaml").write_text("groups: [")
    assert _result(run("actions", "check", "--json").out, "Alert on") == "does not hold"


def test_a_source_that_cannot_be_reached_is_no_answer(team: Team, run: Run) -> None:
    case = team.happened()
    put_in_force(team.config.data_folder, case.incident_id, [RULE])
    assert _result(run("actions", "check", "--json").out, "Alert on") == "cannot be asked"


def test_without_a_fix_or_a_rule_it_is_said_why_nothing_can_be_asked(team: Team, run: Run) -> None:
    team.happened(fix=False, rule=False)
    done = run("actions", "check")
    assert "no fixed version is known" in done.out
    assert "no rule is in force: no signal moved" in done.out


# ---- closing ---------------------------------------------------------------------------------


def test_a_person_closes_an_item_with_a_note_once(team: Team, run: Run) -> None:
    case = team.happened()
    training = item_id(case, "training")
    done = run("actions", "close", training, "--note", "held on Monday", "--by", "mara")
    assert done.code == 0, done.err
    assert "mara says that it is done: Show the team" in done.out
    assert team.items()[training].status == "done"
    last = team.ledger.events(case.incident_id)[-1]
    assert last.actor == "mara"
    assert last.payload == ActionItemClosed(item_id=training, note="held on Monday")
    run("actions", "close", training, "--note", "again", "--by", "mara").refused("done already")


def test_an_item_is_named_by_a_unique_part_and_closed_with_words(team: Team, run: Run) -> None:
    case = team.happened()
    training = item_id(case, "training")
    run("actions", "close", training, "--note", " ").refused("is closed with a note")
    run("actions", "close", "item-", "--note", "x").refused("action items match")
    run("actions", "close", "nothing", "--note", "x").refused("no action item matches")
    assert run("actions", "close", training[-6:], "--note", "done", "--by", "mara").code == 0


def test_the_configuration_may_be_named_before_or_behind_the_command(
    team: Team, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.happened()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    path = str(team.folder / "holdfast.yaml")
    assert "Fix the mechanism" in run("--config", path, "actions").out
    assert "Fix the mechanism" in run("--config", path, "actions", "check").out
    assert "Fix the mechanism" in run("actions", "check", "--config", path).out
