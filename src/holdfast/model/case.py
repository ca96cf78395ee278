"""The case: an incident's state, a fold of its events. Reasoners and decisions read this only."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from holdfast.model.action import (
    Action,
    Approval,
    GuardDecision,
    Performance,
    Verdict,
)
from holdfast.model.base import Record, UtcTime
from holdfast.model.event import (
    CanaryLooked,
    Claimed,
    Escalated,
    Opened,
    PostmortemWritten,
    Prevented,
    Repaired,
    SeverityRaised,
    Triaged,
)
from holdfast.model.evidence import Evidence
from holdfast.model.hypothesis import Hypothesis, Test, TestResult
from holdfast.model.incident import IncidentOutcome, Milestone, Severity, Status
from holdfast.model.lesson import ActionItem

Part = Literal["act", "undo"]


class ActionCase(Record):
    """One action and all that happened to it, oldest first."""

    action: Action
    proposed_at: UtcTime
    guard: GuardDecision | None = None
    undo_guard: GuardDecision | None = None
    """The guard's decision on undoing it, where that was needed."""
    approvals_weighed: int = 0
    """How many approvals the latest guard decision has seen."""
    approvals: tuple[Approval, ...] = ()
    claims: tuple[Claimed, ...] = ()
    claimed_at: tuple[UtcTime, ...] = ()
    performances: tuple[Performance, ...] = ()
    performed_at: tuple[UtcTime, ...] = ()
    verdict: Verdict | None = None
    verified_at: UtcTime | None = None
    looks: tuple[CanaryLooked, ...] = ()
    """What the canary judge said so far, oldest first."""

    def claimed(self, part: Part) -> int:
        """How many attempts at this part were claimed."""
        return sum(claim.part == part for claim in self.claims)

    def outcome_of(self, part: Part) -> str | None:
        """What came of the latest claim of this part; None while it is unanswered or unmade."""
        answers = [p for p in self.performances if p.part == part]
        return answers[-1].outcome if answers and not self.unanswered(part) else None

    def unanswered(self, part: Part) -> bool:
        """Whether the latest claim of this part has no answer: its writer died, or is writing."""
        answered = max((p.attempt for p in self.performances if p.part == part), default=0)
        return self.claimed(part) > answered


class Case(Record):
    """Everything known of one incident. Rebuilt from the ledger at each step."""

    incident_id: str
    opened_at: UtcTime
    opened: Opened
    raised: SeverityRaised | None = None
    status: Status = Status.TRIAGE
    outcome: IncidentOutcome | None = None
    concluded_at: UtcTime | None = None
    """When the outcome was found."""
    triage: Triaged | None = None
    evidence: dict[str, Evidence] = Field(default_factory=dict[str, Evidence])
    hypotheses: dict[str, Hypothesis] = Field(default_factory=dict[str, Hypothesis])
    tests: dict[str, Test] = Field(default_factory=dict[str, Test])
    results: dict[str, TestResult] = Field(default_factory=dict[str, TestResult])
    """By test id."""
    actions: dict[str, ActionCase] = Field(default_factory=dict[str, ActionCase])
    milestones: dict[str, Milestone] = Field(default_factory=dict[str, Milestone])
    repaired: Repaired | None = None
    prevented: Prevented | None = None
    action_items: tuple[ActionItem, ...] = ()
    escalated: Escalated | None = None
    postmortem: PostmortemWritten | None = None
    contract_unmet: tuple[str, ...] | None = None
    """None until the completion contract was checked."""
    last_event_at: UtcTime
    last_sequence: int

    @property
    def severity(self) -> Severity:
        """The severity now: as opened, or as raised since."""
        return self.raised.severity if self.raised else self.opened.severity

    @property
    def severity_reason(self) -> str:
        """Why it is that severity."""
        return self.raised.reason if self.raised else self.opened.severity_reason

    @property
    def concluded(self) -> bool:
        """Whether an outcome stands: what follows is learning only."""
        return self.outcome is not None

    @property
    def open_tests(self) -> tuple[Test, ...]:
        """Tests whose prediction is on record and whose answer is not."""
        return tuple(test for test in self.tests.values() if test.id not in self.results)

    @property
    def latest_action(self) -> ActionCase | None:
        """The action proposed last: at most one is under way."""
        return next(reversed(self.actions.values()), None)

    @property
    def awaits_approval(self) -> bool:
        """Whether a person was asked and has not answered."""
        latest = self.latest_action
        return latest is not None and latest.guard is not None and latest.guard.decision == "ask"
