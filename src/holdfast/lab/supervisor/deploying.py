"""Deployments: conditional, once per idempotency key, in steps, written down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Event, RLock
from typing import Literal

from holdfast.errors import DeployerFailed, HoldfastError, InputError, PreconditionFailed
from holdfast.lab.cdevents import DeploymentLog, is_going_back
from holdfast.lab.records import Deployment, DeployRequest, WeightsRequest
from holdfast.lab.supervisor.faults import Faults
from holdfast.lab.supervisor.fleet import Fleet
from holdfast.lab.supervisor.rollout import begins, has_all, refusal, shared, weights_refusal
from holdfast.lab.supervisor.stop import StopSignal
from holdfast.model.base import utc_now
from holdfast.model.ids import new_id

FORWARD = (0.1, 2.0)
BACK = (0.5, 0.0)
"""How long a version that leaves keeps its requests, and how long its orderly end may then take,
in seconds. One that is taken back is killed after a moment: to wait for the backlog of a version
in trouble takes longer until users are well, and saves no request."""
UNNAMED = (0.3, 1.0)
"""The same for a version that has no share any more."""
_LOOK_EVERY_SECONDS = 0.05


class _Cancelled(Exception):
    """Somebody takes the release back."""


@dataclass
class _Run:
    """A deployment under way or over, as its thread and those who wait for it see it."""

    request: DeployRequest
    deployment: Deployment
    before: _Run | None = None
    """The deployment that this one takes back."""
    cancel: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)


class Deployments:
    """All deployments since the lab began."""

    def __init__(self, fleet: Fleet, log: DeploymentLog, faults: Faults, stop: StopSignal) -> None:
        self._fleet, self._log, self._faults, self._stop = fleet, log, faults, stop
        self._by_key: dict[str, _Run] = {}
        self._under_way: dict[str, _Run] = {}
        self._sharing: set[str] = set()
        self._shares: dict[tuple[str, str], _Run] = {}
        self._lock = RLock()

    def all(self) -> tuple[Deployment, ...]:
        """Return every deployment, oldest first."""
        with self._lock:
            return tuple(run.deployment for run in self._by_key.values())

    def in_progress(self, service: str) -> bool:
        """Whether a change of what serves the service is under way."""
        return service in self._under_way or service in self._sharing

    def note_first(self, service: str, version: str, actor: str) -> None:
        """Write down what the lab began with."""
        key = f"first-{service}"
        request = DeployRequest(
            service=service, version=version, expect_version="", idempotency_key=key, actor=actor
        )
        run = self._record(request, None)
        run.deployment = run.deployment.model_copy(update={"full_weight_at": utc_now()})
        self._finish(run, "succeeded")

    def deploy(self, request: DeployRequest) -> Deployment:
        """Do as asked and return the deployment when it is over, or what its key did before.

        Raises PreconditionFailed where another version serves, NotFound, DeployerFailed.
        """
        with self._lock:
            if earlier := self._by_key.get(request.idempotency_key):
                run, is_first = earlier, False
            else:
                run, is_first = self._begin(request), True
        if is_first:
            self._carry_out(run)
        else:
            run.over.wait()
        if run.deployment.status != "succeeded":
            raise DeployerFailed(f"{request.service} {request.version}: {run.deployment.error}")
        return run.deployment

    def share(self, request: WeightsRequest) -> None:
        """Let these versions run with these shares of the traffic, and no others.

        A version's first share is a deployment that begins; it is over when it has all or none.
        Raises PreconditionFailed while another change is under way, InputError, NotFound,
        DeployerFailed.
        """
        service = request.service
        if reason := weights_refusal(request.weights):
            raise InputError(f"{service}: {reason}")
        with self._lock:
            before = dict(self._fleet.service(service).weights)
            if self.in_progress(service):
                raise PreconditionFailed(f"{service}: a deployment is under way")
            self._sharing.add(service)
        try:
            self._faults.strike("start")
            self._fleet.launch_all(service, request.weights)
            self._fleet.share(service, request.weights)
            self._note_shares(request, before)
            self._retire_others(service, request.weights, *UNNAMED)
            self._faults.strike("end")
        finally:
            self._sharing.discard(service)

    def _note_shares(self, request: WeightsRequest, before: dict[str, float]) -> None:
        """Write down which releases this begins, and which it ends."""
        most = max(before, key=lambda version: before[version])
        for version in begins(request.weights, before):
            first = DeployRequest(
                service=request.service,
                version=version,
                expect_version=most,
                idempotency_key=new_id("share"),
                actor=request.actor,
            )
            self._shares[request.service, version] = self._record(first, most)
        self._settle_shares(request.service)

    def _settle_shares(self, service: str) -> None:
        """End the releases by sharing whose version has all of the traffic now, or none."""
        weights = self._fleet.service(service).weights
        for of, version in [key for key in self._shares if key[0] == service]:
            run = self._shares[of, version]
            if has_all(weights, version):
                run.deployment = run.deployment.model_copy(update={"full_weight_at": utc_now()})
                self._finish(run, "succeeded")
            elif not weights.get(version, 0.0) > 0:
                self._finish(run, "cancelled", error="it was taken back")
            if run.over.is_set():
                del self._shares[of, version]

    def _begin(self, request: DeployRequest) -> _Run:
        weights = self._fleet.service(request.service).weights
        if request.service in self._sharing:
            raise PreconditionFailed(f"{request.service}: its traffic is being shared anew")
        before = self._under_way.get(request.service)
        if reason := refusal(request, weights, before.deployment if before else None):
            raise PreconditionFailed(reason)
        if before:
            before.cancel.set()
        run = self._record(request, request.expect_version, before)
        self._under_way[request.service] = run
        return run

    def _record(
        self, request: DeployRequest, from_version: str | None, before: _Run | None = None
    ) -> _Run:
        deployment = Deployment(
            id=new_id("dep"),
            service=request.service,
            from_version=from_version,
            to_version=request.version,
            actor=request.actor,
            idempotency_key=request.idempotency_key,
            status="in_progress",
            started_at=utc_now(),
        )
        run = self._by_key[request.idempotency_key] = _Run(request, deployment, before)
        self._log.add(deployment)
        return run

    def _carry_out(self, run: _Run) -> None:
        try:
            if run.before:
                run.before.over.wait()
            self._faults.strike("start")
            self._move_traffic(run)
            self._settle_shares(run.request.service)
            how = BACK if is_going_back(run.deployment) else FORWARD
            self._retire_others(run.request.service, (run.request.version,), *how)
            self._finish(run, "succeeded")
            self._faults.strike("end")
        except _Cancelled:
            self._finish(run, "cancelled", error="it was taken back")
        except HoldfastError as error:
            self._finish(run, "failed", error=str(error))
        except BaseException as error:
            self._finish(run, "failed", error=repr(error))
            raise

    def _move_traffic(self, run: _Run) -> None:
        service, version = run.request.service, run.request.version
        self._fleet.admit(self._fleet.launch(service, version))
        for percent in run.request.steps:
            weights = self._fleet.service(service).weights
            self._fleet.share(service, shared(weights, version, percent))
            if percent < 100:
                self._pause(run)
        run.deployment = run.deployment.model_copy(update={"full_weight_at": utc_now()})

    def _pause(self, run: _Run) -> None:
        looks = max(1, round(run.request.step_seconds / _LOOK_EVERY_SECONDS))
        for _ in range(looks):
            if run.cancel.is_set():
                raise _Cancelled
            if self._stop.wait(run.request.step_seconds / looks):
                raise DeployerFailed("the lab ends")

    def _retire_others(
        self, service: str, kept: Iterable[str], drain_seconds: float, grace_seconds: float
    ) -> None:
        for version in set(self._fleet.service(service).instances) - set(kept):
            self._fleet.retire(
                service, version, drain_seconds=drain_seconds, grace_seconds=grace_seconds
            )

    def _finish(
        self, run: _Run, status: Literal["succeeded", "failed", "cancelled"], *, error: str = ""
    ) -> None:
        if run.over.is_set():
            return
        run.deployment = run.deployment.model_copy(
            update={"status": status, "finished_at": utc_now(), "error": error}
        )
        self._log.add(run.deployment)
        with self._lock:
            if self._under_way.get(run.request.service) is run:
                del self._under_way[run.request.service]
        run.over.set()
