"""What a rule in force does at each round: pure, so that every transition can be tested.

A rule fires for a series once its condition has held for `for_seconds`, as in Prometheus.

| series before | this round                    | after                                          |
|---------------|-------------------------------|------------------------------------------------|
| none          | condition holds               | pending; firing at once where `for` is 0       |
| pending       | condition holds               | firing once `for` is over                      |
| pending       | anything else                 | none                                           |
| firing        | condition holds               | firing, same start                             |
| firing        | measured, and does not hold   | ended                                          |
| firing        | not in the answer             | firing still, ended after `keep_seconds`       |
| firing        | no data at all, or an error   | firing still: silence is not health            |
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from holdfast.model.base import Record, UtcTime
from holdfast.model.evidence import Evidence, Outcome, Sample, Vector
from holdfast.slo.conditions import Condition
from holdfast.slo.rule_files import RuleInForce

RuleState = Literal["firing", "pending", "ok", "no_data", "error"]

_ALMOST = 0.95
"""Of `for_seconds`: rounds are not exactly as far apart as they are meant to be."""

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A rule's key and a series' labels."""


class RuleWarning(Record):
    """A rule that fires for a series. It is told and kept; it pages nobody.

    `labels` are the series', with the rule's over them; `source` is what the rule came from, for
    Holdfast's own the incident. `value` is the level when it began to fire.
    """

    name: str
    source: str
    service: str
    since: UtcTime
    value: float
    labels: dict[str, str]
    summary: str = ""
    evidence_id: str = ""


class RuleReading(Record):
    """One rule at one round. `no_data`: nothing was measured, which is no sign of health."""

    name: str
    source: str
    service: str
    state: RuleState
    detail: str = ""
    """Why there is no reading."""


@dataclass(frozen=True)
class Tracked:
    """One series of one rule since its condition began to hold. Times are Unix seconds."""

    since: float
    seen: float
    value: float
    warning: RuleWarning | None = None
    """What is told, once it fires."""


@dataclass(frozen=True)
class Answer:
    """A rule's answer at one round: each measured series, and whether the condition holds.

    `measured` is None where the answer was an error; empty is no data.
    """

    measured: tuple[tuple[Sample, bool], ...] | None
    evidence: Evidence


def read_answer(condition: Condition | None, evidence: Evidence) -> Answer:
    """Return what the evidence says: of the condition's level, or of the expression itself."""
    if evidence.outcome is Outcome.ERROR or not isinstance(evidence.value, Vector | None):
        return Answer(None, evidence)
    samples = evidence.value.samples if evidence.value else ()
    holds = condition.fires_at if condition else _always
    read = ((sample, holds(sample.value)) for sample in samples)
    # a ratio is infinite where its denominator counted nothing yet: that is no level
    kept = ((sample, held) for sample, held in read if held or math.isfinite(sample.value))
    return Answer(tuple(kept), evidence)


def _always(_value: float) -> bool:
    """What is in the answer of the expression itself holds."""
    return True


def follow(
    known: Mapping[Key, Tracked],
    rule: RuleInForce,
    answer: Answer,
    at: float,
    *,
    keep_seconds: float,
) -> dict[Key, Tracked]:
    """Return the series of one rule after a round at Unix time `at`.

    `keep_seconds`: how long a series that fires may be missing from an answer that has others.
    """
    before = {key: one for key, one in known.items() if key[0] == rule.key}
    if not answer.measured:
        return {key: one for key, one in before.items() if one.warning is not None}
    after: dict[Key, Tracked] = {}
    gone = dict(before)
    for sample, holds in answer.measured:
        key = (rule.key, tuple(sorted(sample.labels.items())))
        old = gone.pop(key, None)
        if holds:
            after[key] = _held(old, rule, sample, answer, at)
    still = {
        key: one
        for key, one in gone.items()
        if one.warning is not None and at - one.seen <= keep_seconds
    }
    return {**after, **still}


def reading_of(
    rule: RuleInForce, condition: Condition | None, answer: Answer, tracked: Iterable[Tracked]
) -> RuleReading:
    """Return what a round says of a rule; `tracked` are its series after the round."""
    now = list(tracked)
    state: RuleState
    detail = ""
    if answer.measured is None:
        state, detail = "error", answer.evidence.error or "the answer is no instant vector"
    elif not answer.measured and condition is not None:
        state, detail = "no_data", "no data"
    elif any(one.warning is not None for one in now):
        state = "firing"
    else:
        state = "pending" if now else "ok"
    return RuleReading(
        name=rule.rule.name,
        source=rule.source,
        service=rule.rule.labels.get("service", ""),
        state=state,
        detail=detail,
    )


def warnings_of(tracked: Mapping[Key, Tracked]) -> tuple[RuleWarning, ...]:
    """Return all warnings that fire, longest first."""
    found = [one.warning for one in tracked.values() if one.warning is not None]
    return tuple(sorted(found, key=lambda warning: (warning.since, warning.name)))


def restored(
    rules: Sequence[RuleInForce], open_: Iterable[RuleWarning], at: float
) -> dict[Key, Tracked]:
    """Return the series that fired when a watch stopped, as far as their rules are in force."""
    found: dict[Key, Tracked] = {}
    for warning in open_:
        for rule in rules:
            if (rule.source, rule.rule.name) == (warning.source, warning.name):
                own = {k: v for k, v in warning.labels.items() if k not in rule.rule.labels}
                since = warning.since.timestamp()
                key = (rule.key, tuple(sorted(own.items())))
                found[key] = Tracked(since, at, warning.value, warning)
    return found


def _held(
    old: Tracked | None, rule: RuleInForce, sample: Sample, answer: Answer, at: float
) -> Tracked:
    now = replace(old, seen=at, value=sample.value) if old else Tracked(at, at, sample.value)
    if now.warning is not None or at - now.since < _ALMOST * rule.rule.for_seconds:
        return now
    warning = RuleWarning(
        name=rule.rule.name,
        source=rule.source,
        service=rule.rule.labels.get("service", ""),
        since=datetime.fromtimestamp(at, UTC),
        value=sample.value,
        labels={**sample.labels, **rule.rule.labels},
        summary=rule.rule.annotations.get("summary", ""),
        evidence_id=answer.evidence.id,
    )
    return replace(now, warning=warning)
