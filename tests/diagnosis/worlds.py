"""A small simulated system that answers tool calls: services, faults, releases, in closed form.

A world is told as data: what each service does for itself and whom it calls, and what changes
when. Metrics follow from it: a caller waits for its callees; a saturated or broken release adds to
its own part. Queries are `signal|service|window|labels`; the objective's are `bad|…` and `all|…`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from holdfast.diagnosis.observe import read_test
from holdfast.diagnosis.scene import Settings
from holdfast.diagnosis.triage import find_onset
from holdfast.evidence.toolbox import Tool, Toolbox
from holdfast.ledger.fold import apply
from holdfast.model import event as ev
from holdfast.model.action import (
    Action,
    Autonomy,
    GuardDecision,
    Performance,
    Risk,
    Verdict,
    WorldState,
)
from holdfast.model.case import Case
from holdfast.model.change import Change, ChangeType
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
)
from holdfast.model.hypothesis import ToolCall
from holdfast.model.incident import Claim, Impact, Severity
from holdfast.model.runbook import DeployStep, Runbook, RunbookParameter
from holdfast.model.service import LogSettings, Service, Signal
from holdfast.model.slo import SLO, BurnTier, RatioIndicator
from holdfast.reasoning.embedded import EmbeddedReasoner
from holdfast.reasoning.reasoner import Proposal

T0 = 1_700_000_000.0
"""The origin of every world's clock, in Unix seconds."""

SETTINGS = Settings(
    resolution_seconds=1.0, hold_seconds=10.0, deadline_seconds=40.0, plausible_lag_seconds=120.0
)
SLOW_SECONDS = 0.3
ALL_SIGNALS = tuple(Signal)
Effect = dict[str, float]
"""What a fault or a version does to a service's own part: `self_seconds`, `statements` …"""


@dataclass(frozen=True)
class Part:
    """What a service does for itself for one request, and how often it calls others."""

    calls: Mapping[str, float] = field(default_factory=dict[str, float])
    self_seconds: float = 0.02
    statements: float = 3.0
    statement_seconds: float = 0.002
    cpu_seconds: float = 0.004
    pool: float = 0.2
    errors: float = 0.0005
    repeats: float = 2.0
    signals: tuple[Signal, ...] = ALL_SIGNALS
    logs: bool = True
    repository: bool = True


@dataclass(frozen=True)
class Fault:
    """From `at` until `until`, a service's own part is multiplied or replaced."""

    service: str
    at: float
    effect: Effect
    until: float = 1e12


@dataclass(frozen=True)
class Release:
    """A change of version at a time; `effect` is what the new version does to the own part."""

    service: str
    at: float
    old: str
    new: str
    effect: Effect = field(default_factory=Effect)
    diff: str = ""
    share: float = 1.0
    """How much of the traffic it gets."""
    finished_at: float | None = None


