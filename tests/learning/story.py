"""A whole incident, told through a real ledger: `labels` 7.5 slows `parcels` down.

The versions are called `7.4` and `7.5` on purpose: names that look like numbers. Times are fixed,
so that every run tells the same story.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from holdfast.evidence.tools_changes import CHANGE_COLUMNS
from holdfast.learning.action_items import derive_items
from holdfast.learning.keep import keep, written
from holdfast.learning.ledger_evidence import entries, facts, gathered
from holdfast.learning.postmortem import Composed, compose
from holdfast.learning.questions import Question, incident_span, questions
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Entry, Ledger
from holdfast.model import event as ev
from holdfast.model.action import (
    Action,
    Autonomy,
    EffectProbe,
    ExpectedEffect,
    GuardDecision,
    Performance,
    Risk,
    RunbookCall,
    Verdict,
    WorldState,
)
from holdfast.model.alert import Alert
from holdfast.model.case import Case
from holdfast.model.change import Change, ChangeType
from holdfast.model.config import Config, MetricsSettings
from holdfast.model.event import Event
from holdfast.model.evidence import (
    Evidence,
    EvidenceKind,
    Matrix,
    Outcome,
    Sample,
    Series,
    Table,
    Text,
    Vector,
    Window,
)
from holdfast.model.figure import Derivation, Figure
from holdfast.model.hypothesis import (
    Bound,
    CodeSpot,
    Hypothesis,
    HypothesisStatus,
    Test,
    TestResult,
    ToolCall,
)
from holdfast.model.ids import derived_id
from holdfast.model.incident import (
    Claim,
    Impact,
    IncidentOutcome,
    Milestone,
    MilestoneName,
    Severity,
    Status,
)
from holdfast.model.policy import Policy
from holdfast.model.service import LogSettings, Service, Signal
from holdfast.model.slo import SLO, BurnTier, RatioIndicator
from support.fix_story import FixEnding, FixTale

INCIDENT = "inc-01m0story0-parcel"
START = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
SOURCE = "prometheus http://127.0.0.1:9090"

DIFF = """\
diff --git a/labels/print.py b/labels/print.py
--- a/labels/print.py
+++ b/labels/print.py
@@ -10,5 +10,7 @@ def labels_of(session, parcels):
     \"\"\"Return the labels of 250 parcels at most.\"\"\"
     found = []
-    rows = session.execute(LABELS_OF_MANY, {"ids": [p.id for p in parcels]})
-    found.extend(rows)
+    for parcel in parcels:
+        address = session.execute(ADDRESS_OF_ONE, {"id": parcel.id})
+        found.append(render(parcel, address))
+    audit("printed", len(found))
     return found
diff --git a/labels/audit.py b/labels/audit.py
--- a/labels/audit.py
+++ b/labels/audit.py
@@ -1,2 +1,2 @@
-LIMIT = 100
+LIMIT = 200
 NAME = "audit"
