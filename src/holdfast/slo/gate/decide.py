"""Whether a change may go out. Pure: policy, budgets, exceptions and the time in; a decision out.

| what is found | decision |
|---|---|
| every objective's stage allows the change, no large incident is without a review | open |
| a stage, or a large incident without a review, does not allow it | frozen |
| otherwise a budget is not known: no answer, in part, too little or too old | unknown: closed |
| frozen or unknown, and an exception of the policy's approvers holds | open, and told |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from holdfast.model.budget_policy import ALL_CHANGES, ErrorBudgetPolicy, PolicyStage
from holdfast.model.gate import (
    EVERY_SERVICE,
    BudgetIncident,
    GateDecision,
    GateException,
    GateReading,
    IncidentReview,
)
from holdfast.slo.budgets.periods import seconds_in_words
from holdfast.slo.files.policy import budget_span
from holdfast.slo.gate.audit import in_force
from holdfast.slo.gate.incidents import large_incidents
from holdfast.slo.gate.live import LiveBudget

Entry = GateException | IncidentReview


def decide(
    policy: ErrorBudgetPolicy,
    budgets: Sequence[LiveBudget],
    entries: Sequence[Entry],
    *,
    service: str,
    change_type: str,
    now: datetime,
) -> GateDecision:
    """Return the decision for one kind of change; `service` is `*` where all are asked about."""
    readings = tuple(_reading(policy, each, entries, change_type) for each in budgets)
    closed = [reading for reading in readings if not reading.allows]
    exception, notes = _exception(policy, entries, service, change_type, now)
    worst = _worst(policy, readings)
    decision = "open"
    if closed and exception is None:
        decision = "unknown" if all(r.stage is None for r in closed) else "frozen"
    return GateDecision(
        decision=decision,
        service=service,
        change_type=change_type,
        at=now,
        policy=policy.name,
        reasons=tuple(reading.reason for reading in (closed or readings)),
        allowed_changes=_allowed_by_all(readings),
        velocity=worst.velocity if worst else "",
        review=worst.review if worst else "",
        readings=readings,
        exception=exception if closed else None,
        notes=notes if closed else (),
    )


# ---- one objective -----------------------------------------------------------------------------


def _reading(
    policy: ErrorBudgetPolicy, live: LiveBudget, entries: Sequence[Entry], change_type: str
) -> GateReading:
    account, slo = live.account, live.slo
    problem = _problem(policy, live)
    if account is None or account.remaining_fraction is None or problem:
        measured = 0.0 if account is None else account.covered_fraction * account.known_fraction
        return GateReading(
            slo=slo.name,
            service=slo.service,
            remaining_fraction=None,
            measured_fraction=measured,
            stage=None,
            allows=False,
            allowed_changes=(),
            incidents=(),
            reason=f"the budget of {slo.name} is not known: {problem}",
            statement="" if account is None else account.statement,
        )
    stage = policy.stage_at(account.remaining_fraction)
    incidents = tuple(_incidents(policy, live, entries))
    waiting = [one for one in incidents if not one.reviewed_in]
    allowed = _allowed(policy, stage, waiting)
    return GateReading(
        slo=slo.name,
        service=slo.service,
        remaining_fraction=account.remaining_fraction,
        measured_fraction=account.covered_fraction * account.known_fraction,
        stage=stage.name,
        allows=ALL_CHANGES in allowed or change_type in allowed,
        allowed_changes=allowed,
        incidents=incidents,
        reason=_reason(policy, slo.name, account.remaining_fraction, stage, waiting, change_type),
        statement=account.statement,
    )


def _problem(policy: ErrorBudgetPolicy, live: LiveBudget) -> str:
    account = live.account
    if account is None:
        return live.problem or "it was not read"
    if account.remaining_fraction is None:
        return account.statement
    measured = account.covered_fraction * account.known_fraction
    if measured < policy.covered_at_least:
        return (
            f"{100 * measured:.1f} % of its period is measured, and the policy asks for "
            f"{100 * policy.covered_at_least:g} % (covered_at_least)"
        )
    old, step = live.newest_seconds_old, 0.0 if live.history is None else live.history.step_seconds
    if old is None or old > max(policy.measured_within_seconds, 2 * step):
        since = "never" if old is None else f"{seconds_in_words(old)} ago"
        return f"it was last measured {since} (measured_within_seconds)"
    return ""


def _incidents(
    policy: ErrorBudgetPolicy, live: LiveBudget, entries: Sequence[Entry]
) -> Iterator[BudgetIncident]:
    if live.history is None or live.account is None:
        return
    limit = policy.single_incident.budget_fraction
    reviews = [
        entry
        for entry in entries
        if isinstance(entry, IncidentReview) and entry.service in (live.slo.service, EVERY_SERVICE)
    ]
    for one in large_incidents(live.slo, live.history, live.account, live.corrections, limit):
        document = next((r.document for r in reviews if r.created_at >= one.end), "")
        yield one.model_copy(update={"reviewed_in": document})


def _allowed(
    policy: ErrorBudgetPolicy, stage: PolicyStage, waiting: Sequence[BudgetIncident]
) -> tuple[str, ...]:
    if not waiting:
        return stage.allowed_changes
    return _both(stage.allowed_changes, policy.single_incident.allowed_changes)


def _both(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    if ALL_CHANGES in one:
        return other
    return one if ALL_CHANGES in other else tuple(change for change in one if change in other)


def _reason(
    policy: ErrorBudgetPolicy,
    slo: str,
    remaining: float,
    stage: PolicyStage,
    waiting: Sequence[BudgetIncident],
    change_type: str,
) -> str:
    left = f"{100 * remaining:.1f} % of the budget of {slo} is left"
    staged = f"{left}: stage {stage.name} ({budget_span(stage)})"
    if not stage.allows(change_type):
        return f"{staged} does not allow {change_type}"
    if waiting:
        one = max(waiting, key=lambda each: each.spent_fraction)
        return (
            f"{staged}, but one incident ({one.start:%Y-%m-%d %H:%M} to {one.end:%H:%M} UTC) spent "
            f"{100 * one.spent_fraction:.1f} % of it, more than "
            f"{100 * policy.single_incident.budget_fraction:g} %, and no post-mortem is on record"
        )
    return f"{staged} allows {change_type}"


# ---- all of them -------------------------------------------------------------------------------


def _worst(policy: ErrorBudgetPolicy, readings: Sequence[GateReading]) -> PolicyStage | None:
    """The last of the stages that any objective is in; None = none is known."""
    names = {reading.stage for reading in readings}
    return next((stage for stage in reversed(policy.stages) if stage.name in names), None)


def _allowed_by_all(readings: Sequence[GateReading]) -> tuple[str, ...]:
    allowed: tuple[str, ...] = (ALL_CHANGES,) if readings else ()
    for reading in readings:
        allowed = _both(allowed, reading.allowed_changes)
    return allowed


def _exception(
    policy: ErrorBudgetPolicy,
    entries: Sequence[Entry],
    service: str,
    change_type: str,
    now: datetime,
) -> tuple[GateException | None, tuple[str, ...]]:
    """The newest exception that holds for this change, and why others do not."""
    notes: list[str] = []
    for entry in reversed(entries):
        if not isinstance(entry, GateException) or not _concerns(entry, service, change_type):
            continue
        holds, why = in_force(entry, policy, now)
        if holds:
            return entry, ()
        notes.append(f"the exception {entry.id} of {entry.approver} does not count: {why}")
    return None, tuple(notes)


def _concerns(entry: GateException, service: str, change_type: str) -> bool:
    return entry.service in (service, EVERY_SERVICE) and entry.change_type in (
        change_type,
        ALL_CHANGES,
    )
