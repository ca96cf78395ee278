"""An incident whose mechanism is supported by a signal that rose, as the ledger would fold it.

Times are Unix seconds; `recorded` writes series into a real embedded store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from holdfast.catalog.template import fill
from holdfast.evidence.recorded import RecorderSource
from holdfast.model.action import (
    Action,
    EffectProbe,
    ExpectedEffect,
    Performance,
    Purpose,
    Risk,
    RunbookCall,
    Verdict,
    WorldState,
)
from holdfast.model.alert import Alert
from holdfast.model.case import ActionCase, Case
from holdfast.model.change import Change, ChangeType
from holdfast.model.config import Config, MetricsSettings
from holdfast.model.event import Opened, Triaged
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome, Vector
from holdfast.model.figure import Derivation
from holdfast.model.hypothesis import (
    Bound,
    Hypothesis,
    HypothesisStatus,
    Test,
    TestResult,
    ToolCall,
)
from holdfast.model.incident import Impact, Milestone, Severity
from holdfast.model.service import Service, Signal
from holdfast.model.slo import SLO, BurnTier, RatioIndicator
from holdfast.promql.store_writer import SampleWriter

START = 1_800_000_000.0
SERVICE, GOOD, BAD = "shelf", "7.4", "7.5"
STATEMENTS = (
    "sum by ($by) (rate(statements_total[$window])) / sum by ($by) (rate(requests_total[$window]))"
)
POOL = "sum by ($by) (avg_over_time(pool_used[$window]))"


@dataclass(frozen=True)
class Story:
    """When it was well, when the bad version came, when it hurt, and when it was taken back."""

    healthy_from: float = START
    released: float = START + 100
    onset: float = START + 110
    alert: float = START + 125
    rolled_back: float = START + 150
    signal: Signal = Signal.STATEMENTS_PER_REQUEST
    template: str = STATEMENTS
    status: HypothesisStatus = HypothesisStatus.SUPPORTED
    step_seconds: float = 1.0
    service: str = SERVICE
    good: str = GOOD
    bad: str = BAD

    def at(self, **changes: object) -> Story:
        """Return the story with some of it changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


def config(folder: Path, story: Story | None = None) -> Config:
    """Return the world of one service, recorded in `folder/metrics`."""
    told = story or Story()
    slo = SLO(
        name="shelf-latency",
        service=told.service,
        kind="latency",
        indicator=RatioIndicator(
            bad_query="sum(rate(slow_total[$window]))",
            total_query="sum(rate(requests_total[$window]))",
        ),
        objective=0.95,
        threshold_seconds=0.3,
        period_seconds=3600,
        tiers=(
            BurnTier(
                name="page",
                action="page",
                budget_fraction=0.05,
                long_window_seconds=30,
                short_window_seconds=5,
            ),
        ),
    )
    return Config(
        data_folder=folder / ".holdfast",
        metrics=MetricsSettings(
            kind="recorder", path=folder / "metrics", resolution_seconds=told.step_seconds
        ),
        evaluation_interval_seconds=told.step_seconds,
        services=(
            Service(
                name=told.service,
                owner="team-shelf",
                repository=str(folder / "repository"),
                signals={told.signal: told.template},
            ),
        ),
        slos=(slo,),
    )


def incident(story: Story | None = None, **changes: object) -> Case:
    """Return the case of a story; `changes` replace fields of it."""
    told = story or Story()
    evidence = _asked(told)
    test = Test(
        id="test-level",
        hypothesis_id="hyp-mechanism",
        question="How much more?",
        calls=(ToolCall(tool="prometheus_query"),),
        measure=Derivation(function="ratio", evidence_ids=("$0",)),
        prediction=Bound(at_least=1.5, unit="times"),
    )
    result = TestResult(
        test_id=test.id,
        hypothesis_id=test.hypothesis_id,
        evidence_ids=(evidence.id,),
        measured=15,
        reading="supports",
    )
    case = Case(
        incident_id="inc-01shelf",
        opened_at=_moment(told.alert),
        opened=_opened(told),
        triage=_triaged(told),
        evidence={evidence.id: evidence},
        hypotheses=_hypotheses(told),
        tests={test.id: test},
        results={test.id: result},
        actions={"act-1": performed("mitigate", told.rolled_back, action_id="act-1")},
        milestones={
            "impact_started": Milestone(name="impact_started", at=_moment(told.onset)),
            "mitigated": Milestone(name="mitigated", at=_moment(told.rolled_back + 10)),
        },
        last_event_at=_moment(told.rolled_back + 20),
        last_sequence=20,
    )
    return case.model_copy(update=changes)


