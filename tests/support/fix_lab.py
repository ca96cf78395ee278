"""A small laboratory whose incidents go on to a fix, in seconds, and a case to begin from.

One real incident is worked up to the first step of its fix, which a person is asked for. Each test
goes on from a copy of that: what failed steps leave behind is seen against the same beginning.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Literal

from holdfast.catalog.config import load_config
from holdfast.lab.deployer import LabDeployer
from holdfast.lab.records import FaultRequest
from holdfast.learning.keep import incident_folder
from holdfast.learning.verify import verify
from holdfast.ledger.store import Ledger
from holdfast.model.action import Approval, Autonomy
from holdfast.model.base import utc_now
from holdfast.model.case import Case
from holdfast.model.event import (
    ActionProposed,
    Approved,
    Claimed,
    Event,
    Guarded,
    Performed,
)
from holdfast.model.ids import new_id
from holdfast.model.incident import IncidentOutcome, Status
from holdfast.model.policy import CanaryPolicy, CanaryStep, LoadTestPolicy, Policy, PolicyRule
from support.incident import opened, until_opened
from support.small_lab import GOOD, OPTIONS, POLICY, SERVICE, SmallLab, World, small_lab

FIXED = "v2.3.5"
_PATIENCE_SECONDS = 60.0
_HISTORY_SECONDS = 7.0
"""The judge learns the noise of the good version from thirty intervals of its own."""
FIX_OPTIONS = OPTIONS.model_copy(update={"rate_per_second": 12.0, "fixes": True})
QUICK = POLICY.model_copy(
    update={
        "canary": CanaryPolicy(
            steps=(CanaryStep(percent=50, duration_seconds=8),),
            interval_seconds=0.5,
            careful_below_budget_fraction=-1000.0,
            promote_below=8.0,
            roll_back_above=4.0,
            failed_fraction_at_most=0.4,
            min_requests=15,
            watch_seconds=1.5,
        ),
        "load_test": LoadTestPolicy(duration_seconds=3.5, p95_ratio_at_most=8.0),
    }
)


def asking_for(policy: Policy, runbook_id: str) -> Policy:
    """Return the policy under which a person is asked for that runbook, and for nothing else."""
    rule = PolicyRule(name="ask", runbooks=(runbook_id,), autonomy=Autonomy.APPROVE)
    return policy.model_copy(update={"rules": (rule, *policy.rules)})


class FixLab:
    """A lab in which one incident waits at the first step of its fix."""

    def __init__(self, lab: SmallLab, folder: Path) -> None:
        self.lab, self.handle = lab, lab.handle
        self._first = lab.world(folder, asking_for(QUICK, "stage-fix"))
        lab.begin()
        lab.release_bad()
        with opened(self._first) as holdfast:
            incident_id = until_opened(holdfast)
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while not holdfast.case(incident_id).awaits_approval:
                assert time.monotonic() < deadline, holdfast.case(incident_id).status
                time.sleep(0.1)
        time.sleep(_HISTORY_SECONDS)

    @property
    def repository(self) -> Path:
        """The repository of the service that is fixed."""
        return self.handle.folder.repositories / SERVICE

    def world(
        self, folder: Path, policy: Policy = QUICK, *, requests: tuple[str, ...] | None = None
    ) -> World:
        """Return a copy of the incident, its first step approved, and the world as it was then.

        `requests` replace what a load test asks of the service.
        """
        self._restore()
        services = load_config(self.handle.config_path).services
        if requests is not None:
            services = tuple(s.model_copy(update={"requests": requests}) for s in services)
        world = self.lab.world(folder, policy, services=services)
        shutil.copytree(self._first.data_folder, world.data_folder)
        decide(world)
        return world

    def serves(self) -> dict[str, float]:
        """Return what runs, and its share of traffic."""
        return self.handle.state().services[SERVICE].weights

    def head(self, branch: str = "main") -> str:
        """Return where a branch is."""
        return self.git("rev-parse", branch)

    def subjects(self) -> list[str]:
        """Return the subjects on the branch that is released from, newest first."""
        return self.git("log", "--format=%s", "main").splitlines()

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        argv = ["git", "-C", str(self.repository), *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    def commit_to_main(self, path: str, content: str) -> None:
        """Somebody of the team commits to the branch that is released from."""
        (self.repository / path).write_text(content)
        self.git("commit", "--quiet", "--all", "--message", "Rewrite it")

    def slow_down(self, seconds: float, version: str = FIXED) -> None:
        """Hold the requests of one version back."""
        request = FaultRequest(service=SERVICE, version=version, delay_seconds=seconds)
        self.handle.fault(request)

    def _restore(self) -> None:
        self.slow_down(0.0)
        deployer = LabDeployer(self.handle.control_url)
        deployer.set_weights(SERVICE, {GOOD: 100.0}, timeout_seconds=10)
        self.git("reset", "--quiet", "--hard", "v2.3.4")
        if FIXED in self.git("tag").split():
            self.git("tag", "--delete", FIXED)
        self.lab.begin()


def decide(world: World, decision: Literal["approve", "reject"] = "approve") -> None:
    """A person says yes or no to the step that waits."""
    case = world.case()
    latest = case.latest_action
    assert latest is not None
    now = utc_now()
    word = Approval(
        id=new_id("apr"),
        action_id=latest.action.id,
        decision=decision,
        approver="kim",
        plan_hash=latest.action.plan_hash(),
        given_at=now,
        expires_at=now + timedelta(minutes=5),
    )
    ledger = Ledger.at(world.data_folder)
    try:
        entry = (f"approval:{word.id}", Approved(approval=word))
        ledger.append(case.incident_id, [entry], actor="kim")
    finally:
        ledger.close()


def to_its_end(
    world: World, *, at: str = "", then: Callable[[], None] = lambda: None, seconds: float = 40.0
) -> Case:
    """Hold the incident to its end and return it. At the event `at` (see `name_of`), do `then`.

    `then` is done once, before whoever told the event goes on.
    """
    with opened(world) as holdfast:
        incident_id = world.case().incident_id
        names = Names(holdfast.ledger.events(incident_id))
        done: list[str] = []

        def told(event: Event) -> None:
            if names.of(event) == at and not done:
                done.append(at)
                then()

        holdfast.ledger.subscribe(told)
        holdfast.hold(incident_id)
        assert holdfast.wait(incident_id, seconds), holdfast.case(incident_id).status
        assert not at or done, f"{at} never came"
    return world.case()


class Names:
    """Names events by what they are about: `claimed:act canary`, `ask merge`, `repaired`."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._purposes: dict[str, str] = {}
        for event in events:
            self.of(event)

    def of(self, event: Event) -> str:
        """Return the name of an event."""
        match event.payload:
            case ActionProposed(action=action):
                self._purposes[action.id] = action.purpose
                return f"proposed {action.purpose}"
            case Guarded(decision=decision):
                return f"{decision.decision} {self._purposes[decision.action_id]}"
            case Claimed(part=part, action_id=action_id):
                return f"claimed:{part} {self._purposes[action_id]}"
            case Performed(performance=performance):
                return f"performed:{performance.part} {self._purposes[performance.action_id]}"
            case payload:
                return payload.kind


