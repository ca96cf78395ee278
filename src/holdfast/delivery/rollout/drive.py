"""A rollout by hand: the same steps, judge and policy as an incident's, driven to its end here.

Every write is conditional on the shares that were set before it. Whatever ends the rollout early
gives all traffic back to the stable version: a bad verdict, a silent source, an error, an
interrupt. Only a killed process leaves the shares as they stand; `take_back` then puts them back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from holdfast.delivery.deployer import DeploymentState
from holdfast.delivery.judge.records import Decision
from holdfast.delivery.rollout.look import History, begin_step, look, own_history
from holdfast.delivery.rollout.measure import Arms
from holdfast.delivery.rollout.objectives import budget_remaining, look_at_objectives
from holdfast.delivery.rollout.records import (
    Kept,
    Looked,
    Moved,
    Outcome,
    RolloutOrder,
    RolloutResult,
    RolloutWorld,
    Tell,
    Watched,
)
from holdfast.delivery.rollout.step import StepDecision, StepVerdict, rollout_steps
from holdfast.errors import DeliveryError, DeployerFailed, InputError, PreconditionFailed
from holdfast.model.evidence import Evidence
from holdfast.model.policy import CanaryStep

MOVE_SECONDS = 60.0
"""How long one change of the shares may take."""

BROKEN_LOOKS = 3
"""At so many looks in a row an objective must be broken before it is believed."""

_TAKE_BACK_TRIES = 5
_TRY_AGAIN_SECONDS = 2.0
_SAME_PERCENT = 0.5


def roll_out(order: RolloutOrder, world: RolloutWorld, tell: Tell) -> RolloutResult:
    """Roll a version out, or take it back; return how it ended, which is told last.

    Raises InputError or PreconditionFailed where nothing was begun. Errors on the way, and
    interrupts, are raised after all traffic was given back; where even that failed, DeliveryError
    says what stands.
    """
    rollout = _begin(order, world, tell)
    try:
        outcome, reason = rollout.run()
    except BaseException as error:
        rollout.take_back(f"the rollout ended early: {error or type(error).__name__}")
        raise
    result = rollout.result(outcome, reason)
    tell(result)
    return result


def take_back(world: RolloutWorld, stable: str, tell: Tell) -> None:
    """Give all traffic to a version that serves a part of it: after a rollout that was killed."""
    weights = _weights(world.deployer.current(world.service.name))
    if not weights.get(stable, 0.0) > 0:
        raise PreconditionFailed(
            f"{stable} of {world.service.name} does not serve now: {_words(weights)}",
            hint="nothing was done",
        )
    world.deployer.set_weights(world.service.name, {stable: 100.0}, timeout_seconds=MOVE_SECONDS)
    tell(_moved(world, {stable: 100.0}, "taken back by hand"))


def _begin(order: RolloutOrder, world: RolloutWorld, tell: Tell) -> _Rollout:
    service = world.service.name
    state = world.deployer.current(service)
    weights = _weights(state)
    if state.in_progress:
        raise PreconditionFailed(f"a deployment of {service} is under way", hint="wait for it")
    if len(weights) != 1:
        raise PreconditionFailed(
            f"{service} serves {_words(weights)}: another rollout is under way, or was left so",
            hint="give all traffic back with --take-back --from VERSION, then begin anew",
        )
    (serving,) = weights
    if order.stable not in (None, serving):
        raise PreconditionFailed(
            f"{service} serves {serving}, not {order.stable}", hint="nothing was done"
        )
    if order.candidate == serving:
        raise InputError(f"{serving} serves {service} already", hint="name another version")
    if order.promote and not world.objectives:
        raise InputError(
            f"no objective tells whether users of {service} are well",
            hint="give it, or a service that calls it, an SLO in holdfast.yaml",
        )
    return _Rollout(order, world, tell, stable=serving, weights=weights)


@dataclass
class _Rollout:
    """A rollout on its way. `weights` are those that were set last, and so are expected."""

    order: RolloutOrder
    world: RolloutWorld
    tell: Tell
    stable: str
    weights: dict[str, float]
    began: float = field(init=False)
    verdict: Evidence | None = None

    def __post_init__(self) -> None:
        self.began = self.world.now()

    def run(self) -> tuple[Outcome, str]:
        """Take every step; then give all traffic, and watch."""
        world = self.world
        remaining = budget_remaining(world.ask, world.objectives, self.began)
        steps = rollout_steps(world.canary, remaining)
        history = own_history(world.measuring, self.stable, self.began)
        for number, step in enumerate(steps, start=1):
            if reason := world.stop_reason():
                return self._given_back("inconclusive", f"stopped: {reason}")
            verdict = self._step(step, number, len(steps), history)
            if verdict.decision is not StepDecision.GO_ON:
                worse = verdict.canary.decision is Decision.ROLL_BACK
                return self._given_back("taken_back" if worse else "inconclusive", verdict.reason)
        if not self.order.promote:
            return "held", f"all {len(steps)} steps went well; the shares stand as they are"
        if reason := world.stop_reason():
            return self._given_back("inconclusive", f"stopped: {reason}")
        self._move({self.order.candidate: 100.0}, "every step went well")
        return self._watch()

    def result(self, outcome: Outcome, reason: str) -> RolloutResult:
        """Return how it ended."""
        return RolloutResult(
            at=self.world.clock(),
            outcome=outcome,
            reason=reason,
            service=self.world.service.name,
            stable=self.stable,
            candidate=self.order.candidate,
            weights=self.weights,
            seconds=self.world.now() - self.began,
            verdict_evidence=self.verdict,
        )

    def take_back(self, why: str) -> None:
        """Give all traffic to the stable version, unless the candidate has none of it.

        Raises DeliveryError where that cannot be done.
        """
        if self.weights == {self.stable: 100.0} or self._has_none(self.order.candidate):
            return
        service = self.world.service.name
        for attempt in range(1, _TAKE_BACK_TRIES + 1):
            try:
                self.world.deployer.set_weights(
                    service, {self.stable: 100.0}, timeout_seconds=MOVE_SECONDS
                )
                break
            except DeliveryError as error:
                if attempt == _TAKE_BACK_TRIES:
                    raise DeployerFailed(
                        f"{service} could not be given back to {self.stable} ({why}): {error}",
                        hint=f"the traffic may still be shared as {_words(self.weights)}: "
                        "give it back by hand, with --take-back or with your own tool",
                    ) from error
                self.world.sleep(_TRY_AGAIN_SECONDS)
        self._now({self.stable: 100.0}, f"taken back: {why}")

    def _has_none(self, version: str) -> bool:
        """Whether it is known to have no traffic: somebody else has moved it away already."""
        try:
            weights = _weights(self.world.deployer.current(self.world.service.name))
        except DeliveryError:
            return False
        if version in weights:
            return False
        self._now(weights, f"{version} has no share any more, and not by this rollout")
        return True

    def _given_back(self, outcome: Outcome, reason: str) -> tuple[Outcome, str]:
        self.take_back(reason)
        return outcome, reason

    def _move(self, weights: dict[str, float], why: str) -> None:
        """Set the shares, if those that are expected are in force."""
        service = self.world.service.name
        state = self.world.deployer.current(service)
        if state.in_progress or not _same(_weights(state), self.weights):
            expected, self.weights = self.weights, {self.stable: 100.0}  # not ours to put back
            raise PreconditionFailed(
                f"{service} serves {_words(_weights(state))}, not {_words(expected)}: "
                "somebody else changed it",
                hint="the rollout stops, and leaves it as it is",
            )
        self.weights = weights  # from here on there may be something to take back
        self.world.deployer.set_weights(service, weights, timeout_seconds=MOVE_SECONDS)
        self._now(weights, why)

    def _now(self, weights: dict[str, float], why: str) -> None:
        self.weights = weights
        self.tell(_moved(self.world, weights, why))

    def _step(self, step: CanaryStep, number: int, of: int, history: History) -> StepVerdict:
        """Set the shares of a step, and look until it is decided."""
        world = self.world
        arms = Arms(self.stable, self.order.candidate, step.percent)
        shares = {arms.stable: 100 - step.percent, arms.candidate: step.percent}
        self._move(shares, f"step {number} of {of}")
        under_way = begin_step(
            world.measuring,
            arms,
            step,
            since=world.now(),
            history=history,
            equal_arms=world.calibration,
        )
        while True:
            world.sleep(world.canary.interval_seconds)
            found = look(world.measuring, under_way, world.clock())
            self.verdict = found.evidence[-1]
            self.tell(
                Looked(
                    at=world.clock(),
                    step=number,
                    steps=of,
                    percent=step.percent,
                    verdict=found.verdict,
                    problems=found.problems,
                )
            )
            if found.verdict.decision is not StepDecision.KEEP_LOOKING:
                self._keep(found.evidence)
                return found.verdict

    def _watch(self) -> tuple[Outcome, str]:
        """Watch the objectives with all traffic on the candidate, for as long as the policy says.

        One that is broken at several looks in a row, or that nobody measures, takes it back.
        """
        world, since = self.world, self.world.now()
        broken: Counter[str] = Counter()
        while True:
            world.sleep(world.canary.interval_seconds)
            found, evidence = look_at_objectives(world, since)
            for one in found:
                self.tell(one)
                broken[one.slo] = broken[one.slo] + 1 if _is_broken(one) else 0
            over = world.now() - since >= world.canary.watch_seconds
            silent = [one.slo for one in found if one.bad_fraction is None]
            worse = [slo for slo, looks in broken.items() if looks >= BROKEN_LOOKS]
            if not (over or worse):
                continue
            self._keep(evidence)
            if worse or any(_is_broken(one) for one in found):
                names = worse or [one.slo for one in found if _is_broken(one)]
                return self._given_back("taken_back", f"broken after it: {', '.join(names)}")
            if silent:
                return self._given_back("inconclusive", f"no data for {', '.join(silent)}")
            return "promoted", f"every objective held for {world.canary.watch_seconds:g} s"

    def _keep(self, evidence: Iterable[Evidence]) -> None:
        for one in evidence:
            self.tell(Kept(at=self.world.clock(), evidence=one))


def _is_broken(one: Watched) -> bool:
    return one.bad_fraction is not None and one.bad_fraction > one.at_most


def _moved(world: RolloutWorld, weights: Mapping[str, float], why: str) -> Moved:
    return Moved(at=world.clock(), service=world.service.name, weights=dict(weights), why=why)


def _weights(state: DeploymentState) -> dict[str, float]:
    return {version: percent for version, percent in state.weights.items() if percent > 0}


def _same(first: Mapping[str, float], second: Mapping[str, float]) -> bool:
    versions = {*first, *second}
    return all(abs(first.get(v, 0.0) - second.get(v, 0.0)) < _SAME_PERCENT for v in versions)


def _words(weights: Mapping[str, float]) -> str:
    parts = [f"{version} {percent:g} %" for version, percent in sorted(weights.items())]
    return ", ".join(parts) or "nothing"