@dataclass
class World:
    """`entry_rate` = requests per second at the entry; `surge` multiplies it from its time on."""

    entry: str
    parts: dict[str, Part]
    faults: tuple[Fault, ...] = ()
    releases: tuple[Release, ...] = ()
    other_changes: tuple[Change, ...] = ()
    surge: tuple[float, float] | None = None
    capacity: float = 200.0
    """Requests per second that each service serves before it slows down."""
    muted: tuple[Signal, ...] = ()
    """Signals that are configured and have no data."""
    statement_logs: bool = True
    silent_from: float = 1e12
    """When the metrics go silent."""
    objective_kind: str = "latency"
    claims: tuple[Claim, ...] = ()
    budget: float = 0.05
    asked: list[str] = field(default_factory=list[str])
    rolled_back: dict[str, tuple[float, float]] = field(
        default_factory=dict[str, tuple[float, float]]
    )
    """Service → when its rollback took effect, and until when (it may be undone)."""
    set_back: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    """Service → when a setting of it was set back, which ends its faults, and until when."""
    done_without: dict[str, tuple[float, float]] = field(
        default_factory=dict[str, tuple[float, float]]
    )
    """Service → when its callers began to do without it, and until when."""
    failing_before: bool = False
    """Whether the other objective was not met even in health."""
    has_other_objective: bool = False
    tells_versions: bool = True
    """Whether metrics carry the version yet."""

    # ---- what happens ------------------------------------------------------------------------

    def release_of(self, service: str, at: float) -> Release | None:
        """Return the release in force."""
        since, until = self.rolled_back.get(service, (1e12, 1e12))
        if since <= at < until:
            return None
        done = [r for r in self.releases if r.service == service and r.at <= at]
        return done[-1] if done else None

    def own(self, service: str, at: float, version: str) -> Effect:
        """Return a service's own part at a time, as one of its versions does it."""
        part = self.parts[service]
        names = ("self_seconds", "statements", "statement_seconds", "cpu_seconds", "pool")
        now = {name: float(getattr(part, name)) for name in (*names, "errors", "repeats")}
        release = self.release_of(service, at)
        if release is not None and version == release.new:
            now |= release.effect
        is_back = _within(self.set_back.get(service), at)
        for fault in self.faults:
            if fault.service == service and fault.at <= at < fault.until and not is_back:
                now |= fault.effect
        over = self.rate(service, at) / self.capacity
        if over > 1:
            now["self_seconds"] += 0.5 * (over - 1)
        return now

    def rate(self, service: str, at: float) -> float:
        """Return requests per second."""
        base = 40.0
        if self.surge is not None and at >= self.surge[0]:
            base *= self.surge[1]
        if service == self.entry:
            return base
        return sum(
            self.rate(caller, at) * part.calls[service]
            for caller, part in self.parts.items()
            if service in part.calls
        )

    def shares(self, service: str, at: float) -> dict[str, float]:
        """Return version → share of the traffic."""
        release = self.release_of(service, at)
        if release is None:
            first = next((r.old for r in self.releases if r.service == service), "1.0.0")
            return {first: 1.0}
        if release.share >= 1:
            return {release.new: 1.0}
        return {release.new: release.share, release.old: 1 - release.share}

    def latency(self, service: str, at: float, version: str | None = None) -> float:
        """Return the mean seconds that a client waits."""
        shares = self.shares(service, at) if version is None else {version: 1.0}
        own = sum(self.own(service, at, v)["self_seconds"] * s for v, s in shares.items())
        return own + sum(n * self.latency(callee, at) for callee, n in self.calls(service, at))

    def calls(self, service: str, at: float) -> list[tuple[str, float]]:
        """Return whom a service calls, how often a request."""
        calls = self.parts[service].calls.items()
        return [(c, n) for c, n in calls if not _within(self.done_without.get(c), at)]

    def errors(self, service: str, at: float, version: str | None = None) -> float:
        """Return the ratio of failed requests."""
        shares = self.shares(service, at) if version is None else {version: 1.0}
        own = sum(self.own(service, at, v)["errors"] * s for v, s in shares.items())
        calls = self.calls(service, at)
        return min(1.0, own + sum(n * self.errors(callee, at) for callee, n in calls))

    def level(self, signal: str, service: str, at: float, version: str | None) -> float | None:
        """Return a signal's value at a time, for one version or for all."""
        shares = self.shares(service, at)
        if version is not None and version not in shares:
            return None
        own = self.own(service, at, version or next(iter(shares)))
        latency = self.latency(service, at, version)
        match signal:
            case Signal.REQUEST_RATE:
                return self.rate(service, at) * (shares[version] if version else 1.0)
            case Signal.LATENCY_MEAN | Signal.LATENCY_P50:
                return latency
            case Signal.LATENCY_P95:
                return latency * 2
            case Signal.SLOW_RATIO:
                return _slow(latency)
            case Signal.ERROR_RATIO:
                return self.errors(service, at, version)
            case Signal.STATEMENTS_PER_REQUEST:
                return own["statements"]
            case Signal.SECONDS_PER_STATEMENT:
                return own["statement_seconds"]
            case Signal.CPU_SECONDS_PER_REQUEST:
                return own["cpu_seconds"]
            case Signal.POOL_UTILIZATION:
                return own["pool"]
            case _:
                return None

    def bad_ratio(self, service: str, at: float) -> float | None:
        """Return the objective's ratio of bad events."""
        if at >= self.silent_from:
            return None
        if self.objective_kind == "latency":
            return _slow(self.latency(service, at))
        return self.errors(service, at)

    # ---- what is asked -----------------------------------------------------------------------

    def toolbox(self) -> Toolbox:
        """Return tools that answer from this world."""
        box = Toolbox()
        answers: Mapping[str, Callable[..., Evidence]] = {
            "prometheus_query": self._query,
            "get_deployment_diff": self._diff,
            "get_slow_queries": self._slow_queries,
        }
        for name, function in answers.items():
            box.register(Tool(name, "read", 1.0, name, function))
        return box

    def _query(self, query: str, time_range: float | tuple[float, float, float]) -> Evidence:
        self.asked.append(f"{query} @ {time_range}")
        if isinstance(time_range, tuple):
            start, end, step = time_range
            count = int((end - start) / step + 1e-6)
            times = [start + i * step for i in range(count + 1)]
            points = [(t, v) for t in times if (v := self._indicator(query, t)) is not None]
            series = (Series(labels={}, points=tuple(points)),) if points else ()
            return _sealed(query, Matrix(series=series), bool(points), end)
        samples = self._samples(query, time_range)
        return _sealed(query, Vector(samples=samples), bool(samples), time_range)

    def _samples(self, query: str, at: float) -> tuple[Sample, ...]:
        if query.startswith(("(", "max(")):
            found = self._indicator(query, at)
            return () if found is None else (Sample(labels={}, at=at, value=found),)
        signal, service, _, labels = query.split("|")
        if at >= self.silent_from or Signal(signal) in self.muted:
            return ()
        versions: list[str | None] = [None]
        if labels == "version" and not self.tells_versions:
            return ()
        if labels == "version":
            versions = list(self.shares(service, at))
        elif labels:
            return ()
        levels = [(v, self.level(signal, service, at, v)) for v in versions]
        return tuple(
            Sample(labels={"version": v} if v else {}, at=at, value=found)
            for v, found in levels
            if found is not None
        )

    def _indicator(self, query: str, at: float) -> float | None:
        if "|other-objective" in query:
            return self._worst_burn(query, at)
        found = re.fullmatch(r"\(bad\|(\w+)\|\w+\) / \(all\|\1\|\w+\)", query)
        assert found, query
        return self.bad_ratio(found[1], at)

    def _worst_burn(self, query: str, at: float) -> float | None:
        """Return the worst burn rate; that of the other objective alone where only it is asked."""
        other = self.errors(self.entry, at) / 0.01 + 9 * self.failing_before
        own = self.bad_ratio(self.entry, at)
        if own is None:
            return None
        return other if " or " not in query else max(own / self.budget, other)

    def _diff(self, service: str, from_version: str, to_version: str, **_: Any) -> Evidence:
        self.asked.append(f"diff {service}")
        for release in self.releases:
            if (release.service, release.old, release.new) == (service, from_version, to_version):
                text = Text(text=release.diff)
                return _sealed(f"diff {service}", text, bool(release.diff), T0)
        raise AssertionError("no such release")

    def _slow_queries(self, service: str, lookback_minutes: float, until: float) -> Evidence:
        self.asked.append(f"statements {service}")
        columns = (
            "template",
            "version",
            "traces",
            "executions",
            "executions_per_trace_max",
            "executions_per_trace_mean",
            "seconds_mean",
        )
        rows = []
        for release in (r for r in self.releases if r.service == service and r.at <= until):
            for version, at in ((release.old, release.at - 1), (release.new, until)):
                own = self.own(service, at, version)
                repeats = own["repeats"]
                rows.append(("select ?", version, 9, int(9 * repeats), repeats, repeats, 0.002))
        rows = rows if self.statement_logs else []
        table = Table(columns=columns, rows=tuple(rows))
        return _sealed(f"statements {service}", table, bool(rows), until)

    # ---- what is configured ------------------------------------------------------------------

    def services(self) -> dict[str, Service]:
        """Return the catalog."""
        return {
            name: Service(
                name=name,
                depends_on=tuple(part.calls),
                repository=f"repos/{name}" if part.repository else None,
                version_label="version",
                signals={s: f"{s.value}|{name}|$window|$by" for s in part.signals},
                logs=LogSettings(paths=("x.log",)) if part.logs else None,
            )
            for name, part in self.parts.items()
        }

    def slo(self) -> SLO:
        """Return the entry's objective."""
        return SLO(
            name=f"{self.entry}-{self.objective_kind}",
            service=self.entry,
            kind="latency" if self.objective_kind == "latency" else "availability",
            indicator=RatioIndicator(
                bad_query=f"bad|{self.entry}|$window", total_query=f"all|{self.entry}|$window"
            ),
            objective=1 - self.budget,
            threshold_seconds=SLOW_SECONDS,
            period_seconds=3600,
            tiers=(
                BurnTier(
                    name="fast",
                    action="page",
                    budget_fraction=0.1,
                    long_window_seconds=30,
                    short_window_seconds=5,
                ),
            ),
        )

    def slos(self) -> tuple[SLO, ...]:
        """Return the entry's objectives."""
        if not self.has_other_objective:
            return (self.slo(),)
        indicator = RatioIndicator(bad_query="bad|other-objective", total_query="all|other")
        update = {"name": f"{self.entry}-other", "kind": "availability", "indicator": indicator}
        return (self.slo(), self.slo().model_copy(update={**update, "objective": 0.99}))

    def changes(self) -> tuple[Change, ...]:
        """Return what the change feed tells."""
        released = tuple(
            Change(
                id=f"chg-{release.service}-{release.new}",
                type=ChangeType.DEPLOYMENT,
                service=release.service,
                at=_time(release.at),
                from_version=release.old,
                to_version=release.new,
                finished_at=None if release.finished_at is None else _time(release.finished_at),
                source="test",
            )
            for release in self.releases
        )
        return (*released, *self.other_changes)