@contextmanager
def fix_lab(folder: Path) -> Iterator[FixLab]:
    """Run a lab with one incident that waits at the first step of its fix."""
    with small_lab(folder / "lab", FIX_OPTIONS) as lab:
        yield FixLab(lab, folder / "first")


def settled(case: Case, purpose: str) -> str:
    """Return what came of the step of that purpose: its effect, or the guard's word."""
    found = [a for a in case.actions.values() if a.action.purpose == purpose]
    if not found:
        return "never proposed"
    latest = found[-1]
    if latest.verdict is not None:
        return latest.verdict.effect
    return latest.outcome_of("act") or (latest.guard.decision if latest.guard else "proposed")


def ended(case: Case, world: World, outcome: IncidentOutcome) -> None:
    """The incident has that outcome, and its post-mortem verifies."""
    assert case.outcome is outcome, course(case)
    assert not case.contract_unmet
    assert case.status is Status.CLOSED
    report = verify(incident_folder(world.data_folder, case.incident_id))
    assert report.ok, report.findings


def course(case: Case) -> str:
    """Tell what became of each step, for whoever reads a failure."""
    found = [
        f"{a.action.title}: {a.verdict.effect} ({a.verdict.expected})"
        if a.verdict
        else f"{a.action.title}: {[p.detail for p in a.performances] or a.guard}"
        for a in case.actions.values()
    ]
    return "\n".join(found)


def is_as_before(lab: FixLab, head: str) -> None:
    """Production and the branch that is released from are as they were."""
    assert lab.serves() == {GOOD: 100.0}
    assert lab.head() == head
