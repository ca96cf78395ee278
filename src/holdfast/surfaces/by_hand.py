"""Writes that a person asks for outside an incident: weighed by the same guard, put on record."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holdfast.actions.guard import PolicyProblem, decide, decide_follow_up
from holdfast.catalog.policy import load_policy
from holdfast.delivery.rollout.measure import Ask
from holdfast.delivery.rollout.objectives import budget_remaining, objectives_of
from holdfast.errors import GuardDenied, HoldfastError
from holdfast.model.action import Action, Approval, GuardDecision, WorldState
from holdfast.model.base import Record, utc_now
from holdfast.model.config import Config
from holdfast.model.ids import new_id
from holdfast.model.policy import Policy

PROPOSED_BY = "a person at the command line"


class Permit(Record):
    """The first line of a record: what was to be done, and who let it be."""

    action: Action
    guard: GuardDecision
    approvals: tuple[Approval, ...]


@dataclass(frozen=True)
class Gate:
    """Asks the guard. `approver` is who typed the command with their name; empty = nobody."""

    config: Config
    ask: Ask
    approver: str = ""

    def weigh(
        self, action: Action, policy: Policy, state: WorldState, problems: Sequence[str] = ()
    ) -> Permit:
        """Return the permit for a plan. Raises GuardDenied where the guard's word is no `allow`.

        `problems` are what in the plan is not as its runbook says.
        """
        approvals = tuple(_approvals(action, self.approver, policy))
        decision = decide(
            action,
            policy,
            environment=self.config.environment,
            budget_remaining=self._budget_remaining(action),
            world=state,
            approvals=approvals,
            actions_so_far=0,
            now=utc_now(),
            plan_problems=problems,
        )
        if decision.decision != "allow":
            asks = decision.decision == "ask"
            raise GuardDenied(
                f"not begun: {'; '.join(decision.reasons)}",
                hint="approve it with --approve YOUR-NAME" if asks else "nothing was done",
            )
        return Permit(action=action, guard=decision, approvals=approvals)

    def stop_reason(self, permit: Permit) -> str:
        """Return why nothing more may be written, by the policy of this moment; empty = go on."""
        try:
            policy: Policy | PolicyProblem = load_policy(self.config.policy)
        except HoldfastError as error:
            policy = PolicyProblem(str(error))
        decision = decide_follow_up(
            permit.action,
            "act",
            policy,
            environment=self.config.environment,
            budget_remaining=self._budget_remaining(permit.action),
            approvals=permit.approvals,
            now=utc_now(),
        )
        return "" if decision.decision == "allow" else "; ".join(decision.reasons)

    def _budget_remaining(self, action: Action) -> float | None:
        touched = objectives_of(action.target, self.config.services, self.config.slos)
        return budget_remaining(self.ask, touched, utc_now().timestamp())


@contextmanager
def on_record(folder: Path, action_id: str) -> Generator[Callable[[Record], None]]:
    """Append records to `<folder>/<action id>.jsonl`, each written at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{action_id}.jsonl").open("a", encoding="utf-8") as file:

        def add(record: Record) -> None:
            file.write(record.model_dump_json() + "\n")
            file.flush()

        yield add


def _approvals(action: Action, approver: str, policy: Policy) -> Iterable[Approval]:
    if not approver.strip():
        return
    now = utc_now()
    yield Approval(
        id=new_id("apr"),
        action_id=action.id,
        decision="approve",
        approver=approver.strip(),
        plan_hash=action.plan_hash(),
        given_at=now,
        expires_at=now.fromtimestamp(now.timestamp() + policy.approval_valid_seconds, now.tzinfo),
        note="typed at the command line",
    )
