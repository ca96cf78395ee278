"""Performs a claimed plan, step by step, and asks afterwards whether it took effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from holdfast.actions.ask_probe import ask_probe
from holdfast.actions.hands import Hands
from holdfast.actions.plan import plan_problems
from holdfast.actions.settle import ProbeAnswer
from holdfast.actions.steps import Operation, operation, step_in_words
from holdfast.actions.world import read_world
from holdfast.delivery.codehost import CodeHost
from holdfast.delivery.deployer import Deployer
from holdfast.delivery.settings import Settings
from holdfast.errors import (
    DeployerFailed,
    DeployerTimeout,
    HoldfastError,
    InputError,
    NotFound,
    PreconditionFailed,
)
from holdfast.evidence.redact import Redactor
from holdfast.model.action import Action, Performance
from holdfast.model.base import utc_now
from holdfast.model.case import Part
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome, Text
from holdfast.model.runbook import Runbook

Result = Literal["done", "failed", "unknown", "not_needed"]
KeepEvidence = Callable[[Evidence], None]


@dataclass(frozen=True)
class _Told:
    """What came of the steps. `log` has a line for each that was begun."""

    result: Result
    log: tuple[str, ...]
    drifted: bool = False


class Executor:
    """Does what a claim is on record for. It decides nothing and repeats nothing.

    `deployers`, `settings` and `code_hosts` are by service. `clock` counts seconds. `keep` is
    handed the transcript of each performance as evidence. Command steps run in `working_folder`,
    with PATH alone. `redactor` takes secrets out of what is kept.
    """

    def __init__(
        self,
        deployers: Mapping[str, Deployer],
        runbooks: Mapping[str, Runbook],
        clock: Callable[[], float],
        *,
        settings: Mapping[str, Settings] | None = None,
        code_hosts: Mapping[str, CodeHost] | None = None,
        working_folder: Path = Path(),
        keep: KeepEvidence | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self._hands = Hands(deployers, settings or {}, code_hosts or {}, working_folder)
        self._runbooks = runbooks
        self._clock = clock
        self._keep = keep
        self._redactor = redactor or Redactor()

    def perform(self, action: Action, part: Part, attempt: int) -> Performance:
        """Run the part's steps in order, up to the first that does not succeed.

        `done` = the deployer said so and the probe agrees; `not_needed` = nothing was done, the
        world is as wanted already; `failed` = it was refused or said to have failed, and the
        world is as before; `unknown` = nobody can say, or the deployer and the probe disagree.
        Raises nothing for what a deployer or a plan can get wrong.
        """
        began = self._clock()
        asked_at = utc_now()
        told = self._tell(action, part)
        detail = self._redactor.text("\n".join(told.log))
        evidence = Evidence.seal(
            kind=EvidenceKind.COMMAND,
            query=f"{part} {action.id}, attempt {attempt}",
            source=self._source(action, part),
            asked_at=asked_at,
            outcome=Outcome.DATA,
            value=Text(text=detail),
        )
        if self._keep:
            self._keep(evidence)
        return Performance(
            action_id=action.id,
            part=part,
            attempt=attempt,
            outcome=told.result,
            seconds=self._clock() - began,
            evidence_ids=(evidence.id,) if self._keep else (),
            detail=detail,
            drifted=told.drifted,
        )

    def probe(self, action: Action, part: Part) -> ProbeAnswer:
        """Ask whether that part took effect, of what it changes. No answer is `unknown`."""
        return ask_probe(action, part, runbooks=self._runbooks, hands=self._hands)

    def conditional(self, action: Action, part: Part) -> bool:
        """Whether the part may be done once more after doubt (see `Operation.conditional`)."""
        try:
            return operation(action, part, self._runbooks).conditional
        except (InputError, NotFound):
            return False

    def _tell(self, action: Action, part: Part) -> _Told:
        try:
            plan = self._ready(action, part)
        except PreconditionFailed as error:
            return self._precondition_failed(action, part, (str(error),), nothing_done=True)
        except HoldfastError as error:
            return _Told("failed", (f"nothing was done: {error}",))
        return self._run_all(action, part, plan)

    def _ready(self, action: Action, part: Part) -> Operation:
        """Return the operation, once everything that must hold beforehand does."""
        problems = plan_problems(action, self._runbooks)
        if problems:
            raise InputError(f"the plan is refused: {'; '.join(problems)}")
        plan = operation(action, part, self._runbooks)
        self._hands.require(plan.steps)
        if plan.preconditions:
            services = {condition.service for condition in plan.preconditions}
            deployers, settings = self._hands.deployers, self._hands.settings
            world, evidence = read_world(deployers, services, settings=settings)
            for condition in plan.preconditions:
                holds = condition.holds(world)
                if holds is None:
                    raise DeployerFailed(f"whether {condition} is unknown: {evidence.error}")
                if not holds:
                    raise PreconditionFailed(f"it does not hold that {condition}")
        return plan

    def _run_all(self, action: Action, part: Part, plan: Operation) -> _Told:
        log: list[str] = []
        before = action.preconditions.versions.get(action.target)
        expected = before if part == "act" else None  # the way back is open from anywhere
        for index, step in enumerate(plan.steps, start=1):
            log.append(f"{index}. {step.name}: {step_in_words(step)}")
            try:
                self._hands.do(step, f"{action.idempotency_key}.{part}.{index}", expected)
            except PreconditionFailed as error:
                log.append(str(error))
                return self._precondition_failed(action, part, log, nothing_done=index == 1)
            except DeployerTimeout as error:
                return _Told("unknown", (*log, str(error)))
            except HoldfastError as error:
                return self._refused(action, part, plan, [*log, str(error)])
        return self._confirmed(action, part, plan, log)

    def _precondition_failed(
        self, action: Action, part: Part, log: Sequence[str], *, nothing_done: bool
    ) -> _Told:
        """Somebody else may have done it already: then there is nothing left to do."""
        if self.probe(action, part) != "took_effect":
            log = (*log, "the world is not as it was planned for")
            return _Told("failed", tuple(log), drifted=nothing_done)
        return _Told("not_needed" if nothing_done else "done", (*log, "it is as wanted already"))

    def _refused(self, action: Action, part: Part, plan: Operation, log: list[str]) -> _Told:
        """A deployer that says it failed may have done a part, or all: the probe must agree."""
        answer = self.probe(action, part)
        if answer == "not_taken" or not plan.services():
            return _Told("failed", tuple(log))
        return _Told("unknown", (*log, f"it was told to have failed, but the probe says {answer}"))

    def _confirmed(self, action: Action, part: Part, plan: Operation, log: list[str]) -> _Told:
        """A deployer's word is not the world: the probe must agree, where one can be asked."""
        answer = self.probe(action, part)
        if answer == "took_effect":
            return _Told("done", tuple(log))
        if answer == "unknown" and not plan.services():
            return _Told("done", (*log, "every program ended well; no probe can confirm it"))
        return _Told("unknown", (*log, f"every step ended well, but the probe says {answer}"))

    def _source(self, action: Action, part: Part) -> str:
        try:
            steps = operation(action, part, self._runbooks).steps
        except (InputError, NotFound):
            steps = ()
        return self._hands.name_for(action.target, steps)
