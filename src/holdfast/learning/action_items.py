"""Action items, derived by rules from the case: the fix, the detection, what was missing.

Nothing here is invented: each rule reads facts, owners come from the catalog or stay
`unassigned`, due dates from severity (`targets.DUE_DAYS`), and each item names the check that
closes it. An item is filed as done only where its check was measured in the incident itself.
Titles hold no numbers: what was measured stands in the post-mortem, as figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from holdfast.learning.cause import Cause, cause_of
from holdfast.learning.prevention.moved import moved_signal
from holdfast.learning.targets import ItemType, due_date
from holdfast.model.action import Purpose
from holdfast.model.case import Case
from holdfast.model.config import Config
from holdfast.model.ids import derived_id
from holdfast.model.incident import IncidentOutcome
from holdfast.model.lesson import ActionItem
from holdfast.model.service import UNASSIGNED, CodeSettings, Service

FIX, MERGE, ALERT, BURN_ALERT, REVIEW, TRAINING, CANARY = (
    "fix",
    "merge",
    "alert",
    "burn alert",
    "review",
    "training",
    "canary",
)
"""Rules that file items, by name: an item's id follows from its incident and its rule."""


def owner_rule(service: str) -> str:
    """Return the rule by which an owner is asked for."""
    return f"owner {service}"


def deployer_rule(service: str) -> str:
    """Return the rule by which a deployer is asked for."""
    return f"deployer {service}"


@dataclass(frozen=True)
class _Draft:
    """An item before it has an owner and a date; `service` is whose owner takes it."""

    rule: str
    type: ItemType
    title: str
    check: str
    service: str
    done: bool = False


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


def is_merged(case: Case) -> bool:
    """Whether the fix's branch was merged, and the merge was not taken back."""
    return _was_seen(case, "merge") and not _was_seen(case, "withdraw")


def code_settings(service: Service | None) -> CodeSettings:
    """Return how a service's repository is worked in; the usual way where that is not told."""
    return (service.code if service else None) or CodeSettings()


def _is_fixed(case: Case) -> bool:
    """Whether the fixed version was measured to serve all traffic well."""
    fixed = case.outcome is IncidentOutcome.FIXED or _was_seen(case, "release")
    return fixed and not _was_seen(case, "withdraw")


def _was_seen(case: Case, purpose: Purpose) -> bool:
    """Whether an action of that purpose had its effect, and was not undone."""
    return any(
        one.verdict is not None and one.verdict.effect == "seen" and one.outcome_of("undo") is None
        for one in case.actions.values()
        if one.action.purpose == purpose
    )


def _finished(facts: _Facts, draft: _Draft) -> ActionItem:
    case = facts.case
    detected = case.milestones.get("detected")
    at = detected.at if detected else case.opened_at
    service = facts.services.get(draft.service)
    return ActionItem(
        id=item_id(case, draft.rule),
        type=draft.type,
        title=draft.title,
        owner=service.owner if service else UNASSIGNED,
        due=due_date(case.severity, draft.type, at),
        check=draft.check,
        status="done" if draft.done else "open",
    )


def item_id(case: Case, rule: str) -> str:
    """Return the id that the item of a rule has in this incident, filed or not."""
    return derived_id("item", case.opened_at, f"{case.incident_id} {rule}")


def _permanent_fix(facts: _Facts) -> Iterator[_Draft]:
    mechanism, change = facts.cause.mechanism, facts.cause.change
    if mechanism is not None:
        first = {spot.path: spot for spot in reversed(mechanism.code)}
        places = ", ".join(f"{path}:{spot.line}" for path, spot in sorted(first.items()))
        where = f" at {places}" if places else ""
        doubt = "" if facts.cause.supported else "suspected "
        yield _Draft(
            FIX,
            "prevent",
            f"Fix the {doubt}mechanism {mechanism.mechanism} in {mechanism.service}{where}",
            f"the fix serves all traffic of {mechanism.service} by canary and the objective of "
            f"{facts.case.opened.service} holds; the measures of this incident's tests are back "
            "at their level from before",
            mechanism.service,
            done=_is_fixed(facts.case),
        )
    elif facts.cause.origin is not None:
        released = f" ({change.to_version})" if change and change.to_version else ""
        yield _Draft(
            FIX,
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


def _merge(facts: _Facts) -> Iterator[_Draft]:
    """A branch that waits for a person."""
    fix = facts.case.repaired.fix if facts.case.repaired else None
    if fix is None or is_merged(facts.case):
        return
    into = code_settings(facts.services.get(fix.service)).branch
    yield _Draft(
        MERGE,
        "prevent",
        f"Review and merge the branch `{fix.branch}` of {fix.service}, and release `{fix.version}`",
        f"`{into}` of {fix.service} contains `{fix.commit}`",
        fix.service,
    )


def _earlier_alert(facts: _Facts) -> Iterator[_Draft]:
    moved = moved_signal(facts.case, facts.services)
    prevented = facts.case.prevented.prevention if facts.case.prevented else None
    if prevented is not None or moved is not None:
        service = prevented.service if prevented else facts.culprit
        words = moved.words if moved else "what showed the mechanism"
        yield _Draft(
            ALERT,
            "detect",
            f"Alert on {words} of {service}, by version",
            "the alert fires on this incident's evidence and is silent on its healthy window; "
            "it is in force, and it is answered",
            service,
            done=prevented is not None and prevented.proof.holds,
        )
    elif facts.case.opened.alert is None:
        yield _Draft(
            BURN_ALERT,
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
            CANARY,
            "process",
            f"Release {change.service} by canary, judged by the objective of "
            f"{facts.case.opened.service}",
            "a release that carries this incident's fault is stopped at its canary share",
            change.service,
        )


def _review(facts: _Facts) -> Iterator[_Draft]:
    """What reviewers look for from now on; the fix may have brought it along."""
    mechanism, service = facts.cause.mechanism, facts.services.get(facts.culprit)
    if mechanism is None or service is None or service.repository is None:
        return
    settings = code_settings(service)
    fix = facts.case.repaired.fix if facts.case.repaired else None
    brought = fix is not None and settings.review_checklist in fix.files
    yield _Draft(
        REVIEW,
        "process",
        f"Ask for {mechanism.mechanism} in the review checklist of {service.name}",
        f"`{settings.review_checklist}` on `{settings.branch}` of {service.name} asks for it",
        service.name,
        done=brought and is_merged(facts.case),
    )


def _training(facts: _Facts) -> Iterator[_Draft]:
    mechanism = facts.cause.mechanism
    if mechanism is not None:
        yield _Draft(
            TRAINING,
            "process",
            f"Show the team of {mechanism.service} how {mechanism.mechanism} came in, which "
            "measure shows it and how it is refused in review",
            "the post-mortem was gone through with the team; a person says so with "
            "`holdfast actions close`",
            mechanism.service,
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
            deployer_rule(service.name),
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
            owner_rule(name),
            "process",
            f"Name an owner of {name} in the catalog",
            f"the catalog names an owner of {name}",
            name,
        )


_RULES: tuple[Callable[[_Facts], Iterator[_Draft]], ...] = (
    _permanent_fix,
    _merge,
    _find_cause,
    _earlier_alert,
    _mitigation,
    _canary,
    _review,
    _training,
    _missing_signals,
    _owner,
)