ROLLBACK = Runbook(
    id="rollback-release",
    title="Roll back",
    risk=Risk.MEDIUM,
    parameters=tuple(
        RunbookParameter(name=name) for name in ("service", "from_version", "to_version")
    ),
    steps=(
        DeployStep(
            name="d",
            service="{service}",
            version="{to_version}",
            expect_version="{from_version}",
        ),
    ),
)


class Drill:
    """Plays the engine: opens and triages an incident, then runs the reasoner's proposals."""

    def __init__(self, world: World, *, at: float, runbooks: tuple[Runbook, ...] = (ROLLBACK,)):
        self.world, self.clock = world, at
        self.runbooks = runbooks
        self.toolbox = world.toolbox()
        self.proposals: list[Proposal] = []
        self._sequence = 1
        opened = ev.Opened(
            title="slow",
            service=world.entry,
            slo=world.slo().name,
            severity=Severity.SEV2,
            severity_reason="burn",
            claims=world.claims,
        )
        self.case = Case(
            incident_id="inc-drill",
            opened_at=_time(at),
            opened=opened,
            last_event_at=_time(at),
            last_sequence=1,
        )
        self.tell(self._triage())

    def reasoner(self) -> EmbeddedReasoner:
        """Return a new reasoner: nothing may be remembered between proposals."""
        return EmbeddedReasoner(
            self.world.services(),
            self.world.slos(),
            settings=SETTINGS,
            runbooks={runbook.id: runbook for runbook in self.runbooks},
        )

    def _triage(self) -> ev.Triaged:
        times = [T0 + i for i in range(int(self.clock - T0) + 1)]
        values = [(t, self.world.bad_ratio(self.world.entry, t)) for t in times]
        points = [(t, v) for t, v in values if v is not None]
        onset = find_onset(points, budget_fraction=self.world.budget, comparison_seconds=60)
        healthy = onset.healthy if onset else None
        return ev.Triaged(
            impact=Impact(),
            changes=tuple(c for c in self.world.changes() if c.at <= _time(self.clock)),
            services=tuple(self.world.parts),
            onset=_time(onset.at) if onset else None,
            healthy_from=_time(healthy[0]) if healthy else None,
            healthy_to=_time(healthy[1]) if healthy else None,
        )

    def tell(self, *payloads: Any) -> None:
        """Append events."""
        for payload in payloads:
            self._sequence += 1
            self.case = apply(
                self.case,
                ev.Event(
                    incident_id="inc-drill",
                    sequence=self._sequence,
                    step_key=str(self._sequence),
                    at=_time(self.clock),
                    actor="drill",
                    payload=payload,
                    payload_hash="",
                    previous_hash="",
                    hash="",
                ),
            )

    def step(self) -> Proposal:
        """Ask for one proposal, put it on record, and answer its tests."""
        proposal = self.reasoner().propose(self.case)
        self.proposals.append(proposal)
        self.tell(*(ev.HypothesisProposed(hypothesis=h) for h in proposal.new_hypotheses))
        self.tell(*(ev.HypothesisJudged(hypothesis=h, reason=r) for h, r in proposal.judged))
        self.tell(*(ev.TestPlanned(test=test) for test in proposal.tests))
        for test in proposal.tests:
            answers = [self.toolbox.ask(call) for call in test.calls]
            self.tell(*(ev.EvidenceKept(evidence=item) for item in answers))
            self.tell(ev.TestObserved(result=read_test(test, answers)))
        if proposal.action is not None:
            self.tell(ev.ActionProposed(action=proposal.action))
        return proposal

    def run(self, *, rounds: int = 12) -> Proposal:
        """Go on until an action is proposed, or nothing more is."""
        for _ in range(rounds):
            proposal = self.step()
            if proposal.action is not None or proposal.next != "continue" or self._idle(proposal):
                return proposal
        raise AssertionError("the reasoner does not come to an end")

    @staticmethod
    def _idle(proposal: Proposal) -> bool:
        return not (proposal.tests or proposal.judged or proposal.new_hypotheses)

    def act(self, *, seconds: float = 15.0) -> Verdict:
        """Carry out the proposed action, wait, and measure its effect; undo it without one."""
        item = self.case.latest_action
        assert item is not None
        action = item.action
        self.clock += 1
        self.tell(
            GuardedAs(action.id, "allow"),
            ev.Claimed(action_id=action.id, part="act", attempt=1, world=WorldState()),
        )
        self._change(action)[self._subject(action)] = (self.clock, 1e12)
        self.tell(ev.Performed(performance=_done(action.id, "act")))
        self.clock += seconds
        measured = self._measured(action.expected_effect.query)
        seen = measured is not None and action.expected_effect.bound.holds(measured)
        verdict = Verdict(
            action_id=action.id,
            effect="no_data" if measured is None else "seen" if seen else "not_seen",
            measured=measured,
            expected=str(action.expected_effect.bound),
            held_seconds=10 if seen else 0,
            evidence_ids=(),
        )
        self.tell(ev.Verified(verdict=verdict))
        if not seen:
            self.undo(action)
        return verdict

    def undo(self, action: Action) -> None:
        """Put the world back."""
        self.tell(ev.Claimed(action_id=action.id, part="undo", attempt=1, world=WorldState()))
        changed, subject = self._change(action), self._subject(action)
        changed[subject] = (changed[subject][0], self.clock)
        self.tell(ev.Performed(performance=_done(action.id, "undo")))
        self.clock += 1

    def _change(self, action: Action) -> dict[str, tuple[float, float]]:
        """Return what of the world an action changes."""
        by_runbook = {
            "rollback-release": self.world.rolled_back,
            "revert-setting": self.world.set_back,
        }
        return by_runbook.get(action.plan.runbook_id, self.world.done_without)

    def _subject(self, action: Action) -> str:
        return self.case.hypotheses[action.hypothesis_id or ""].service

    def _measured(self, query: str) -> float | None:
        answer = self.toolbox.ask(
            ToolCall(tool="prometheus_query", arguments={"query": query, "time_range": self.clock})
        )
        samples = answer.value.samples if isinstance(answer.value, Vector) else ()
        return samples[0].value if samples else None

    def statuses(self) -> dict[str, str]:
        """Return `mechanism service` → status, for causes and mechanisms."""
        return {f"{h.mechanism} {h.service}": h.status.value for h in self.case.hypotheses.values()}


