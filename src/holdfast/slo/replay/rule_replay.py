"""Replays any alerting rules: each expression is asked over the past, in parts, series by series.

Where an expression is a level compared with constants, the level is asked and compared here: a
step without any level is then told as unknown. Else an empty answer may be silence or blindness,
and how much is unknown is not known.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from holdfast.errors import InputError, PromQLError, QueryRefused
from holdfast.evidence.source import MetricsSource
from holdfast.model.evidence import Matrix
from holdfast.model.replay import Action, Spell
from holdfast.model.slo import SLO
from holdfast.slo.conditions import Condition, condition_of
from holdfast.slo.replay.backtest import Fired, spells_of
from holdfast.slo.replay.holding import firing_of
from holdfast.slo.replay.reading import PastSpan, parts
from holdfast.slo.replay.rule_groups import ReplayedRule, RuleFile
from holdfast.slo.replay.substitute import selectors, substitute
from holdfast.slo.replay.windows import Bools, Floats

SERIES_AT_MOST = 1_000
"""Of one rule: each keeps one byte a step."""

_ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
_COMPARE: dict[str, Callable[[Floats, float], Bools]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}

LabelKey = tuple[tuple[str, str], ...]
RuleProgress = Callable[[str, int, int], None]
"""(rule's name, rules done, rules in all)."""


@dataclass
class _Answers:
    """Where a rule's condition holds, by series; `seen` is where its level had any value."""

    steps: int
    conditions: dict[LabelKey, Bools]
    seen: Bools | None


def replay_file(
    source: MetricsSource,
    rules: RuleFile,
    span: PastSpan,
    progress: RuleProgress | None = None,
) -> Fired:
    """Return when the alerts of a file fired within the span.

    Rules that cannot be replayed are left out and named in the notes, with why; InputError where
    that is all of them. Source errors are raised.
    """
    spells: list[Spell] = []
    replayed: list[tuple[str, Action]] = []
    unknown: dict[str, float | None] = {}
    notes: list[str] = []
    put_in: dict[str, None] = {}
    for done, rule in enumerate(rules.alerts):
        try:
            fired, unknown[rule.name], used = _replay(source, rule, rules, span)
        except (PromQLError, QueryRefused, _TooMany) as error:
            notes.append(f"NOT replayed: {rule.name}: {error}")
            continue
        finally:
            if progress is not None:
                progress(rule.name, done + 1, len(rules.alerts))
        spells += fired
        replayed.append((rule.name, rule.action))
        put_in |= dict.fromkeys(used)
        notes += _rounded(rule, span.step_seconds)
    if not replayed:
        raise InputError(f"{rules.path}: no rule of it can be replayed: {'; '.join(notes)}")
    if put_in:
        notes.append(f"recording rules put into the alerts: {', '.join(put_in)}")
    return Fired(rules.name, tuple(spells), tuple(replayed), unknown, tuple(notes))


def of_slo(fired: Fired, slo: SLO) -> Fired:
    """Return what of a rule set speaks of an objective.

    An alert whose labels say another `service` or `slo` is another's; one that says neither may
    speak of any.
    """
    kept = [
        spell
        for spell in fired.spells
        if spell.labels.get("service", slo.service) == slo.service
        and spell.labels.get("slo", slo.name) == slo.name
    ]
    return Fired(fired.name, tuple(kept), fired.rules, fired.unknown_fractions, fired.notes)


class _TooMany(InputError):
    """A rule has more series than can be followed one by one."""


def _replay(
    source: MetricsSource, rule: ReplayedRule, rules: RuleFile, span: PastSpan
) -> tuple[list[Spell], float | None, tuple[str, ...]]:
    """Return a rule's spells, the unknown fraction of evaluations, and recording rules put in."""
    put_in = substitute(rule.expression, rules.records, span.step_seconds)
    of_alerts = {one.name or "" for one in selectors(put_in.expression)} & _ALERTS
    if of_alerts:
        raise PromQLError(f"it asks for {min(of_alerts)}: alerts of alerts are not replayed")
    step = span.step_seconds
    lead = math.ceil((rule.for_seconds + rule.keep_seconds) / step) * step
    begin = math.ceil(span.start / step - 1e-9) * step - lead
    end = math.floor(span.end / step + 1e-9) * step
    answers = _ask(source, put_in.expression, begin, end, step)
    first = round(lead / step)
    ends = begin + step * np.arange(first, answers.steps, dtype=np.float64)
    spells: list[Spell] = []
    for key, condition in answers.conditions.items():
        fires = firing_of(condition, step, rule.for_seconds, rule.keep_seconds)[first:]
        spells += spells_of(rule.name, rule.action, {**dict(key), **rule.labels}, fires, ends)
    unknown = None if answers.seen is None else 1 - float(answers.seen[first:].mean())
    return spells, unknown, put_in.used


def _rounded(rule: ReplayedRule, step: float) -> list[str]:
    """Say which durations are no whole number of steps."""
    notes: list[str] = []
    for what, seconds in (("for", rule.for_seconds), ("keep_firing_for", rule.keep_seconds)):
        if seconds % step > 1e-6:
            rounded = math.ceil(seconds / step) * step
            notes.append(f"{rule.name}: {what} {seconds:g} s is {rounded:g} s at this step")
    return notes


def _ask(source: MetricsSource, expression: str, begin: float, end: float, step: float) -> _Answers:
    """Ask at begin, begin + step … end."""
    steps = round((end - begin) / step) + 1
    condition = condition_of(expression)
    asked = condition.level if condition else expression
    seen = np.zeros(steps, dtype=np.bool_) if condition else None
    answers = _Answers(steps, {}, seen)
    for first, last in parts(begin, end + step, step):
        matrix = source.query_range(asked, first, last - step, step)
        _take(answers, matrix, condition, begin, step, source.name)
    return answers


def _take(
    answers: _Answers,
    matrix: Matrix,
    condition: Condition | None,
    begin: float,
    step: float,
    source: str,
) -> None:
    for series in matrix.series:
        times, values = (np.array(column) for column in zip(*series.points, strict=True))
        places = _places(times, begin, step, answers.steps, source)
        if answers.seen is not None:
            answers.seen[places] = True
        if condition is not None:
            places = places[_holds(condition, values)]
        if len(places):
            labels = {k: v for k, v in series.labels.items() if k != "__name__"}
            _row(answers, tuple(sorted(labels.items())))[places] = True


def _row(answers: _Answers, key: LabelKey) -> Bools:
    if key not in answers.conditions:
        if len(answers.conditions) >= SERIES_AT_MOST:
            raise _TooMany(f"it fires for more than {SERIES_AT_MOST} series: aggregate it")
        answers.conditions[key] = np.zeros(answers.steps, dtype=np.bool_)
    return answers.conditions[key]


def _places(times: Floats, begin: float, step: float, steps: int, source: str) -> np.ndarray:
    exact = (times - begin) / step
    places = np.rint(exact).astype(np.int64)
    if (np.abs(exact - places) > 0.01).any() or places[0] < 0 or places[-1] >= steps:
        raise QueryRefused(f"{source} answered for other steps than were asked")
    return places


def _holds(condition: Condition, values: Floats) -> Bools:
    holds = np.ones(len(values), dtype=np.bool_)
    for limit in condition.limits:
        holds &= _COMPARE[limit.op](values, limit.value)
    return holds
