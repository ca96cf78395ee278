"""What the ledger holds: one envelope, and one payload record per kind of event."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from holdfast.model.action import (
    Action,
    Approval,
    GuardDecision,
    Performance,
    Verdict,
    WorldState,
)
from holdfast.model.alert import Alert
from holdfast.model.base import Record, UtcTime
from holdfast.model.change import Change
from holdfast.model.evidence import Evidence
from holdfast.model.fix import DeclinedFix, Fix
from holdfast.model.hypothesis import Hypothesis, Test, TestResult
from holdfast.model.incident import (
    Claim,
    Impact,
    IncidentOutcome,
    Milestone,
    Severity,
    Status,
)
from holdfast.model.lesson import ActionItem
from holdfast.model.prevention import Prevention


class Opened(Record):
    """An alert or a person's sentence opened the incident."""

    kind: Literal["opened"] = "opened"
    title: str
    service: str
    slo: str | None
    severity: Severity
    severity_reason: str
    alert: Alert | None = None
    statement: str | None = None
    claims: tuple[Claim, ...] = ()
    laboratory: bool = False


class EvidenceKept(Record):
    """A question was asked and answered."""

    kind: Literal["evidence"] = "evidence"
    evidence: Evidence


class Triaged(Record):
    """Impact was measured and recent changes were listed; `services` are those in question."""

    kind: Literal["triaged"] = "triaged"
    impact: Impact
    changes: tuple[Change, ...]
    services: tuple[str, ...]
    onset: UtcTime | None
    """When the symptom began, as found in the SLI's series."""
    healthy_from: UtcTime | None = None
    healthy_to: UtcTime | None = None
    """The window before the onset that comparisons use."""
    gaps: tuple[str, ...] = ()


class HypothesisProposed(Record):
    """A candidate cause was put forward, with what it predicts."""

    kind: Literal["hypothesis_proposed"] = "hypothesis_proposed"
    hypothesis: Hypothesis


class TestPlanned(Record):
    """A test was chosen; its prediction is on record before its query is asked."""

    __test__ = False
    kind: Literal["test_planned"] = "test_planned"
    test: Test


class TestObserved(Record):
    """The test's answer, read against its prediction."""

    __test__ = False
    kind: Literal["test_observed"] = "test_observed"
    result: TestResult


class HypothesisJudged(Record):
    """What is believed of a hypothesis now. Replaces the earlier state of the same id."""

    kind: Literal["hypothesis_judged"] = "hypothesis_judged"
    hypothesis: Hypothesis
    reason: str


class ActionProposed(Record):
    """A write was planned."""

    kind: Literal["action_proposed"] = "action_proposed"
    action: Action


class Guarded(Record):
    """The guard decided on an action."""

    kind: Literal["guarded"] = "guarded"
    decision: GuardDecision


class Approved(Record):
    """A person decided on an action."""

    kind: Literal["approved"] = "approved"
    approval: Approval


class Claimed(Record):
    """A worker is about to write: on record before the write, once per attempt."""

    kind: Literal["claimed"] = "claimed"
    action_id: str
    part: Literal["act", "undo"]
    attempt: int
    world: WorldState


class Performed(Record):
    """What came of a claimed write, told by the deployer or by the effect probe."""

    kind: Literal["performed"] = "performed"
    performance: Performance


class Verified(Record):
    """The measured effect of an action."""

    kind: Literal["verified"] = "verified"
    verdict: Verdict


class MilestoneReached(Record):
    """A point of the incident's course."""

    kind: Literal["milestone"] = "milestone"
    milestone: Milestone


class StatusChanged(Record):
    """The incident moved on."""

    kind: Literal["status"] = "status"
    status: Status
    outcome: IncidentOutcome | None = None
    reason: str


class SeverityRaised(Record):
    """A worse alert joined: severity follows the worst, and never falls by itself."""

    kind: Literal["severity"] = "severity"
    severity: Severity
    reason: str


class Escalated(Record):
    """Handed to a person: why, and what was wanted but could not be asked or done."""

    kind: Literal["escalated"] = "escalated"
    reason: str
    gaps: tuple[str, ...]


class Repaired(Record):
    """A permanent fix was written and tested, or every way to one came to nothing."""

    kind: Literal["repaired"] = "repaired"
    fix: Fix | None
    declined: tuple[DeclinedFix, ...] = ()


class Prevented(Record):
    """A rule was derived that would have told earlier; without one, why there is none."""

    kind: Literal["prevented"] = "prevented"
    prevention: Prevention | None
    reason: str = ""


class CanaryLooked(Record):
    """The canary judge looked at both arms of a step and said what it thinks so far."""

    kind: Literal["canary_looked"] = "canary_looked"
    action_id: str
    look: int
    decision: Literal["promote", "roll_back", "inconclusive"]
    reason: str
    evidence_ids: tuple[str, ...] = ()


class ActionItemFiled(Record):
    """Work that outlives the incident."""

    kind: Literal["action_item"] = "action_item"
    item: ActionItem


class ActionItemClosed(Record):
    """A person says that an action item is done, and what shows it. Who: the entry's actor."""

    kind: Literal["action_item_closed"] = "action_item_closed"
    item_id: str
    note: str


class PostmortemWritten(Record):
    """The report stands in these files; the hash is that of the JSON's canonical form."""

    kind: Literal["postmortem"] = "postmortem"
    markdown_path: str
    json_path: str
    content_hash: str


class ContractChecked(Record):
    """The completion contract: what is met, and what is not yet."""

    kind: Literal["contract"] = "contract"
    met: tuple[str, ...]
    unmet: tuple[str, ...]


class Noted(Record):
    """A note of a person or of Holdfast: never read by a decision."""

    kind: Literal["note"] = "note"
    text: str


Payload = Annotated[
    Opened
    | EvidenceKept
    | Triaged
    | HypothesisProposed
    | TestPlanned
    | TestObserved
    | HypothesisJudged
    | ActionProposed
    | Guarded
    | Approved
    | Claimed
    | Performed
    | Verified
    | MilestoneReached
    | StatusChanged
    | SeverityRaised
    | Escalated
    | Repaired
    | Prevented
    | CanaryLooked
    | ActionItemFiled
    | ActionItemClosed
    | PostmortemWritten
    | ContractChecked
    | Noted,
    Field(discriminator="kind"),
]


class Event(Record):
    """One entry of an incident's ledger. `sequence` starts at 1 and has no gaps."""

    incident_id: str
    sequence: int
    step_key: str
    """Unique per incident: the step that wrote it, so that no step is done twice."""
    at: UtcTime
    actor: str
    payload: Payload
    payload_hash: str
    previous_hash: str
    hash: str