def GuardedAs(action_id: str, decision: Any) -> ev.Guarded:
    """Return the guard's decision as an event."""
    return ev.Guarded(
        decision=GuardDecision(
            action_id=action_id, decision=decision, autonomy=Autonomy.ACT, reasons=("test",)
        )
    )


def _within(times: tuple[float, float] | None, at: float) -> bool:
    return times is not None and times[0] <= at < times[1]


def _done(action_id: str, part: Any) -> Performance:
    return Performance(action_id=action_id, part=part, attempt=1, outcome="done", seconds=1.0)


def _slow(latency: float) -> float:
    """A smooth share of requests beyond the threshold, from the mean alone."""
    return 1 / (1 + (SLOW_SECONDS / latency) ** 6)


def _sealed(query: str, value: Any, any_data: bool, at: float) -> Evidence:
    return Evidence.seal(
        kind=EvidenceKind.METRIC,
        query=query,
        source="world",
        asked_at=_time(at),
        outcome=Outcome.DATA if any_data else Outcome.NO_DATA,
        value=value if any_data else None,
    )


def _time(unix_seconds: float) -> datetime:
    return datetime.fromtimestamp(unix_seconds, UTC)


__all__ = ["SETTINGS", "T0", "Drill", "Fault", "GuardedAs", "Part", "Release", "World"]
