"""Rules in force: their files, their conditions, what they do at each round, what is kept."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.errors import ConfigError
from holdfast.evidence.ask import window_of
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome, Sample, Vector
from holdfast.model.prevention import AlertRule
from holdfast.slo.conditions import Condition, Limit, above, condition_of
from holdfast.slo.rule_files import (
    RuleInForce,
    put_in_force,
    read_rules,
    rules_folder,
    rules_in_force,
    withdraw,
)
from holdfast.slo.rule_state import (
    Key,
    Tracked,
    follow,
    read_answer,
    reading_of,
    restored,
    warnings_of,
)
from holdfast.slo.warning_log import FILE, WarningEntry, append, read

LEVEL = 'sum by (version) (rate(a{path=~"/x.*\\\\d"}[250ms])) / b'
RULE = AlertRule(
    name="LevelHigh",
    expression=above(LEVEL, 8.0),
    for_seconds=1.5,
    labels={"service": "shelf", "severity": "warning"},
    annotations={"summary": "it's high: “so” #1"},
)
IN_FORCE = RuleInForce(RULE, Path("rules/inc-1.yaml"))
CONDITION = condition_of(RULE.expression)


# ---- conditions ------------------------------------------------------------------------------


def test_a_condition_is_taken_apart_into_the_level_and_its_limits() -> None:
    found = condition_of(RULE.expression)
    assert found is not None
    assert found == Condition(f"({LEVEL})", (Limit(">", 8.0), Limit("<", float("inf"))))
    assert [found.fires_at(v) for v in (8.0, 8.1, float("inf"))] == [False, True, False]


@pytest.mark.parametrize(
    ("expression", "level"),
    [("a + b >= 1e3", "a + b"), ("a > -3", "a"), ("a == 1", "a"), ("(a) != 0.5", "(a)")],
)
def test_comparisons_with_constants_are_conditions(expression: str, level: str) -> None:
    found = condition_of(expression)
    assert found is not None
    assert found.level == level


@pytest.mark.parametrize(
    "expression", ["a and b > 8", "a > bool 3", "absent(a)", "a > b", "8 < a", "a{x=", "a > on() 3"]
)
def test_what_is_no_level_compared_with_constants_is_asked_as_it_stands(expression: str) -> None:
    assert condition_of(expression) is None


# ---- files -----------------------------------------------------------------------------------


def test_a_rule_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = put_in_force(tmp_path, "inc-1", [RULE])
    assert read_rules(path) == (RULE,)
    found = rules_in_force(tmp_path)
    assert [(r.source, r.rule) for r in found.rules] == [("inc-1", RULE)]
    assert found.problems == ()
    assert [p.name for p in rules_folder(tmp_path).iterdir()] == ["inc-1.yaml"], "nothing beside it"


def test_writing_twice_changes_nothing_and_withdrawing_twice_is_no_error(tmp_path: Path) -> None:
    path = put_in_force(tmp_path, "inc-1", [RULE])
    before = path.stat().st_ino
    assert put_in_force(tmp_path, "inc-1", [RULE]).stat().st_ino == before
    withdraw(tmp_path, "inc-1")
    withdraw(tmp_path, "inc-1")
    assert rules_in_force(tmp_path).rules == ()


def test_promtool_accepts_the_file(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("the program `promtool` is not installed")
    path = put_in_force(tmp_path, "inc-1", [RULE])
    done = subprocess.run(
        [promtool, "check", "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1 rules found" in done.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("groups: [{name: g, rules: [{alert: A, expr: 'sum(('}]}]", "is not PromQL"),
        ("groups: [{name: g, rules: [{alert: A}]}]", "A has no expr"),
        ("groups: [{name: g, rules: [{alert: A, expr: up, for: soon}]}]", "no duration"),
        ("groups: 3", "groups is no list"),
        ("- a list", "is no mapping"),
        ("groups: [", "while parsing"),
        ("", "is no mapping"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_hides_no_other(
    tmp_path: Path, content: str, said: str
) -> None:
    put_in_force(tmp_path, "inc-1", [RULE])
    broken = rules_folder(tmp_path) / "by-hand.yaml"
    broken.write_text(content)
    with pytest.raises(ConfigError, match=r"by-hand\.yaml"):
        read_rules(broken)
    found = rules_in_force(tmp_path)
    assert [r.source for r in found.rules] == ["inc-1"]
    assert len(found.problems) == 1
    assert said in found.problems[0]


def test_a_team_s_own_file_is_read_and_recording_rules_are_left_alone(tmp_path: Path) -> None:
    rules_folder(tmp_path).mkdir()
    (rules_folder(tmp_path) / "own.yaml").write_text(
        "groups: [{name: g, rules: [{record: r, expr: up}, {alert: A, expr: up == 0, for: 1m30s}]}]"
    )
    assert [r.rule.for_seconds for r in rules_in_force(tmp_path).rules] == [90.0]


# ---- rounds ----------------------------------------------------------------------------------


def _answer(*values: tuple[str, float], error: str = "") -> Evidence:
    samples = tuple(Sample(labels={"version": v}, at=0, value=value) for v, value in values)
    return Evidence.seal(
        kind=EvidenceKind.METRIC,
        query=LEVEL,
        source="test",
        asked_at=datetime(2026, 3, 1, tzinfo=UTC),
        outcome=Outcome.ERROR if error else Outcome.DATA if samples else Outcome.NO_DATA,
        value=None if error else Vector(samples=samples),
        window=window_of(0, 0),
        error=error,
    )


def _rounds(*answers: Evidence) -> list[tuple[str, dict[Key, Tracked]]]:
    """Return the state and the series after each answer, one a second."""
    known: dict[Key, Tracked] = {}
    found: list[tuple[str, dict[Key, Tracked]]] = []
    for at, evidence in enumerate(answers):
        answer = read_answer(CONDITION, evidence)
        known = follow(known, IN_FORCE, answer, float(at), keep_seconds=2)
        found.append((reading_of(IN_FORCE, CONDITION, answer, known.values()).state, known))
    return found


HIGH, WELL = ("new", 20.0), ("old", 4.0)


@pytest.mark.parametrize(
    ("answers", "states"),
    [
        ([_answer(WELL)], ["ok"]),
        ([_answer(WELL, HIGH)] * 4, ["pending", "pending", "firing", "firing"]),
        ([_answer(HIGH), _answer(WELL), _answer(HIGH)], ["pending", "ok", "pending"]),
        ([_answer(HIGH)] * 3 + [_answer(("new", 4.0))], ["pending", "pending", "firing", "ok"]),
        ([_answer(HIGH)] * 3 + [_answer()] * 9, ["pending", "pending", "firing"] + ["no_data"] * 9),
        (
            [_answer(HIGH)] * 3 + [_answer(WELL)] * 3,
            ["pending", "pending", "firing", "firing", "firing", "ok"],
        ),
        (
            [_answer(HIGH)] * 3 + [_answer(("new", float("inf")), WELL)] * 2,
            ["pending", "pending", "firing", "firing", "firing"],
        ),
        ([_answer()], ["no_data"]),
        ([_answer(error="gone")], ["error"]),
    ],
    ids=[
        "well",
        "fires once `for` is over",
        "begins anew after a break",
        "ends when measured to be well",
        "without data it fires still, and is blind",
        "a series that is gone ends after a while",
        "an infinite ratio ends nothing",
        "no data is not ok",
        "an error is not ok",
    ],
)
def test_a_rule_follows_its_series(answers: list[Evidence], states: list[str]) -> None:
    assert [state for state, _ in _rounds(*answers)] == states


def test_silence_and_errors_end_no_warning() -> None:
    rounds = _rounds(*[_answer(HIGH)] * 3, _answer(), _answer(error="gone"))
    warnings = [warnings_of(known) for _, known in rounds]
    assert [len(found) for found in warnings] == [0, 0, 1, 1, 1]
    assert warnings[2] == warnings[4]
    told = warnings[2][0]
    assert (told.service, told.source, told.value) == ("shelf", "inc-1", 20.0)
    assert told.labels == {"version": "new", "service": "shelf", "severity": "warning"}
    assert told.since.timestamp() == 2


def test_an_expression_that_is_no_condition_is_never_called_blind() -> None:
    answer = read_answer(None, _answer())
    assert reading_of(IN_FORCE, None, answer, ()).state == "ok"


# ---- what is kept ----------------------------------------------------------------------------


def _entry(event: str, at: float) -> WarningEntry:
    warning = warnings_of(_rounds(*[_answer(HIGH)] * 3)[-1][1])[0]
    moment = datetime.fromtimestamp(at, UTC)
    # the answer's own id is new at each asking; a warning keeps that of its beginning
    kept = warning.model_copy(update={"evidence_id": "ev-1"})
    return WarningEntry(event="began" if event == "began" else "ended", at=moment, warning=kept)


def test_a_warning_that_did_not_end_is_open_and_fires_on_after_a_restart(tmp_path: Path) -> None:
    append(tmp_path, [_entry("began", 2)])
    opened = read(tmp_path).open
    assert len(opened) == 1
    again = restored([IN_FORCE], opened, 50.0)
    after = follow(again, IN_FORCE, read_answer(CONDITION, _answer(HIGH)), 50.0, keep_seconds=2)
    assert warnings_of(after) == opened
    append(tmp_path, [_entry("ended", 60)])
    assert read(tmp_path).open == ()
    assert restored([], opened, 50.0) == {}, "a rule that is no longer in force warns of nothing"


def test_a_line_that_was_cut_off_is_told_and_loses_no_other(tmp_path: Path) -> None:
    append(tmp_path, [_entry("began", 2)])
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"event":"en')
    append(tmp_path, [_entry("ended", 60)])
    log = read(tmp_path)
    assert [entry.event for entry in log.entries] == ["began", "ended"]
    assert len(log.problems) == 1
    assert "line 2" in log.problems[0]
    assert read(tmp_path / "nothing").entries == ()