"""

Ending = Literal["mitigated_only", "fixed", "escalated", "recovered", "unresolved", "false_alarm"]


@dataclass(frozen=True)
class Plot:
    """Which story is told."""

    ending: Ending = "mitigated_only"
    mechanism: Literal["supported", "suspected"] = "supported"
    users: bool = True
    statement: bool = False
    laboratory: bool = False
    observe: bool = False
    fix: FixEnding | None = None
    others: bool = False
    """Whether somebody else rolled back meanwhile."""


@dataclass(frozen=True)
class Told:
    """A story that was told: its ledger, its report and its folder."""

    plot: Plot
    ledger: Ledger
    config: Config
    composed: Composed
    folder: Path
    data_folder: Path

    @property
    def events(self) -> tuple[Event, ...]:
        """All entries."""
        return self.ledger.events(INCIDENT)

    @property
    def case(self) -> Case:
        """The state that they tell."""
        return fold(self.events)

    @property
    def markdown(self) -> str:
        """The report as people read it."""
        return (self.folder / "postmortem.md").read_text()


def after(seconds: float) -> datetime:
    """A time of the story."""
    return START + timedelta(seconds=seconds)


RELEASED, IMPACT, DETECTED, CLAIMED, MITIGATED = 600.0, 612.5, 655.0, 671.0, 733.0


# ---- the world -------------------------------------------------------------------------------


def world(plot: Plot) -> Config:
    """The configuration of the team that suffers."""
    count = 'parcels_requests_total{service_name="parcels"}'
    tiers = (
        BurnTier(
            name="fast",
            action="page",
            budget_fraction=0.05,
            long_window_seconds=60,
            short_window_seconds=5,
        ),
        BurnTier(
            name="10m",
            action="ticket",
            budget_fraction=0.2,
            long_window_seconds=600,
            short_window_seconds=60,
        ),
    )
    slow = SLO(
        name="parcels-latency",
        service="parcels",
        kind="latency",
        description="95 of 100 parcels are shown within 300 ms",
        indicator=RatioIndicator(
            bad_query='sum(rate(parcels_slow_total{service_name="parcels"}[$window]))',
            total_query=f"sum(rate({count}[$window]))",
        ),
        objective=0.95,
        threshold_seconds=0.3,
        period_seconds=7200,
        period_note="the period is 2 h instead of 28 d" if plot.laboratory else "",
        tiers=tiers,
    )
    failed = SLO(
        name="parcels-availability",
        service="parcels",
        kind="availability",
        indicator=RatioIndicator(
            bad_query='sum(rate(parcels_failed_total{service_name="parcels"}[$window]))',
            total_query=f"sum(rate({count}[$window]))",
        ),
        objective=0.999,
        period_seconds=7200,
    )
    latency = "histogram_quantile({q}, sum by (le, $by) (rate(parcels_seconds_bucket[$window])))"
    logs = LogSettings(paths=("logs/*.jsonl",)) if plot.users else None
    parcels = Service(
        name="parcels",
        owner="team-parcels",
        depends_on=("labels",),
        signals={
            Signal.LATENCY_P50: latency.replace("{q}", "0.5"),
            Signal.LATENCY_P95: latency.replace("{q}", "0.95"),
        },
        logs=logs,
    )
    statements = (
        "sum(rate(db_statements_total[$window])) / sum(rate(labels_requests_total[$window]))"
    )
    labels = Service(
        name="labels",
        deployer="ship",
        signals={Signal.STATEMENTS_PER_REQUEST: statements},
    )
    return Config(
        metrics=MetricsSettings(url="http://127.0.0.1:9090"),
        services=(parcels, labels),
        slos=(slow, failed),
        laboratory=plot.laboratory,
    )


POLICY = Policy(name="careful", mitigated_hold_seconds=10, mitigation_deadline_seconds=120)


# ---- evidence --------------------------------------------------------------------------------


def instant(query: str, at: float, value: float | None, **labels: str) -> Evidence:
    """An instant query's answer; no value is no data."""
    samples = () if value is None else (Sample(labels=labels, at=at, value=value),)
    moment = datetime.fromtimestamp(at, UTC)
    return fixed_id(
        Evidence.seal(
            kind=EvidenceKind.METRIC,
            query=query,
            source=SOURCE,
            asked_at=moment,
            outcome=Outcome.DATA if samples else Outcome.NO_DATA,
            value=Vector(samples=samples),
            window=Window(start=moment, end=moment),
        )
    )


def over_time(
    query: str, start: float, end: float, step: float, curve: Callable[[float], float | None]
) -> Evidence:
    """A range query's answer."""
    times = [start + i * step for i in range(int((end - start) / step + 1.5))]
    points = tuple((at, v) for at in times if (v := curve(at - START.timestamp())) is not None)
    series = (Series(labels={}, points=points),) if points else ()
    return fixed_id(
        Evidence.seal(
            kind=EvidenceKind.METRIC,
            query=query,
            source=SOURCE,
            asked_at=datetime.fromtimestamp(end, UTC),
            outcome=Outcome.DATA if series else Outcome.NO_DATA,
            value=Matrix(series=series),
            window=Window(
                start=datetime.fromtimestamp(start, UTC), end=datetime.fromtimestamp(end, UTC)
            ),
            step_seconds=step,
        )
    )


