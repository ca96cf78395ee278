"""The case: an incident's state, a fold of its events. Reasoners and decisions read this only."""

from __future__ import annotations

from pydantic import Field

from holdfast.model.action import (
    Action,
    Approval,
    GuardDecision,
    Performance,
    Verdict,
)
from holdfast.model.base import Record, UtcTime
from holdfast.model.event import Claimed, Escalated, Opened, PostmortemWritten, Triaged
from holdfast.model.evidence import Evidence
from holdfast.model.hypothesis import Hypothesis, Test, TestResult
from holdfast.model.incident import IncidentOutcome, Milestone, Status
from holdfast.model.lesson import ActionItem


class ActionCase(Record):
    """One action and all that happened to it, oldest first."""

    action: Action
    proposed_at: UtcTime
    guard: GuardDecision | None = None
    approvals: tuple[Approval, ...] = ()
    claims: tuple[Claimed, ...] = ()
    claimed_at: tuple[UtcTime, ...] = ()
    performances: tuple[Performance, ...] = ()
    performed_at: tuple[UtcTime, ...] = ()
    verdict: Verdict | None = None


class Case(Record):
    """Everything known of one incident. Rebuilt from the ledger at each step."""

    incident_id: str
    opened_at: UtcTime
    opened: Opened
    status: Status = Status.TRIAGE
    outcome: IncidentOutcome | None = None
    triage: Triaged | None = None
    evidence: dict[str, Evidence] = Field(default_factory=dict[str, Evidence])
    hypotheses: dict[str, Hypothesis] = Field(default_factory=dict[str, Hypothesis])
    tests: dict[str, Test] = Field(default_factory=dict[str, Test])
    results: dict[str, TestResult] = Field(default_factory=dict[str, TestResult])
    """By test id."""
    actions: dict[str, ActionCase] = Field(default_factory=dict[str, ActionCase])
    milestones: dict[str, Milestone] = Field(default_factory=dict[str, Milestone])
    action_items: tuple[ActionItem, ...] = ()
    escalated: Escalated | None = None
    postmortem: PostmortemWritten | None = None
    contract_unmet: tuple[str, ...] | None = None
    """None until the completion contract was checked."""
    last_event_at: UtcTime
    last_sequence: int
