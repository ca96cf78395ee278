"""Rules in force, evaluated at each round: what fires is a warning, told and kept, and no page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from holdfast.diagnosis.triage import services_in_question
from holdfast.engine.investigating import keep
from holdfast.engine.world import World
from holdfast.errors import HoldfastError, LedgerError
from holdfast.evidence.ask import Asker
from holdfast.ledger.store import Entry
from holdfast.model.event import Noted
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome, Table
from holdfast.slo.conditions import condition_of
from holdfast.slo.rule_files import RuleInForce, rules_in_force
from holdfast.slo.rule_state import (
    Key,
    RuleReading,
    RuleWarning,
    Tracked,
    follow,
    read_answer,
    reading_of,
    restored,
    warnings_of,
)
from holdfast.slo.warning_log import FILE, WarningEntry, append
from holdfast.slo.warning_log import read as read_log

_QUERIES_AT_ONCE = 4
_KEPT_ROUNDS = 5
"""Rounds for which a series that fires may be missing from an answer: traffic may be scarce."""

TOLD_COLUMNS = (
    "rule",
    "source",
    "service",
    "version",
    "unix_seconds",
    "seconds_before",
    "value",
)
"""Of the evidence kept with an incident that rules had told of; `source` is the rule's own
incident, `version` is empty where the rule is not split by version."""


@dataclass(frozen=True)
class RuleRound:
    """What the rules in force said at one round. `problems` are files that cannot be read."""

    warnings: tuple[RuleWarning, ...] = ()
    readings: tuple[RuleReading, ...] = ()
    problems: tuple[str, ...] = ()


class RuleWatch:
    """Remembers what fires; after a restart it is read back from the file of warnings."""

    def __init__(self, world: World) -> None:
        self._folder = world.config.data_folder
        self._interval_seconds = world.config.evaluation_interval_seconds
        self._asker = Asker(world.source, world.clock)
        self._tracked: dict[Key, Tracked] | None = None
        self._lost: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[RuleWarning, ...]:
        """What fires, as of the latest round: here, or of the watch that runs elsewhere.

        Where the file of warnings cannot be read none is known; the rounds say so.
        """
        if self._tracked is not None:
            return warnings_of(self._tracked)
        try:
            return read_log(self._folder).open
        except LedgerError:
            return ()

    def evaluate(self, at: float) -> RuleRound:
        """Ask one query a rule at Unix time `at`; keep what begins and what ends.

        What keeps the rules from being followed is a problem that is told: burn rates are read all
        the same.
        """
        try:
            return self._evaluated(at)
        except HoldfastError as error:
            return RuleRound(self.warnings, problems=(str(error),))

    def _evaluated(self, at: float) -> RuleRound:
        found = rules_in_force(self._folder)
        before = self._restored(found.rules, at) if self._tracked is None else self._tracked
        after: dict[Key, Tracked] = {}
        readings: list[RuleReading] = []
        for rule, evidence in zip(found.rules, self._answers(found.rules, at), strict=True):
            condition = condition_of(rule.rule.expression)
            answer = read_answer(condition, evidence)
            keep_seconds = max(rule.rule.for_seconds, _KEPT_ROUNDS * self._interval_seconds)
            own = follow(before, rule, answer, at, keep_seconds=keep_seconds)
            readings.append(reading_of(rule, condition, answer, own.values()))
            after |= own
        self._note(before, after, at)
        self._tracked = after
        return RuleRound(warnings_of(after), tuple(readings), (*found.problems, *self._lost))

    def _answers(self, rules: Sequence[RuleInForce], at: float) -> list[Evidence]:
        queries = [_query(rule) for rule in rules]
        once = list(dict.fromkeys(queries))
        if len(once) < 2:
            answers = [self._asker.instant(query, at) for query in once]
        else:
            with ThreadPoolExecutor(_QUERIES_AT_ONCE) as pool:
                answers = list(pool.map(partial(self._asker.instant, at=at), once))
        by_query = dict(zip(once, answers, strict=True))
        return [by_query[query] for query in queries]

    def _restored(self, rules: Sequence[RuleInForce], at: float) -> dict[Key, Tracked]:
        """Return what fired when the watch before this one stopped.

        What fired by a rule that is no longer in force has ended.
        """
        log = read_log(self._folder)
        self._lost = log.problems
        known = restored(rules, log.open, at)
        kept = [one.warning for one in known.values()]
        gone = [warning for warning in log.open if warning not in kept]
        append(self._folder, (_entry("ended", warning, at) for warning in gone))
        return known

    def _note(self, before: Mapping[Key, Tracked], after: Mapping[Key, Tracked], at: float) -> None:
        old = {key: one.warning for key, one in before.items() if one.warning}
        new = {key: one.warning for key, one in after.items() if one.warning}
        ended = [_entry("ended", warning, at) for key, warning in old.items() if key not in new]
        began = [_entry("began", warning, at) for key, warning in new.items() if key not in old]
        append(self._folder, (*ended, *began))


def told_before(
    warnings: Sequence[RuleWarning], service: str, opened_at: datetime, world: World
) -> list[Entry]:
    """Return the entries that say which rules had told of an incident, and how long before.

    A rule tells of it where it watches the service or one that it calls. The numbers are kept as
    evidence: a report can compute them again.
    """
    services = services_in_question(service, world.services)
    told = [w for w in warnings if w.service in services and w.since <= opened_at]
    if not told:
        return []
    rows = tuple(_row(warning, opened_at, world) for warning in told)
    evidence = Evidence.seal(
        kind=EvidenceKind.LEDGER,
        query=f"warnings of {', '.join(services)} at {opened_at.timestamp():.3f}",
        source=str(world.config.data_folder / FILE),
        asked_at=world.clock(),
        outcome=Outcome.DATA,
        value=Table(columns=TOLD_COLUMNS, rows=rows),
    )
    notes: list[Entry] = [
        (f"warned:{number}", Noted(text=_said(warning, opened_at)))
        for number, warning in enumerate(told, start=1)
    ]
    return [*keep(evidence), *notes]


def _query(rule: RuleInForce) -> str:
    """Return what to ask: the level, where the rule compares one; else the expression itself."""
    condition = condition_of(rule.rule.expression)
    return condition.level if condition else rule.rule.expression


def _entry(event: str, warning: RuleWarning, at: float) -> WarningEntry:
    moment = datetime.fromtimestamp(at, UTC)
    return WarningEntry(event="began" if event == "began" else "ended", at=moment, warning=warning)


def _row(
    warning: RuleWarning, opened_at: datetime, world: World
) -> tuple[str | float | int | bool | None, ...]:
    label = world.services[warning.service].version_label
    before = (opened_at - warning.since).total_seconds()
    return (
        warning.name,
        warning.source,
        warning.service,
        warning.labels.get(label, ""),
        warning.since.timestamp(),
        before,
        warning.value,
    )


def _said(warning: RuleWarning, opened_at: datetime) -> str:
    before = (opened_at - warning.since).total_seconds()
    summary = f": {warning.summary}" if warning.summary else ""
    return (
        f"the rule {warning.name} of {warning.source} had told of it {before:.1f} s before, "
        f"with a value of {warning.value:.3g}{summary}"
    )