def table(query: str, columns: tuple[str, ...], rows: Sequence[tuple[str | float | None, ...]]):
    """A table, as the log and change tools answer."""
    return fixed_id(
        Evidence.seal(
            kind=EvidenceKind.LOG,
            query=query,
            source="logs of parcels",
            asked_at=after(700),
            outcome=Outcome.DATA,
            value=Table(columns=columns, rows=tuple(rows)),
        )
    )


def fixed_id(item: Evidence) -> Evidence:
    """Give evidence an id that every run of the story repeats."""
    return item.model_copy(update={"id": derived_id("ev", item.asked_at, item.hash)})


def _ramp(at: float, calm: float, trouble: float, *, lag: float = 8.0, heal: float = 6.0) -> float:
    """A level over story seconds: calm, up to trouble after the release, back after the action."""
    wobble = 1 + 0.04 * math.sin(at / 3.1) + 0.02 * math.sin(at / 0.9)
    if at < RELEASED:
        return calm * wobble
    rise = 1 - math.exp(-(at - RELEASED) / lag)
    back = CLAIMED + 4 if at > CLAIMED + 4 else math.inf
    level = calm + (trouble - calm) * rise
    if at > back:
        level = calm + (level - calm) * math.exp(-(at - back) / heal)
    return level * wobble


def _late(*, others: bool) -> list[tuple[str | float | None, ...]]:
    """What was changed while it lasted: by us, of what is not in question, and by a person."""

    def change(name: str, service: str, at: float, actor: str) -> tuple[str | None, ...]:
        moment = after(at).isoformat()
        return (
            name,
            "deployment",
            service,
            moment,
            None,
            "rolledback",
            "7.5",
            "7.4",
            "",
            "",
            actor,
        )

    early, ours = ("deploy-1", "labels", 600, "bot"), ("deploy-2", "labels", 680, "holdfast")
    elsewhere, by_ada = ("deploy-3", "maps", 681, "ada"), ("deploy-4", "labels", 690, "ada")
    told = [early, ours, elsewhere, *([by_ada] if others else [])]
    return [change(*one) for one in told]


def _curve(name: str) -> Callable[[float], float | None]:
    if name == "chart:latency p50":
        return lambda at: _ramp(at, 0.021, 0.64)
    if name == "chart:latency p95":
        return lambda at: _ramp(at, 0.048, 1.9)
    if name == "chart:bad:parcels-latency":
        return lambda at: min(1.0, _ramp(at, 0.004, 0.93))
    if name == "chart:bad:parcels-availability":
        return lambda at: max(0.0, _ramp(at, 0.0, 0.012))
    if name == "chart:budget:parcels-latency":
        return lambda at: 0.96 if at < IMPACT else max(-0.4, 0.96 - (at - IMPACT) / 90)
    if name == "chart:budget:parcels-availability":
        return lambda at: 0.9
    if name == "burn:parcels-latency:fast:short":
        return lambda at: min(20.0, _ramp(at, 0.08, 18.6))
    if name == "burn:parcels-latency:fast:long":
        return lambda at: min(20.0, _ramp(at - 12, 0.08, 15.5, lag=20, heal=25))
    if name.startswith("burn:parcels-latency:10m"):
        return lambda at: _ramp(at - 20, 0.08, 5.0, lag=60, heal=60)
    if name.startswith("history:"):
        return lambda at: 100.0
    raise KeyError(name)


