"""Settings of services: flags that they read while they run, configuration that is rolled out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, RLock
from typing import Literal

from holdfast.errors import DeployerFailed, HoldfastError, InputError, NotFound, PreconditionFailed
from holdfast.lab.cdevents import DeploymentLog
from holdfast.lab.files import write_whole
from holdfast.lab.records import SettingChange, SettingRequest
from holdfast.lab.supervisor.deploying import Deployments
from holdfast.lab.supervisor.faults import Faults
from holdfast.lab.supervisor.fleet import Fleet
from holdfast.lab.topology import ServiceSpec
from holdfast.model.base import utc_now
from holdfast.model.ids import new_id

_DRAIN_SECONDS, _GRACE_SECONDS = 0.1, 2.0
_FLAG_SECONDS = 0.15
"""Until every process has looked at its flags: they do ten times a second."""

Values = dict[str, dict[str, str]]
"""Service → key → value."""


@dataclass(frozen=True)
class InForce:
    """What is set now."""

    configuration: Values
    flags: Values


def at_first(specs: Iterable[ServiceSpec]) -> InForce:
    """Return what is set when a lab begins."""
    chosen = tuple(specs)
    return InForce(
        configuration={spec.name: dict(spec.configuration) for spec in chosen},
        flags={spec.name: dict(spec.flags) for spec in chosen},
    )


@dataclass
class _Run:
    """A change under way or over, as its thread and those who wait for it see it."""

    change: SettingChange
    over: Event = field(default_factory=Event)


class Settings:
    """All settings of a lab, and every change of them: conditional, once per idempotency key."""

    def __init__(
        self,
        in_force: InForce,
        fleet: Fleet,
        deployments: Deployments,
        log: DeploymentLog,
        faults: Faults,
        flags_path: Path,
    ) -> None:
        self._in_force, self._fleet, self._deployments = in_force, fleet, deployments
        self._log, self._faults, self._flags_path = log, faults, flags_path
        self._by_key: dict[str, _Run] = {}
        self._under_way: dict[str, SettingChange] = {}
        self._lock = RLock()

    def all(self) -> Values:
        """Return what is in force. What is being rolled out is not, until all traffic has it."""
        found = self._in_force
        with self._lock:
            values = {n: {**found.configuration[n], **found.flags[n]} for n in found.flags}
            for change in self._under_way.values():
                values[change.service][change.setting] = change.from_value
        return values

    def in_progress(self, service: str) -> bool:
        """Whether a change of the service is under way."""
        return service in self._under_way

    def set(self, request: SettingRequest) -> SettingChange:
        """Do as asked and return the change when it is over, or what its key did before.

        Raises PreconditionFailed where another value is in force or something else is under way,
        NotFound, InputError, and DeployerFailed where the service does not run with it.
        """
        with self._lock:
            earlier = self._by_key.get(request.idempotency_key)
            run = earlier or self._begin(request)
        if earlier is None:
            self._carry_out(run)
        else:
            run.over.wait()
        if run.change.status != "succeeded":
            raise DeployerFailed(f"{request.key} of {request.service}: {run.change.error}")
        return run.change

    def _begin(self, request: SettingRequest) -> _Run:
        self._fleet.service(request.service)
        kind = self._kind(request)
        now = self._values(kind)[request.service][request.key]
        if request.expect_value not in (None, now):
            raise PreconditionFailed(
                f"{request.key} of {request.service} is {now!r}, not {request.expect_value!r}"
            )
        if self.in_progress(request.service) or self._deployments.in_progress(request.service):
            raise PreconditionFailed(f"{request.service}: another change is under way")
        change = SettingChange(
            id=new_id("set"),
            service=request.service,
            kind=kind,
            setting=request.key,
            from_value=now,
            to_value=request.value,
            actor=request.actor,
            idempotency_key=request.idempotency_key,
            started_at=utc_now(),
        )
        run = self._by_key[request.idempotency_key] = _Run(change)
        self._under_way[request.service] = change
        self._log.add_setting(change)
        return run

    def _kind(self, request: SettingRequest) -> Literal["config", "flag"]:
        if request.key in self._in_force.configuration[request.service]:
            return "config"
        flags = self._in_force.flags[request.service]
        if request.key not in flags:
            known = ", ".join(self.all()[request.service]) or "none"
            raise NotFound(f"{request.service} has no setting {request.key}", hint=f"has: {known}")
        if request.value not in ("on", "off"):
            raise InputError(f"{request.key} is a flag: {request.value!r} is neither on nor off")
        return "flag"

    def _values(self, kind: Literal["config", "flag"]) -> Values:
        return self._in_force.configuration if kind == "config" else self._in_force.flags

    def _carry_out(self, run: _Run) -> None:
        try:
            self._faults.strike("start")
            self._put(run.change)
            self._finish(run, "succeeded")
            self._faults.strike("end")
        except HoldfastError as error:
            self._finish(run, "failed", error=str(error))
        except BaseException as error:
            self._finish(run, "failed", error=repr(error))
            raise

    def _put(self, change: SettingChange) -> None:
        values = self._values(change.kind)[change.service]
        values[change.setting] = change.to_value
        if change.kind == "flag":
            write_whole(self._flags_path, json.dumps(self._in_force.flags) + "\n")
            time.sleep(_FLAG_SECONDS)
            return
        try:
            self._fleet.renew(
                change.service, drain_seconds=_DRAIN_SECONDS, grace_seconds=_GRACE_SECONDS
            )
        except BaseException:
            values[change.setting] = change.from_value
            raise

    def _finish(
        self, run: _Run, status: Literal["succeeded", "failed"], *, error: str = ""
    ) -> None:
        if run.over.is_set():
            return
        update = {"status": status, "finished_at": utc_now(), "error": error}
        run.change = run.change.model_copy(update=update)
        self._log.add_setting(run.change)
        with self._lock:
            self._under_way.pop(run.change.service, None)
        run.over.set()