def performed(purpose: Purpose, at: float, *, action_id: str) -> ActionCase:
    """Return an action that was done at a time, and whose effect was seen."""
    call = RunbookCall(runbook_id="a-runbook")
    action = Action(
        id=action_id,
        hypothesis_id=None,
        title=f"to {purpose}",
        plan=call,
        target=SERVICE,
        risk=Risk.LOW,
        blast_radius="",
        preconditions=WorldState(),
        expected_effect=ExpectedEffect(
            statement="it is well",
            query="x",
            bound=Bound(at_most=1),
            hold_seconds=1,
            deadline_seconds=10,
        ),
        effect_probe=EffectProbe(service=SERVICE),
        undo=call,
        idempotency_key=action_id,
        purpose=purpose,
    )
    done = Performance(action_id=action_id, part="act", attempt=1, outcome="done", seconds=1)
    seen = Verdict(
        action_id=action_id,
        effect="seen",
        measured=0,
        expected="≤ 1",
        held_seconds=2,
        evidence_ids=(),
    )
    return ActionCase(
        action=action,
        proposed_at=_moment(at - 1),
        performances=(done,),
        performed_at=(_moment(at),),
        verdict=seen,
        verified_at=_moment(at + 3),
    )


Level = Callable[[float, str], tuple[float, float] | None]
"""(Unix seconds, version) → (requests, statements) of that second; None: it does not run."""


def usual(story: Story, *, calm: float = 4.0, trouble: float = 60.0) -> Level:
    """Return what the versions do: the bad one gets a tenth, half, and all of the traffic."""

    def level(at: float, version: str) -> tuple[float, float] | None:
        under_way = story.released <= at < story.rolled_back
        steps = ((story.released + 6, 1.0), (story.released + 12, 5.0), (story.rolled_back, 10.0))
        share = next((requests for until, requests in steps if at < until), 0.0)
        if version == story.bad:
            return (share, share * trouble) if under_way else None
        kept = 10.0 - share if under_way else 10.0
        return (kept, kept * calm) if kept else None

    return level


@contextmanager
def recorded(folder: Path, story: Story, level: Level, until: float) -> Iterator[RecorderSource]:
    """Record the versions' counters each step, `slow_total` of all that is bad from the onset on.

    Also `pool_used`: statements over requests, as a gauge.
    """
    writer = SampleWriter(
        folder / "metrics", interval_seconds=story.step_seconds, retention_seconds=1e6
    )
    with closing(writer):
        for version in (story.good, story.bad):
            _record(writer, story, level, version, until)
    source = RecorderSource(folder / "metrics")
    try:
        yield source
    finally:
        source.close()


def _record(writer: SampleWriter, story: Story, level: Level, version: str, until: float) -> None:
    names = ("requests_total", "statements_total", "slow_total", "pool_used")
    labels = {"service_version": version, "service_name": story.service}
    ids = [writer.series_id({"__name__": name, **labels}) for name in names]
    totals = [0.0, 0.0, 0.0]
    steps = round((until - story.healthy_from) / story.step_seconds)
    for number in range(steps + 1):
        at = story.healthy_from + number * story.step_seconds
        now = level(at, version)
        if now is not None:
            hurts = version == story.bad and at >= story.onset
            each = (*now, now[0] * hurts)
            totals = [
                total + more * story.step_seconds for total, more in zip(totals, each, strict=True)
            ]
            gauge = now[1] / now[0] if now[0] else 0.0
            writer.append(version, round(at * 1000), ids, [*totals, gauge])


def _asked(story: Story) -> Evidence:
    return Evidence.seal(
        kind=EvidenceKind.METRIC,
        query=fill(story.template, 10, ("service_version",)),
        source="test",
        asked_at=_moment(story.alert),
        outcome=Outcome.DATA,
        value=Vector(samples=()),
    )


def _opened(story: Story) -> Opened:
    alert = Alert(
        fingerprint="f",
        source="holdfast",
        status="firing",
        severity="page",
        starts_at=_moment(story.alert),
        labels={"alertname": "ErrorBudgetBurn", "slo": "shelf-latency", "tier": "page"},
    )
    return Opened(
        title="it burns",
        service=story.service,
        slo="shelf-latency",
        severity=Severity.SEV1,
        severity_reason="burn",
        alert=alert,
    )


def _triaged(story: Story) -> Triaged:
    change = Change(
        id="chg-1",
        type=ChangeType.DEPLOYMENT,
        service=story.service,
        at=_moment(story.released),
        from_version=story.good,
        to_version=story.bad,
        source="test",
    )
    return Triaged(
        impact=Impact(),
        changes=(change,),
        services=(story.service,),
        onset=_moment(story.onset),
        healthy_from=_moment(max(story.healthy_from, story.onset - 60)),
        healthy_to=_moment(story.onset),
    )


def _hypotheses(story: Story) -> dict[str, Hypothesis]:
    release = Hypothesis(
        id="hyp-release",
        statement="the release broke it",
        service=story.service,
        mechanism="bad_release",
        change_id="chg-1",
        status=HypothesisStatus.SUPPORTED,
        confidence=0.95,
    )
    mechanism = Hypothesis(
        id="hyp-mechanism",
        statement="it asks once per item",
        service=story.service,
        mechanism="n_plus_one",
        parent_id=release.id,
        status=story.status,
        confidence=0.95,
        supports=("test-level",) if story.status is HypothesisStatus.SUPPORTED else (),
    )
    return {h.id: h for h in (release, mechanism)}


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