_INSTANTS: dict[str, float | None] = {
    "requests:parcels-latency": 12_043.21,
    "bad:parcels-latency": 9_318.7,
    "sli during:parcels-latency": 0.2262,
    "sli before:parcels-latency": 0.9957,
    "budget spent:parcels-latency": 1.294,
    "requests:parcels-availability": 12_043.21,
    "bad:parcels-availability": 0.0,
    "sli during:parcels-availability": 1.0,
    "sli before:parcels-availability": 1.0,
    "budget spent:parcels-availability": 0.0,
    "latency p50 during": 0.612,
    "latency p50 before": 0.0213,
    "latency p95 during": 1.87,
    "latency p95 before": 0.0481,
}


def answer(question: Question, *, others: bool = False) -> Evidence:
    """What the world answers to a final question."""
    arguments = question.call.arguments
    if question.call.tool == "get_recent_changes":
        return table(f"get_recent_changes({arguments})", CHANGE_COLUMNS, _late(others=others))
    if question.call.tool == "get_request_impact":
        return table(
            f"get_request_impact({arguments})",
            ("version", "requests", "slow_requests", "failed_requests", "users", "users_affected"),
            [("7.4", 2731, 11, 0, 301, 11), ("*", 12047, 9322, 0, 412, 397)],
        )
    query, when = str(arguments["query"]), arguments["time_range"]
    if isinstance(when, tuple):
        start, end, step = (float(part) for part in when)
        return over_time(query, start, end, step, _curve(question.name))
    assert isinstance(when, float)
    return instant(query, when, _INSTANTS[question.name])


# ---- the story -------------------------------------------------------------------------------


