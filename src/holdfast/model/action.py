"""Actions: planned with an expected effect and an undo, guarded, claimed, measured."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from holdfast.model.base import Record, UtcTime, content_hash
from holdfast.model.hypothesis import Bound


class Risk(StrEnum):
    """How much can go wrong, by the runbook's author and the policy."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Autonomy(StrEnum):
    """What Holdfast may do by itself. First contact is `observe`."""

    OBSERVE = "observe"
    APPROVE = "approve"
    ACT = "act"


Parameter = str | float | int | bool


class RunbookCall(Record):
    """A runbook and its parameters: the plan of an action, or of its undo."""

    runbook_id: str
    parameters: dict[str, Parameter] = Field(default_factory=dict[str, Parameter])


class WorldState(Record):
    """What runs, as the action's planner saw it: service → version → weight in percent.

    `settings`: service → key → value, of the configuration and flags that are in force.
    """

    versions: dict[str, dict[str, float]] = Field(default_factory=dict[str, dict[str, float]])
    settings: dict[str, dict[str, str]] = Field(default_factory=dict[str, dict[str, str]])

    def serves_only(self, service: str, version: str) -> bool:
        """Whether all traffic of the service goes to that version."""
        weights = {v: w for v, w in self.versions.get(service, {}).items() if w > 0}
        return set(weights) == {version}


Purpose = Literal["mitigate", "stage", "merge", "canary", "release", "unstage", "withdraw"]
"""What an action is for. After `mitigate` come the steps of a permanent fix: `stage` starts the
fixed version without traffic and load-tests it, `merge` merges its branch, `canary` gives it a
share of traffic, `release` all of it; `unstage` and `withdraw` take the first two back."""

EffectKind = Literal["query", "load_test", "probe", "canary"]


class ExpectedEffect(Record):
    """What must be seen afterwards: `query` inside `bound` for `hold_seconds`, by the deadline.

    `query` is an instant PromQL expression, measured at the client's side. Of another `kind`, the
    effect is what a load test, the effect probe or the canary judge says: `query` is then empty,
    and `bound` says what the headline figure must be.
    """

    kind: EffectKind = "query"
    statement: str
    query: str
    bound: Bound
    hold_seconds: float
    deadline_seconds: float
    partial: bool = False
    """One of several causes is taken away: users are not expected to be well by this alone."""


class EffectProbe(Record):
    """How to ask, after any doubt, whether the write took effect: what should run then.

    For a change of settings `setting` and `value` name what should be in force, and `version` is
    empty; for a merge `commit` names what the branch `branch` should contain.
    """

    service: str
    version: str = ""
    setting: str = ""
    value: str = ""
    branch: str = ""
    commit: str = ""


class Action(Record):
    """One write, with everything that must be known before it."""

    id: str
    hypothesis_id: str | None
    title: str
    plan: RunbookCall
    target: str
    """The service that is changed."""
    risk: Risk
    blast_radius: str
    """What can be touched at most, in words without numbers that were not measured."""
    preconditions: WorldState
    """The state it was planned for; the write is conditional on it."""
    expected_effect: ExpectedEffect
    effect_probe: EffectProbe
    undo: RunbookCall
    idempotency_key: str
    proposed_by: str = "holdfast"
    """Who planned it: a reasoner or a person, who may not approve it where the risk is high."""
    purpose: Purpose = "mitigate"

    def plan_hash(self) -> str:
        """What an approval is bound to: the plan, its target and the world it was planned for."""
        return content_hash(
            self.model_dump(
                mode="json", include={"plan", "target", "preconditions", "expected_effect", "undo"}
            )
        )


class GuardDecision(Record):
    """`allow`, `ask` (a person decides) or `deny`, with every reason."""

    action_id: str
    part: Literal["act", "undo"] = "act"
    """The undo of an action, and the retry of an act, are decided on anew before they are done."""
    decision: Literal["allow", "ask", "deny"]
    autonomy: Autonomy
    reasons: tuple[str, ...]
    drifted: bool = False
    """It is denied only because the world has moved since it was planned: it can be planned anew.
    """
    expired: bool = False
    """A person was asked, and nobody answered in time."""


class Approval(Record):
    """A person's word. Bound to the plan's hash and the world it was given for; used once."""

    id: str
    action_id: str
    decision: Literal["approve", "modify", "reject", "escalate"]
    approver: str
    plan_hash: str
    given_at: UtcTime
    expires_at: UtcTime
    note: str = ""


class Performance(Record):
    """What came of executing a claimed write. `unknown` asks for the effect probe."""

    action_id: str
    part: Literal["act", "undo"]
    attempt: int
    outcome: Literal["done", "failed", "unknown", "not_needed"]
    seconds: float
    evidence_ids: tuple[str, ...] = ()
    detail: str = ""
    drifted: bool = False
    """It failed because the world was not the one that it was planned for; nothing was done."""


class Verdict(Record):
    """The measured effect against the expected one."""

    action_id: str
    effect: Literal["seen", "not_seen", "no_data"]
    measured: float | None
    expected: str
    held_seconds: float
    evidence_ids: tuple[str, ...]
