"""A rule is derived from what was measured, and put forward only where its proof holds."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from holdfast.evidence.ask import Asker
from holdfast.evidence.derive import compute
from holdfast.evidence.toolbox import Toolbox
from holdfast.evidence.tools import ToolContext, read_tools
from holdfast.learning.prevention.derive import Derived, derive_rule
from holdfast.learning.prevention.spans import trouble_span
from holdfast.learning.questions import Span
from holdfast.model.case import Case
from holdfast.model.evidence import Matrix
from holdfast.model.figure import Derivation
from holdfast.model.hypothesis import HypothesisStatus
from holdfast.model.incident import IncidentOutcome
from holdfast.model.service import Signal
from holdfast.slo.conditions import condition_of
from holdfast.slo.rule_files import put_in_force
from support.mechanism import (
    BAD,
    POOL,
    START,
    Level,
    Story,
    config,
    incident,
    performed,
    recorded,
    usual,
)

STORY = Story()
UNTIL = START + 300


@contextmanager
def _tools(folder: Path, story: Story, level: Level) -> Iterator[Toolbox]:
    toolbox = Toolbox()
    with recorded(folder, story, level, UNTIL) as source:
        for tool in read_tools(ToolContext(source=source)):
            toolbox.register(tool)
        yield toolbox


def _derived(
    folder: Path,
    story: Story = STORY,
    level: Level | None = None,
    *,
    case: Case | None = None,
    others: Sequence[Span] = (),
) -> Derived:
    with _tools(folder, story, level or usual(story)) as tools:
        return derive_rule(
            case or incident(story), config(folder, story), tools.ask, others=others, now=UNTIL
        )


def test_a_rule_by_version_fires_on_the_recording_before_the_alert_did_and_nowhere_else(
    tmp_path: Path,
) -> None:
    derived = _derived(tmp_path)
    found = derived.prevention
    assert found is not None, derived.reason
    assert found.rule.expression == (
        "(sum by (service_version) (rate(statements_total[4s])) / "
        "sum by (service_version) (rate(requests_total[4s]))) > 8 < +Inf"
    )
    assert (found.rule.name, found.rule.for_seconds) == ("StatementsPerRequestHigh", 1.0)
    assert found.rule.labels["service"] == found.service == "shelf"
    assert found.threshold_from.startswith("the healthy maximum of 4 times 2;")
    proof = found.proof
    assert proof.holds
    assert proof.healthy_firing == 0
    assert proof.healthy_evaluations is not None
    assert proof.healthy_evaluations > 45
    assert proof.fired_at_unix_seconds is not None
    assert proof.alert_at_unix_seconds == STORY.alert
    assert STORY.released < proof.fired_at_unix_seconds < STORY.onset, "at a tenth of the traffic"


def test_prometheus_fires_by_the_same_file_when_the_proof_says_so(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("the program `promtool` is not installed")
    found = _derived(tmp_path).prevention
    assert found is not None
    put_in_force(tmp_path, "rules", [found.rule])
    level = usual(STORY)
    series = [
        {
            "series": f'{name}{{service_version="{version}"}}',
            "values": _totals(level, version, kind),
        }
        for version in (STORY.good, BAD)
        for kind, name in enumerate(("requests_total", "statements_total"))
    ]
    fired_at = round((found.proof.fired_at_unix_seconds or 0) - START)
    labels = {**found.rule.labels, "service_version": BAD}
    fires = [{"exp_labels": labels, "exp_annotations": found.rule.annotations}]
    expected = {99: [], fired_at - 1: [], fired_at: fires, fired_at + 20: fires, 200: []}
    alerts = [
        {"eval_time": f"{at}s", "alertname": found.rule.name, "exp_alerts": alerts}
        for at, alerts in expected.items()
    ]
    case = {
        "rule_files": ["rules/rules.yaml"],
        "evaluation_interval": "1s",
        "tests": [{"interval": "1s", "input_series": series, "alert_rule_test": alerts}],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(case))
    done = subprocess.run(
        [promtool, "test", "rules", "test.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _totals(level: Level, version: str, kind: int) -> str:
    """Return a counter as promtool reads it, `_` where it is not exposed."""
    words: list[str] = []
    total = 0.0
    for second in range(round(UNTIL - START) + 1):
        now = level(START + second, version)
        total += now[kind] if now else 0
        words.append(f"{total:g}" if now else "_")
    return " ".join(words)


def test_the_figures_of_a_proof_are_computed_again_from_its_evidence(tmp_path: Path) -> None:
    derived = _derived(tmp_path)
    assert derived.prevention is not None
    proof, kept = derived.prevention.proof, {item.id: item for item in derived.evidence}
    assert all(item.is_whole() for item in kept.values())
    for ids, evaluations, firing in (
        (proof.evidence_ids[:2], proof.incident_evaluations, proof.incident_firing),
        (proof.evidence_ids[2:], proof.healthy_evaluations, proof.healthy_firing),
    ):
        inputs = [kept[i] for i in ids]
        wanted = Derivation(function="rule_evaluations", evidence_ids=ids)
        assert compute(wanted, inputs) == evaluations
        wanted = Derivation(
            function="rule_firing", evidence_ids=ids, parameters={"for_seconds": 1.0}
        )
        assert compute(wanted, inputs) == firing


def test_the_level_and_its_limits_say_the_same_as_the_expression(tmp_path: Path) -> None:
    derived = _derived(tmp_path)
    assert derived.prevention is not None
    expression = derived.prevention.rule.expression
    condition = condition_of(expression)
    assert condition is not None
    with recorded(tmp_path / "again", STORY, usual(STORY), UNTIL) as source:
        ask = Asker(source)
        levels = ask.range(condition.level, START, UNTIL, 1).value
        fires = ask.range(expression, START, UNTIL, 1).value
    assert isinstance(levels, Matrix)
    assert isinstance(fires, Matrix)
    by_limits = {
        (s.labels["service_version"], at)
        for s in levels.series
        for at, value in s.points
        if condition.fires_at(value)
    }
    assert by_limits == {
        (s.labels["service_version"], at) for s in fires.series for at, _ in s.points
    }
    assert {version for version, _ in by_limits} == {BAD}


def test_a_signal_that_is_not_split_by_version_is_watched_as_a_whole(tmp_path: Path) -> None:
    story = STORY.at(signal=Signal.POOL_UTILIZATION, template=POOL.replace("sum by ($by) ", "max"))
    derived = _derived(tmp_path, story, usual(story, calm=0.25, trouble=1.0))
    assert derived.prevention is not None, derived.reason
    assert derived.prevention.rule.name == "PoolUtilizationFractionHigh"
    assert derived.prevention.rule.expression.endswith("> 0.5 < +Inf")


def test_where_little_room_is_left_the_threshold_stands_in_the_geometric_middle(
    tmp_path: Path,
) -> None:
    derived = _derived(tmp_path, level=usual(STORY, calm=4, trouble=9))
    assert derived.prevention is not None, derived.reason
    assert "> 6 <" in derived.prevention.rule.expression


def test_a_level_that_is_not_clearly_above_the_usual_gives_no_rule(tmp_path: Path) -> None:
    derived = _derived(tmp_path, level=usual(STORY, calm=4, trouble=5))
    assert derived.prevention is None
    assert "is not clearly above the healthy maximum of 4" in derived.reason


def test_an_infinite_ratio_is_no_level(tmp_path: Path) -> None:
    def level(at: float, version: str) -> tuple[float, float] | None:
        if version == BAD and STORY.released <= at < STORY.released + 8:
            return 0.0, 50.0  # it asks its database before it has answered anybody
        return usual(STORY)(at, version)

    derived = _derived(tmp_path, level=level)
    assert derived.prevention is not None, derived.reason
    fired_at = derived.prevention.proof.fired_at_unix_seconds
    assert fired_at is not None
    assert fired_at >= STORY.released + 8


# ---- healthy recordings ----------------------------------------------------------------------

LONG = Story(released=START + 220, onset=START + 230, alert=START + 245, rolled_back=START + 270)


def _spike(at: float, version: str) -> tuple[float, float] | None:
    """For a while, long before, requests of the good version cost ten times as much."""
    if START + 50 <= at < START + 100 and version == LONG.good:
        return 10.0, 400.0
    return usual(LONG)(at, version)


def test_what_was_high_in_healthy_time_before_refutes_the_rule(tmp_path: Path) -> None:
    derived = _derived(tmp_path, LONG, _spike)
    assert derived.prevention is None
    assert "it fires in healthy time too" in derived.reason


def test_time_of_another_incident_is_no_healthy_time(tmp_path: Path) -> None:
    earlier = Story(released=START + 45, onset=START + 50, alert=START + 60, rolled_back=START + 95)
    other = trouble_span(incident(earlier), margin_seconds=10)
    derived = _derived(tmp_path, LONG, _spike, others=[other])
    assert derived.prevention is not None, derived.reason
    assert derived.prevention.proof.healthy_evaluations is not None
    assert derived.prevention.proof.healthy_evaluations > 100


def test_the_fixed_version_must_leave_the_rule_silent(tmp_path: Path) -> None:
    released = STORY.rolled_back + 50

    def level(at: float, version: str) -> tuple[float, float] | None:
        return (10.0, 300.0) if at >= released else usual(STORY)(at, version)

    actions = {**incident().actions, "act-2": performed("release", released, action_id="act-2")}
    case = incident(actions=actions)
    (tmp_path / "bad").mkdir()
    assert (
        "it fires in healthy time too" in _derived(tmp_path / "bad", level=level, case=case).reason
    )
    assert _derived(tmp_path / "good", case=case).prevention is not None


# ---- no data is never silence ----------------------------------------------------------------


def test_an_incident_that_was_not_recorded_proves_nothing(tmp_path: Path) -> None:
    def level(at: float, version: str) -> tuple[float, float] | None:
        return usual(STORY)(at, version) if at < STORY.released - 5 else None

    derived = _derived(tmp_path, level=level)
    assert derived.prevention is None
    assert "nothing was recorded of it in the incident" in derived.reason


def test_healthy_time_that_was_not_recorded_proves_nothing(tmp_path: Path) -> None:
    def level(at: float, version: str) -> tuple[float, float] | None:
        return usual(STORY)(at, version) if at >= STORY.released - 5 else None

    derived = _derived(tmp_path, level=level)
    assert derived.prevention is None
    assert "values of healthy time were recorded; 8 are needed" in derived.reason


def test_a_source_that_fails_is_the_reason(tmp_path: Path) -> None:
    toolbox = Toolbox()
    with recorded(tmp_path, STORY, usual(STORY), START + 1) as source:
        for tool in read_tools(ToolContext(source=source)):
            toolbox.register(tool)
    (tmp_path / "metrics" / "store.db").unlink(missing_ok=True)
    for file in (tmp_path / "metrics").glob("*"):
        file.unlink()
    derived = derive_rule(incident(), config(tmp_path), toolbox.ask, now=UNTIL)
    assert derived.prevention is None
    assert all(item.error for item in derived.evidence)
    assert derived.evidence[0].error in derived.reason


# ---- what no rule can be derived for ---------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (incident(outcome=IncidentOutcome.FALSE_ALARM), "a false alarm"),
        (incident(Story(status=HypothesisStatus.SUSPECTED)), "no mechanism is supported"),
        (incident(hypotheses={}), "no mechanism is supported"),
        (incident(triage=None), "no healthy time"),
        (incident(evidence={}), "no signal of shelf is configured"),
    ],
)
def test_without_grounds_there_is_a_reason_and_no_question(
    tmp_path: Path, case: Case, why: str
) -> None:
    derived = _derived(tmp_path, case=case)
    assert derived.prevention is None
    assert why in derived.reason
    assert not derived.evidence