class Teller:
    """Appends to the ledger, at the story's times."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._steps = 0

    def say(self, seconds: float, *payloads: ev.Payload) -> None:
        """Append payloads, each under a step of its own."""
        named: list[Entry] = []
        for payload in payloads:
            self._steps += 1
            named.append((f"{payload.kind}:{self._steps}", payload))
        self.append(seconds, named)

    def append(self, seconds: float, named: Sequence[Entry]) -> None:
        """Append entries that have step keys."""
        self._ledger.append(INCIDENT, named, actor="holdfast (embedded)", at=after(seconds))

    def kept(self, seconds: float, *items: Evidence) -> None:
        """Keep evidence."""
        self.say(seconds, *(ev.EvidenceKept(evidence=item) for item in items))

    def reached(
        self, seconds: float, name: MilestoneName, at: float, *ids: str, estimated: bool = False
    ) -> None:
        """Reach a milestone."""
        milestone = Milestone(name=name, at=after(at), evidence_ids=ids, estimated=estimated)
        self.say(seconds, ev.MilestoneReached(milestone=milestone))


def tell(data_folder: Path, plot: Plot | None = None) -> Told:
    """Tell a story to its end and keep its folder."""
    plot = plot or Plot()
    ledger = Ledger.at(data_folder)
    teller, config = Teller(ledger), world(plot)
    _open(teller, plot)
    _triage(teller)
    if plot.ending != "false_alarm":
        _diagnose(teller, plot)
    _act(teller, plot)
    if plot.fix:
        told_so_far = lambda: fold(ledger.events(INCIDENT))  # noqa: E731
        FixTale(teller, told_so_far, START, config.slos[0]).tell(plot.fix)
        if plot.ending == "fixed":
            teller.reached(739.5, "resolved", 738.6)
    _conclude(teller, plot)
    _learn(teller, ledger, config, others=plot.others)
    composed = compose(ledger.events(INCIDENT), config)
    keep(data_folder, composed.postmortem, ledger.events(INCIDENT), composed.charts)
    teller.append(760, [("learn:postmortem", written(data_folder, composed.postmortem))])
    folder = keep(data_folder, composed.postmortem, ledger.events(INCIDENT), composed.charts)
    return Told(plot, ledger, config, composed, folder, data_folder)


def tell_of_nothing_known(data_folder: Path, config: Config) -> Told:
    """An incident that was handed to a person before anything was measured."""
    ledger = Ledger.at(data_folder)
    teller = Teller(ledger)
    opened = ev.Opened(
        title="500s everywhere",
        service="parcels",
        slo=None,
        severity=Severity.SEV1,
        severity_reason="when unsure, the higher",
        statement="Everything answers 500",
    )
    teller.say(0, opened)
    teller.say(5, ev.Escalated(reason="the metrics source does not answer", gaps=("metrics",)))
    concluded = ev.StatusChanged(
        status=Status.TRIAGE, outcome=IncidentOutcome.ESCALATED, reason="no metrics"
    )
    teller.say(5, concluded)
    _learn(teller, ledger, config)
    composed = compose(ledger.events(INCIDENT), config)
    teller.append(760, [("learn:postmortem", written(data_folder, composed.postmortem))])
    folder = keep(data_folder, composed.postmortem, ledger.events(INCIDENT), composed.charts)
    return Told(Plot(), ledger, config, composed, folder, data_folder)


def _open(teller: Teller, plot: Plot) -> None:
    alert = Alert(
        fingerprint="8c1e55d0a2b34f61",
        source="holdfast",
        status="firing",
        severity="page",
        starts_at=after(DETECTED),
        labels={
            "alertname": "ErrorBudgetBurn",
            "service": "parcels",
            "slo": "parcels-latency",
            "tier": "fast",
        },
        annotations={
            "summary": "parcels spends the error budget of parcels-latency too fast",
            "burn_rate_long": "6.02",
        },
    )
    said = "Parcels take 2 s instead of 50 ms since 09:40, *customers* [time out](http://x) | help"
    opened = ev.Opened(
        title="parcels burns its budget 6.02 times as fast as it may",
        service="parcels",
        slo="parcels-latency",
        severity=Severity.SEV2,
        severity_reason="the tier `fast` pages at a burn of 6 over 60 s",
        alert=None if plot.statement else alert,
        statement=said if plot.statement else None,
        claims=(
            (Claim(text="2 s instead of 50 ms", quantity="latency", value=2.0, unit="s"),)
            if plot.statement
            else ()
        ),
        laboratory=plot.laboratory,
    )
    teller.say(DETECTED, opened)
    teller.reached(DETECTED, "detected", DETECTED)
    teller.reached(DETECTED, "acknowledged", DETECTED + 0.4)


def _triage(teller: Teller) -> None:
    at = after(657).timestamp()
    sli = over_time(
        "sum(rate(parcels_slow_total[4s])) / sum(rate(parcels_requests_total[4s]))",
        START.timestamp(),
        at,
        1.0,
        lambda s: min(1.0, _ramp(s, 0.004, 0.93)),
    )
    spent = instant("budget spent so far", at, 0.41)
    teller.kept(657, sli, spent)
    figure = Figure(
        id="f1",
        derivation=Derivation(function="value", evidence_ids=(spent.id,)),
        value=0.41,
        format="percent",
        text="41 %",
    )
    change = Change(
        id="deploy-8841",
        type=ChangeType.DEPLOYMENT,
        service="labels",
        at=after(RELEASED),
        from_version="7.4",
        to_version="7.5",
        summary="Print labels one by one, audit 200 of them",
        source="changes/cdevents.jsonl",
        actor="release-bot",
    )
    other = Change(
        id="flag-12",
        type=ChangeType.FLAG,
        service="parcels",
        at=after(300),
        predicate="changed",
        setting="logo.percent",
        from_value="0",
        to_value="5",
        summary="show the new logo to 5 % of visitors",
        source="changes/cdevents.jsonl",
    )
    triaged = ev.Triaged(
        impact=Impact(figures={"budget_spent_fraction": figure}),
        changes=(other, change),
        services=("parcels", "labels"),
        onset=after(IMPACT),
        healthy_from=after(0),
        healthy_to=after(590),
    )
    teller.say(658, triaged)
    teller.reached(658, "impact_started", IMPACT, sli.id, estimated=True)
    teller.say(658, ev.StatusChanged(status=Status.ACTIVE, reason="impact is measured"))


@dataclass(frozen=True)
class _Probe:
    test: Test
    inputs: tuple[Evidence, ...]
    measured: float | None


def _probe(
    name: str, hypothesis: str, question: str, bound: Bound, *inputs: Evidence, function: str
) -> _Probe:
    places = tuple(f"${i}" for i in range(len(inputs)))
    test = Test(
        id=f"test-{name}",
        hypothesis_id=hypothesis,
        question=question,
        calls=tuple(
            ToolCall(tool="prometheus_query", arguments={"query": i.query}) for i in inputs
        ),
        measure=Derivation(function=function, evidence_ids=places),
        prediction=bound,
        role=name,
    )
    values = [
        i.value.samples[0].value for i in inputs if isinstance(i.value, Vector) and i.value.samples
    ]
    measured = values[0] / values[1] if len(values) == 2 else None
    return _Probe(test, inputs, measured)


def _asking(query: str) -> ToolCall:
    return ToolCall(tool="prometheus_query", arguments={"query": query})


def _run(teller: Teller, seconds: float, probe: _Probe) -> None:
    teller.say(seconds, ev.TestPlanned(test=probe.test))
    teller.kept(seconds + 0.2, *probe.inputs)
    bound = probe.test.prediction
    reading = "unknown"
    if probe.measured is not None:
        reading = "supports" if bound.holds(probe.measured) else "contradicts"
    result = TestResult(
        test_id=probe.test.id,
        hypothesis_id=probe.test.hypothesis_id,
        evidence_ids=tuple(i.id for i in probe.inputs),
        measured=probe.measured,
        reading=reading,
    )
    teller.say(seconds + 0.3, ev.TestObserved(result=result))


def _diagnose(teller: Teller, plot: Plot) -> None:
    at = after(660).timestamp()
    release = Hypothesis(
        id="hyp-release",
        statement="The release 7.5 of labels broke it; 7.4 was well.",
        service="labels",
        mechanism="bad_release",
        change_id="deploy-8841",
    )
    surge = Hypothesis(
        id="hyp-surge",
        statement="More requests arrive at parcels than it can serve.",
        service="parcels",
        mechanism="traffic_surge",
    )
    teller.say(
        659,
        ev.HypothesisProposed(hypothesis=release),
        ev.HypothesisProposed(hypothesis=surge),
    )
    split = _probe(
        "split",
        "hyp-release",
        "Is 7.5 of labels worse than 7.4 before?",
        Bound(at_least=1.5, unit="times"),
        instant("labels_seconds{service_version='7.5'}", at, 0.68),
        instant("labels_seconds{service_version='7.4'} offset 2m", at, 0.017),
        function="ratio",
    )
    traffic = _probe(
        "traffic",
        "hyp-surge",
        "Do requests arrive at parcels clearly faster than before?",
        Bound(at_least=1.5, unit="times"),
        instant("sum(rate(parcels_requests_total[30s]))", at, 101.2),
        instant("sum(rate(parcels_requests_total[30s] offset 2m))", at, 99.8),
        function="ratio",
    )
    _run(teller, 660, split)
    _run(teller, 660.5, traffic)
    unresolved = plot.ending == "unresolved"
    judged = HypothesisStatus.UNRESOLVED if unresolved else HypothesisStatus.SUPPORTED
    release = release.model_copy(
        update={
            "status": judged,
            "confidence": 0.5 if unresolved else 0.93,
            "supports": () if unresolved else ("test-split",),
            "gaps": ("which version answered is on no label",) if unresolved else (),
        }
    )
    surge = surge.model_copy(
        update={
            "status": HypothesisStatus.REFUTED,
            "confidence": 0.02,
            "contradicts": ("test-traffic",),
        }
    )
    teller.say(
        662,
        ev.HypothesisJudged(hypothesis=release, reason="7.5 is 40 times as slow as 7.4"),
        ev.HypothesisJudged(hypothesis=surge, reason="traffic has not risen by a half"),
    )
    if not unresolved:
        _mechanism(teller, plot, at)


def _mechanism(teller: Teller, plot: Plot, at: float) -> None:
    supported = plot.mechanism == "supported"
    found = Hypothesis(
        id="hyp-loop",
        parent_id="hyp-release",
        statement="7.5 of labels asks the database once per parcel instead of once: an N+1.",
        service="labels",
        mechanism="n_plus_one",
        change_id="deploy-8841",
    )
    teller.say(663, ev.HypothesisProposed(hypothesis=found))
    per_request = (
        "sum(rate(db_statements_total[30s])) / sum(rate(labels_requests_total[30s]))",
        "sum(rate(db_statements_total[590s])) / sum(rate(labels_requests_total[590s]))",
    )
    probe = _probe(
        "statements",
        "hyp-loop",
        "How many times as many statements does a request of labels take as before?",
        Bound(at_least=3.0, unit="times"),
        instant(per_request[0], at, 51.4 if supported else None),
        instant(per_request[1], at, 2.0),
        function="ratio",
    )
    _run(teller, 663.5, probe)
    diff = fixed_id(
        Evidence.seal(
            kind=EvidenceKind.DIFF,
            query="get_deployment_diff(service='labels', from_version='7.4', to_version='7.5')",
            source="git labels.git",
            asked_at=after(664),
            outcome=Outcome.DATA,
            value=Text(text=DIFF),
        )
    )
    teller.kept(664, diff)
    spot = CodeSpot(
        path="labels/print.py",
        line=13,
        symbol="labels_of",
        excerpt="session.execute(ADDRESS_OF_ONE, ...)",
        why="a statement inside a loop over up to 250 parcels",
    )
    found = found.model_copy(
        update={
            "status": HypothesisStatus.SUPPORTED if supported else HypothesisStatus.SUSPECTED,
            "confidence": 0.97 if supported else 0.7,
            "supports": ("test-statements",) if supported else (),
            "gaps": () if supported else ("statements per request of labels are not measured",),
            "code": (spot, spot.model_copy(update={"line": 14, "why": "and renders each"})),
        }
    )
    reason = "26 times as many statements" if supported else "the signal is missing"
    teller.say(665, ev.HypothesisJudged(hypothesis=found, reason=reason))


EXPECTED = ExpectedEffect(
    statement="slow requests of parcels are within the objective",
    query="sum(rate(parcels_slow_total[5s])) / sum(rate(parcels_requests_total[5s]))",
    bound=Bound(at_most=0.05, unit="fraction"),
    hold_seconds=10,
    deadline_seconds=120,
)


def _calm() -> Evidence:
    start, end = after(700).timestamp(), after(733).timestamp()
    return over_time("slow ratio", start, end, 1.0, lambda _: 0.002)


def _act(teller: Teller, plot: Plot) -> None:
    if plot.ending == "recovered":
        calm = over_time(
            "slow ratio", after(700).timestamp(), after(733).timestamp(), 1.0, lambda _: 0.002
        )
        teller.kept(733, calm)
        teller.reached(733, "mitigated", MITIGATED, calm.id)
        return
    if plot.ending in ("unresolved", "false_alarm"):
        return
    versions = ("7.5", "7.4")
    plan, undo = (
        RunbookCall(
            runbook_id="rollback-release",
            parameters={"service": "labels", "version": to, "expect_version": was},
        )
        for was, to in (versions, versions[::-1])
    )
    action = Action(
        id="act-rollback",
        hypothesis_id="hyp-release",
        title="Roll labels back from 7.5 to 7.4",
        plan=plan,
        target="labels",
        risk=Risk.LOW,
        blast_radius="all requests of labels",
        preconditions=WorldState(versions={"labels": {"7.5": 100.0}}),
        expected_effect=EXPECTED,
        effect_probe=EffectProbe(service="labels", version="7.4"),
        undo=undo,
        idempotency_key="rollback-1",
    )
    if plot.observe:
        denied = GuardDecision(
            action_id=action.id,
            decision="deny",
            autonomy=Autonomy.OBSERVE,
            reasons=("first contact: Holdfast observes for 7 days",),
        )
        teller.say(668, ev.ActionProposed(action=action), ev.Guarded(decision=denied))
        return
    decision = GuardDecision(
        action_id=action.id,
        decision="allow",
        autonomy=Autonomy.ACT,
        reasons=("rule `rollbacks` lets it act", "action 1 of at most 3"),
    )
    teller.say(668, ev.ActionProposed(action=action), ev.Guarded(decision=decision))
    claim = ev.Claimed(action_id=action.id, part="act", attempt=1, world=action.preconditions)
    teller.say(CLAIMED, claim)
    ran = table("current(labels)", ("version", "weight"), [("7.4", 100.0)])
    teller.kept(673, ran)
    done = Performance(
        action_id=action.id,
        part="act",
        attempt=1,
        outcome="done",
        seconds=1.83,
        evidence_ids=(ran.id,),
    )
    teller.say(673, ev.Performed(performance=done))
    helped = plot.ending in ("mitigated_only", "fixed")
    effect = over_time(
        EXPECTED.query,
        after(CLAIMED).timestamp(),
        after(MITIGATED).timestamp(),
        1.0,
        lambda s: _ramp(s, 0.004, 0.93) if helped else 0.9,
    )
    teller.kept(MITIGATED, effect)
    verdict = Verdict(
        action_id=action.id,
        effect="seen" if helped else "not_seen",
        measured=0.0041 if helped else 0.9,
        expected=str(EXPECTED.bound),
        held_seconds=11.0 if helped else 0.0,
        evidence_ids=(effect.id,),
    )
    teller.say(MITIGATED, ev.Verified(verdict=verdict))
    if helped:
        teller.reached(MITIGATED, "mitigated", MITIGATED, effect.id)
        return
    back = ev.Claimed(action_id=action.id, part="undo", attempt=1, world=action.preconditions)
    undone = Performance(action_id=action.id, part="undo", attempt=1, outcome="done", seconds=2.2)
    teller.say(735, back)
    teller.say(737, ev.Performed(performance=undone))


def _conclude(teller: Teller, plot: Plot) -> None:
    match plot.ending:
        case "mitigated_only":
            status, outcome = Status.MITIGATED, IncidentOutcome.MITIGATED_ONLY
        case "fixed":
            status, outcome = Status.RESOLVED, IncidentOutcome.FIXED
        case "recovered":
            status, outcome = Status.MITIGATED, IncidentOutcome.RECOVERED
        case "escalated":
            status, outcome = Status.ACTIVE, IncidentOutcome.ESCALATED
        case "unresolved":
            status, outcome = Status.ACTIVE, IncidentOutcome.UNRESOLVED
        case "false_alarm":
            status, outcome = Status.ACTIVE, IncidentOutcome.FALSE_ALARM
    if outcome in (IncidentOutcome.ESCALATED, IncidentOutcome.UNRESOLVED):
        gaps = ("traces of labels are not kept", "3 of 4 log files cannot be read")
        teller.say(740, ev.Escalated(reason="no action is left that could help", gaps=gaps))
    teller.say(741, ev.StatusChanged(status=status, outcome=outcome, reason="see the verdicts"))
    teller.say(742, ev.StatusChanged(status=Status.LEARNING, reason="writing down what was learnt"))


def _learn(teller: Teller, ledger: Ledger, config: Config, *, others: bool = False) -> None:
    case = fold(ledger.events(INCIDENT))
    items = derive_items(case, config)
    teller.append(745, [(f"learn:{item.id}", ev.ActionItemFiled(item=item)) for item in items])
    events = ledger.events(INCIDENT)
    case = fold(events)
    start, end = incident_span(case)
    asked = questions(case, config.services, config.slos, start, end, resolution_seconds=1.0)
    answers = {question.name: answer(question, others=others) for question in asked}
    teller.append(750, entries({}, answers))
    events = ledger.events(INCIDENT)
    teller.append(751, entries(facts(fold(events), events, config, POLICY), {}))
    assert gathered(ledger.events(INCIDENT)).answers == answers
