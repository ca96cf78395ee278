"""From an incident to a rule that would have told of it, proven on what was recorded.

    moved signal → window → threshold → expression → proof

The window is the shortest safe one: four scrapes, so that one may be lost; where the level then is
too noisy to be told apart, or the proof does not hold, the next longer one is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from holdfast.catalog.template import BY, fill
from holdfast.learning.cause import cause_of
from holdfast.learning.prevention.moved import MovedSignal, moved_signal
from holdfast.learning.prevention.proof import prove, why_not
from holdfast.learning.prevention.spans import Stretches, stretches
from holdfast.learning.prevention.threshold import Threshold, threshold
from holdfast.learning.questions import Span
from holdfast.model.case import Case
from holdfast.model.config import Config
from holdfast.model.evidence import Evidence
from holdfast.model.hypothesis import Argument, HypothesisStatus, ToolCall
from holdfast.model.ids import derived_id
from holdfast.model.incident import IncidentOutcome
from holdfast.model.prevention import AlertRule, Prevention, RuleProof
from holdfast.slo.conditions import above

Ask = Callable[[ToolCall], Evidence]
"""Asks a read tool; a failure is evidence of it."""

WINDOW_STEPS = (4, 8, 16, 32)
"""Windows that are tried, in scrapes."""


@dataclass
class Derived:
    """A rule whose proof holds, or why there is none; and all that was asked for it."""

    prevention: Prevention | None = None
    reason: str = ""
    evidence: list[Evidence] = field(default_factory=list[Evidence])


@dataclass(frozen=True)
class _Plan:
    """What is to be tried. `version` = (label, bad version) where the level is split by version."""

    case: Case
    moved: MovedSignal
    stretches: Stretches
    step_seconds: float
    by: tuple[str, ...]
    version: tuple[str, str] | None


def derive_rule(
    case: Case, config: Config, ask: Ask, *, others: Iterable[Span] = (), now: float
) -> Derived:
    """Derive a rule and prove it; ask only what is recorded. The same answers give the same rule.

    `others` are the spans of other incidents: they are no healthy time.
    """
    plan = _plan(case, config, others, now)
    if isinstance(plan, str):
        return Derived(reason=plan)
    trial = _Trial(plan, ask)
    reasons: list[str] = []
    for scrapes in WINDOW_STEPS:
        found = trial.rule_of(scrapes * plan.step_seconds)
        if isinstance(found, Prevention):
            return Derived(found, evidence=trial.evidence)
        reasons.append(found)
    reason = f"no rule on {plan.moved.words} of {plan.moved.service.name}: {reasons[0]}"
    return Derived(reason=reason, evidence=trial.evidence)


def _plan(case: Case, config: Config, others: Iterable[Span], now: float) -> _Plan | str:
    if case.outcome is IncidentOutcome.FALSE_ALARM:
        return "a false alarm has nothing that could be told earlier"
    mechanism = cause_of(case).mechanism
    if mechanism is None or mechanism.status is not HypothesisStatus.SUPPORTED:
        return "no mechanism is supported by evidence: a rule would watch a guess"
    moved = moved_signal(case, {service.name: service for service in config.services})
    if moved is None:
        return f"no signal of {mechanism.service} is configured whose rise shows it"
    step = config.metrics.resolution_seconds
    found = stretches(case, others, step_seconds=step, now=now)
    if isinstance(found, str):
        return found
    by = (moved.service.version_label,) if BY in moved.template else ()
    change = cause_of(case).change
    bad = change.to_version if change and change.service == moved.service.name else None
    return _Plan(case, moved, found, step, by, (by[0], bad) if by and bad else None)


class _Trial:
    """Tries windows, and keeps all that was asked for them."""

    def __init__(self, plan: _Plan, ask: Ask) -> None:
        self._plan = plan
        self._ask = ask
        self.evidence: list[Evidence] = []

    def rule_of(self, window_seconds: float) -> Prevention | str:
        """Return the rule of one window, proven, or why it is none."""
        plan = self._plan
        level = fill(plan.moved.template, window_seconds, plan.by)
        healthy = self._asked(level, plan.stretches.healthy)
        incident = self._asked(level, plan.stretches.incident)
        if failed := healthy.error or incident.error:
            return failed
        found = threshold(healthy, incident, plan.version)
        if isinstance(found, str):
            return found
        rule = _rule(plan, above(level, found.value), found)
        proof = self._proof(rule, level, healthy, incident)
        return _prevention(plan, rule, proof, found) if proof.holds else self._why_not(proof)

    def _proof(
        self, rule: AlertRule, level: str, healthy: Evidence, incident: Evidence
    ) -> RuleProof:
        spans = self._plan.stretches
        tried = [healthy, self._asked(rule.expression, spans.healthy)]
        for span in spans.all_healthy[1:]:
            tried += [self._asked(level, span), self._asked(rule.expression, span)]
        opened = self._plan.case.opened.alert
        return prove(
            [incident, self._asked(rule.expression, spans.incident)],
            tried,
            for_seconds=rule.for_seconds,
            alert_at=opened.starts_at.timestamp() if opened else None,
        )

    def _why_not(self, proof: RuleProof) -> str:
        asked = (item for item in self.evidence if item.id in proof.evidence_ids)
        return next((item.error for item in asked if item.error), "") or why_not(proof)

    def _asked(self, query: str, span: Span) -> Evidence:
        time_range = (span.start, span.end, self._plan.step_seconds)
        arguments: dict[str, Argument] = {"query": query, "time_range": time_range}
        self.evidence.append(self._ask(ToolCall(tool="prometheus_query", arguments=arguments)))
        return self.evidence[-1]


def _prevention(plan: _Plan, rule: AlertRule, proof: RuleProof, found: Threshold) -> Prevention:
    return Prevention(
        id=derived_id("prevention", plan.case.opened_at, f"{plan.case.incident_id} {rule.name}"),
        service=plan.moved.service.name,
        hypothesis_id=plan.moved.mechanism.id,
        rule=rule,
        proof=proof,
        threshold_from=found.words,
    )


def _rule(plan: _Plan, expression: str, found: Threshold) -> AlertRule:
    service, incident = plan.moved.service.name, plan.case.incident_id
    split = ", by version" if plan.by else ""
    return AlertRule(
        name=f"{_camel(plan.moved.signal.value)}High",
        expression=expression,
        for_seconds=plan.step_seconds,
        labels={"service": service, "severity": "warning", "signal": plan.moved.signal.value},
        annotations={
            "summary": f"{plan.moved.words} of {service}{split}: above what was healthy before "
            f"{incident}",
            "threshold": found.words,
            "mechanism": plan.moved.mechanism.mechanism,
            "incident": incident,
        },
    )


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
