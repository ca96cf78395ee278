"""Action items, derived by rules from the case: the fix, the detection, what was missing.

Nothing here is invented: each rule reads facts, owners come from the catalog or stay
`unassigned`, due dates from severity (`targets.DUE_DAYS`), and each item names the check that
closes it. Titles hold no numbers: what was measured stands in the post-mortem, as figures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from holdfast.learning.cause import Cause, cause_of
from holdfast.learning.targets import ItemType, due_date
from holdfast.model.case import Case
from holdfast.model.config import Config
from holdfast.model.hypothesis import Hypothesis
from holdfast.model.ids import derived_id
from holdfast.model.incident import IncidentOutcome
from holdfast.model.lesson import ActionItem
from holdfast.model.service import UNASSIGNED, Service, Signal

_PER_REQUEST = {
    Signal.STATEMENTS_PER_REQUEST: "database statements per request",
    Signal.CPU_SECONDS_PER_REQUEST: "CPU time per request",
    Signal.SECONDS_PER_STATEMENT: "time per database statement",
    Signal.POOL_UTILIZATION: "use of the connection pool",
    Signal.MEMORY_BYTES: "memory",
    Signal.INFLIGHT_REQUESTS: "requests in flight",
}
"""Signals that show a mechanism before its users feel it, in the words of an action item."""


@dataclass(frozen=True)
class _Draft:
    """An item before it has an owner and a date; `service` is whose owner takes it."""

    rule: str
    type: ItemType
    title: str
    check: str
    service: str


@dataclass(frozen=True)
class _Facts:
    case: Case
    cause: Cause
    services: dict[str, Service]

    @property
    def culprit(self) -> str:
        """The service in which the cause lies, or else the one that suffered."""
        believed = self.cause.mechanism or self.cause.origin
        return believed.service if believed else self.case.opened.service


def derive_items(case: Case, config: Config) -> tuple[ActionItem, ...]:
    """Return the incident's action items. The same case gives the same items, ids included."""
    if case.outcome is IncidentOutcome.FALSE_ALARM:
        return ()
    facts = _Facts(case, cause_of(case), {s.name: s for s in config.services})
    drafts = [draft for rule in _RULES for draft in rule(facts)]
    return tuple(_finished(facts, draft) for draft in drafts)


def _finished(facts: _Facts, draft: _Draft) -> ActionItem:
    case = facts.case
    detected = case.milestones.get("detected")
    at = detected.at if detected else case.opened_at
    service = facts.services.get(draft.service)
    return ActionItem(
        id=derived_id("item", case.opened_at, f"{case.incident_id} {draft.rule}"),
        type=draft.type,
        title=draft.title,
        owner=service.owner if service else UNASSIGNED,
        due=due_date(case.severity, draft.type, at),
        check=draft.check,
    )


def _permanent_fix(facts: _Facts) -> Iterator[_Draft]:
    mechanism, change = facts.cause.mechanism, facts.cause.change
    if mechanism is not None:
        first = {spot.path: spot for spot in reversed(mechanism.code)}
        places = ", ".join(f"{path}:{spot.line}" for path, spot in sorted(first.items()))
        where = f" at {places}" if places else ""
        doubt = "" if facts.cause.supported else "suspected "
        yield _Draft(
            "fix",
            "prevent",
            f"Fix the {doubt}mechanism {mechanism.mechanism} in {mechanism.service}{where}",
            f"the fix serves all traffic of {mechanism.service} by canary and the objective of "
            f"{facts.case.opened.service} holds; the measures of this incident's tests are back "
            "at their level from before",
            mechanism.service,
        )
    elif facts.cause.origin is not None:
        released = f" ({change.to_version})" if change and change.to_version else ""
        yield _Draft(
            "fix",
            "prevent",
            f"Find the mechanism in {facts.culprit}{released} and fix it before it is released "
            "again",
            "a mechanism is supported by a test whose prediction was on record beforehand, and "
            "the fixed version holds the objective by canary",
            facts.culprit,
        )


def _find_cause(facts: _Facts) -> Iterator[_Draft]:
    if not facts.cause.known:
        yield _Draft(
            "cause",
            "prevent",
            f"Find the cause of this incident of {facts.case.opened.service}",
            "one hypothesis is supported and its rivals are refuted, with the gaps below closed",
            facts.case.opened.service,
        )


