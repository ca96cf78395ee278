"""Asks the closing checks of action items again, as far as a machine can ask them.

What a person has to say, or what cannot be reached now, is `cannot be asked`, with why: an unknown
is no pass, and no failure either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from holdfast.delivery.versions import is_earlier
from holdfast.errors import ConfigError, HoldfastError
from holdfast.learning import action_items as rules
from holdfast.model.base import Record
from holdfast.model.case import Case
from holdfast.model.config import Config
from holdfast.model.evidence import Evidence, Outcome
from holdfast.model.fix import Fix
from holdfast.model.lesson import ActionItem
from holdfast.model.prevention import AlertRule
from holdfast.model.service import UNASSIGNED, Service
from holdfast.slo.conditions import condition_of
from holdfast.slo.rule_files import read_rules, rule_path

Result = Literal["holds", "does not hold", "cannot be asked"]


class ItemCheck(Record):
    """What became of one item's closing check."""

    incident_id: str
    item: ActionItem
    result: Result
    detail: str
    overdue: bool


class Asks(Protocol):
    """What is asked of the world. Each raises a HoldfastError where it cannot answer."""

    def weights(self, service: str) -> dict[str, float]:
        """Return what serves: version → percent."""
        ...

    def contains(self, service: Service, branch: str, commit: str) -> bool:
        """Whether a branch of the service's repository contains a commit."""
        ...

    def measure(self, query: str) -> Evidence:
        """Return the answer to PromQL now."""
        ...


@dataclass(frozen=True)
class _Checked:
    """An answer before it is told of an item."""

    result: Result
    detail: str


@dataclass(frozen=True)
class _Facts:
    case: Case
    config: Config
    asks: Asks

    @property
    def fix(self) -> Fix | None:
        """The fix that was written, if there is one."""
        return self.case.repaired.fix if self.case.repaired else None

    def service(self, name: str) -> Service | None:
        """Return a service of the catalog."""
        return next((s for s in self.config.services if s.name == name), None)


def check_items(case: Case, config: Config, asks: Asks, today: date) -> tuple[ItemCheck, ...]:
    """Return what each item's closing check says now."""
    facts = _Facts(case, config, asks)
    known = {rules.item_id(case, rule): check for rule, check in _checks(facts)}
    return tuple(
        ItemCheck(
            incident_id=case.incident_id,
            item=item,
            result=checked.result,
            detail=checked.detail,
            overdue=is_overdue(item, today),
        )
        for item in case.action_items
        for checked in (_asked(facts, known.get(item.id, _by_a_person)),)
    )


def is_overdue(item: ActionItem, today: date) -> bool:
    """Whether it is still open after its day."""
    return item.status == "open" and item.due < today


_Check = Callable[[_Facts], _Checked]


def _checks(facts: _Facts) -> Iterator[tuple[str, _Check]]:
    yield rules.FIX, _fix_serves
    yield rules.MERGE, _is_merged
    yield rules.ALERT, _rule_answers
    yield rules.REVIEW, _is_asked_for
    for service in facts.config.services:
        yield rules.owner_rule(service.name), _owner_of(service)
        yield rules.deployer_rule(service.name), _deployer_of(service)


def _asked(facts: _Facts, check: _Check) -> _Checked:
    try:
        return check(facts)
    except HoldfastError as error:
        return _Checked("cannot be asked", str(error))


def _by_a_person(_facts: _Facts) -> _Checked:
    return _Checked("cannot be asked", "a person says so: `holdfast actions close`")


def _fix_serves(facts: _Facts) -> _Checked:
    fix = facts.fix
    if fix is None:
        return _Checked("cannot be asked", "no fixed version is known")
    weights = facts.asks.weights(fix.service)
    serving = sorted(version for version, weight in weights.items() if weight > 0)
    said = f"{', '.join(serving) or 'nothing'} serves {fix.service}; the fix is {fix.version}"
    if serving and all(v == fix.version or is_earlier(fix.version, v) for v in serving):
        return _Checked("holds", said)
    if all(v == fix.version or _ordered(fix.version, v) for v in serving):
        return _Checked("does not hold", said)
    return _Checked("cannot be asked", f"{said}: which is later is not known")


def _ordered(first: str, second: str) -> bool:
    return is_earlier(first, second) or is_earlier(second, first)


def _is_merged(facts: _Facts) -> _Checked:
    fix = facts.fix
    service = facts.service(fix.service) if fix else None
    if fix is None or service is None or service.repository is None:
        return _Checked("cannot be asked", "no branch with a fix is known here")
    branch = rules.code_settings(service).branch
    inside = facts.asks.contains(service, branch, fix.commit)
    verb = "contains" if inside else "does not contain"
    said = f"{branch} of {service.name} {verb} {fix.commit[:12]}"
    return _Checked("holds" if inside else "does not hold", said)


def _is_asked_for(facts: _Facts) -> _Checked:
    fix = facts.fix
    service = facts.service(fix.service) if fix else None
    if fix is None or rules.code_settings(service).review_checklist not in fix.files:
        return _by_a_person(facts)
    return _is_merged(facts)


def _rule_answers(facts: _Facts) -> _Checked:
    prevented = facts.case.prevented
    if prevented is None or prevented.prevention is None:
        why = prevented.reason if prevented else "prevention was not tried"
        return _Checked("cannot be asked", f"no rule is in force: {why}")
    rule = prevented.prevention.rule
    if wrong := _not_in_force(facts, rule):
        return _Checked("does not hold", wrong)
    condition = condition_of(rule.expression)
    answer = facts.asks.measure(condition.level if condition else rule.expression)
    match answer.outcome:
        case Outcome.DATA:
            return _Checked("holds", f"{rule.name} is in force, and answered")
        case Outcome.NO_DATA:
            return _Checked("does not hold", f"{rule.name} is in force, and blind: no data")
        case Outcome.ERROR:
            return _Checked("cannot be asked", answer.error)


def _not_in_force(facts: _Facts, rule: AlertRule) -> str:
    """Say what keeps the rule from being in force as it was proven; empty if nothing does."""
    path = rule_path(facts.config.data_folder, facts.case.incident_id)
    if not path.exists():
        return f"{rule.name} is not in force: {path} is not there"
    try:
        found = read_rules(path)
    except ConfigError as error:
        return str(error)
    if not any((r.expression, r.for_seconds) == (rule.expression, rule.for_seconds) for r in found):
        return f"{rule.name} is not in force as it was proven: {path} was changed"
    return ""


def _owner_of(service: Service) -> _Check:
    def check(_facts: _Facts) -> _Checked:
        named = service.owner != UNASSIGNED
        said = f"the catalog names {service.owner if named else 'no owner'}"
        return _Checked("holds" if named else "does not hold", said)

    return check


def _deployer_of(service: Service) -> _Check:
    def check(_facts: _Facts) -> _Checked:
        if service.deployer is None:
            return _Checked("does not hold", f"{service.name} has no deployer")
        return _Checked("holds", f"{service.name} is deployed by {service.deployer}")

    return check