def _earlier_alert(facts: _Facts) -> Iterator[_Draft]:
    signal = _moved_signal(facts)
    if signal is not None:
        words = _PER_REQUEST[signal]
        yield _Draft(
            "alert",
            "detect",
            f"Alert on {words} of {facts.culprit}, by version",
            "the alert fires on this incident's evidence and is silent on its healthy window",
            facts.culprit,
        )
    elif facts.case.opened.alert is None:
        yield _Draft(
            "alert",
            "detect",
            f"Alert on the error budget of {facts.case.opened.service}: a person noticed first",
            "the burn-rate alert fires on this incident's evidence and is silent on its healthy "
            "window",
            facts.case.opened.service,
        )


def _canary(facts: _Facts) -> Iterator[_Draft]:
    change = facts.cause.change
    if change is not None and change.to_version is not None:
        yield _Draft(
            "canary",
            "process",
            f"Release {change.service} by canary, judged by the objective of "
            f"{facts.case.opened.service}",
            "a release that carries this incident's fault is stopped at its canary share",
            change.service,
        )


def _missing_signals(facts: _Facts) -> Iterator[_Draft]:
    believed = [h for h in (facts.cause.origin, facts.cause.mechanism) if h is not None]
    for hypothesis in {h.id: h for h in believed}.values():
        if hypothesis.gaps:
            yield _Draft(
                f"signal {hypothesis.id}",
                "detect",
                f"Make measurable what was missing to test {hypothesis.mechanism} in "
                f"{hypothesis.service}: {'; '.join(hypothesis.gaps)}",
                "the test that could not be asked has an answer",
                hypothesis.service,
            )


def _mitigation(facts: _Facts) -> Iterator[_Draft]:
    actions = facts.case.actions.values()
    helped = any(a.verdict and a.verdict.effect == "seen" for a in actions)
    tried = any(a.claims for a in actions)
    if tried and not helped:
        yield _Draft(
            "mitigation",
            "mitigate",
            f"Write and exercise a mitigation that helps {facts.culprit} in such a case",
            "the runbook's expected effect is seen in an exercise",
            facts.culprit,
        )
    service = facts.services.get(facts.culprit)
    if service is not None and service.deployer is None:
        yield _Draft(
            "deployer",
            "mitigate",
            f"Give Holdfast a deployer for {facts.culprit}, so that it can roll back",
            "`holdfast doctor` finds the deployer",
            facts.culprit,
        )


def _owner(facts: _Facts) -> Iterator[_Draft]:
    unowned = [s.name for s in facts.services.values() if s.owner == UNASSIGNED]
    touched = [n for n in (facts.culprit, facts.case.opened.service) if n in unowned]
    for name in dict.fromkeys(touched):
        yield _Draft(
            f"owner {name}",
            "process",
            f"Name an owner of {name} in the catalog",
            f"the catalog names an owner of {name}",
            name,
        )


_RULES: tuple[Callable[[_Facts], Iterator[_Draft]], ...] = (
    _permanent_fix,
    _find_cause,
    _earlier_alert,
    _mitigation,
    _canary,
    _missing_signals,
    _owner,
)


def _moved_signal(facts: _Facts) -> Signal | None:
    """Return the signal, short of latency itself, by whose test the mechanism is supported."""
    mechanism = facts.cause.mechanism
    service = facts.services.get(facts.culprit)
    if mechanism is None or service is None:
        return None
    queries = list(_supporting_queries(facts.case, mechanism))
    for signal in _PER_REQUEST:
        template = service.signals.get(signal)
        if template and any(_asks(template, query) for query in queries):
            return signal
    return None


def _supporting_queries(case: Case, mechanism: Hypothesis) -> Iterator[str]:
    """Queries of tests that predicted a rise, and saw it: an unchanged ratio warns of nothing."""
    for test_id in mechanism.supports:
        test, result = case.tests.get(test_id), case.results.get(test_id)
        if test and result and test.prediction.at_least is not None:
            yield from (case.evidence[i].query for i in result.evidence_ids if i in case.evidence)


def _asks(template: str, query: str) -> bool:
    pattern = re.escape(template).replace(r"\$window", r"[^\]]+").replace(r"\$by", r"[^)]*")
    return re.search(pattern, query) is not None
