"""The lab from outside: `up`, `status`, `release`, `down`. Prints nothing."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from holdfast.errors import ConfigError, DeployerFailed, InputError, NotFound, PreconditionFailed
from holdfast.lab.files import is_alive, is_locked
from holdfast.lab.http_json import ask
from holdfast.lab.records import (
    Deployment,
    DeployRequest,
    FaultRequest,
    LabFile,
    LabFolder,
    LabOptions,
    LabState,
    LoadRequest,
    Refusal,
    SettingChange,
    SettingRequest,
)
from holdfast.lab.topology import chosen
from holdfast.lab.world import write_world
from holdfast.model.base import Record
from holdfast.model.ids import new_id

_POLL_SECONDS = 0.02
_START_SECONDS = 30.0
_END_SECONDS = 10.0


@dataclass(frozen=True)
class LabHandle:
    """A running lab."""

    folder: LabFolder
    lab: LabFile

    @property
    def config_path(self) -> Path:
        """The lab's `holdfast.yaml`."""
        return self.folder.config

    @property
    def control_url(self) -> str:
        """Where its supervisor is told things."""
        return self.lab.control_url

    @property
    def entry_url(self) -> str:
        """Where its clients ask."""
        return self.lab.edge_urls[chosen(self.lab.options.services)[0].name]

    def state(self) -> LabState:
        """Return what runs."""
        return LabState.model_validate_json(self._ask("GET", "/state"))

    def deployments(self) -> list[Deployment]:
        """Return every deployment since the lab began, oldest first."""
        return _Deployments.model_validate_json(
            f'{{"deployments":{self._ask("GET", "/deployments")}}}'
        ).deployments

    def release(
        self,
        service: str,
        version: str,
        steps: Sequence[float] = (10, 50, 100),
        step_seconds: float = 2.0,
        *,
        actor: str = "release train",
    ) -> Deployment:
        """Replace what serves by `version`, in steps, and return when it is over."""
        serving = self.serving(service)
        if serving == version:
            raise PreconditionFailed(
                f"{service}: {version} serves already", hint="choose another version"
            )
        fields = {
            "service": service,
            "version": version,
            "expect_version": serving,
            "idempotency_key": new_id("release"),
            "steps": tuple(steps),
            "step_seconds": step_seconds,
            "actor": actor,
        }
        try:
            request = DeployRequest.model_validate(fields)
        except ValidationError as error:
            raise InputError(error.errors(include_url=False)[0]["msg"]) from None
        patience_seconds = 60.0 + len(steps) * step_seconds
        return Deployment.model_validate_json(
            self._ask("POST", "/deploy", request, timeout_seconds=patience_seconds)
        )

    def serving(self, service: str) -> str:
        """Return the one version that serves a service. Raises PreconditionFailed if several do."""
        services = self.state().services
        if service not in services:
            known = ", ".join(services)
            raise NotFound(f"this lab has no service {service}", hint=f"known: {known}")
        state = services[service]
        serving = [version for version, weight in state.weights.items() if weight > 0]
        if len(serving) != 1:
            raise PreconditionFailed(f"{service}: {', '.join(serving) or 'nothing'} serves")
        return serving[0]

    def set(
        self, service: str, key: str, value: str, *, actor: str = "release train"
    ) -> SettingChange:
        """Set a configuration or a flag, whatever it was, and return when it is in force."""
        request = SettingRequest(
            service=service, key=key, value=value, idempotency_key=new_id("setting"), actor=actor
        )
        answer = self._ask("POST", "/settings", request, timeout_seconds=60.0)
        return SettingChange.model_validate_json(answer)

    def set_rate(self, rate_per_second: float) -> None:
        """Change how often clients ask."""
        self._ask("POST", "/load", LoadRequest(rate_per_second=rate_per_second))

    def fault(self, request: FaultRequest) -> None:
        """Inject, change or end faults."""
        self._ask("POST", "/faults", request)

    def down(self) -> None:
        """End the lab. Returns when nothing of it runs any more."""
        down(self.folder.root)

    def _ask(
        self, method: str, path: str, body: Record | None = None, *, timeout_seconds: float = 10.0
    ) -> str:
        text = body.model_dump_json() if body else None
        try:
            status, answer = ask(
                method, self.control_url + path, text, timeout_seconds=timeout_seconds
            )
        except (OSError, http.client.HTTPException) as error:
            raise DeployerFailed(
                f"the lab in {self.folder.root} does not answer: {error}",
                hint="`holdfast lab status` tells whether it runs",
            ) from error
        if status >= 300:
            kind = {409: PreconditionFailed, 404: NotFound, 422: InputError}
            raise kind.get(status, DeployerFailed)(Refusal.model_validate_json(answer).error)
        return answer


class _Deployments(Record):
    deployments: list[Deployment]


def up(folder: Path, *, options: LabOptions | None = None) -> LabHandle:
    """Start a lab and return it once it serves and is loaded; it runs on by itself.

    What an ended lab left in the folder is removed. Raises InputError where the folder is in use
    or holds something else, DeployerFailed where the lab did not start.
    """
    place, wanted = LabFolder(folder), options or LabOptions()
    chosen(wanted.services)
    _make_room(place)
    lab = _await_ready(place, _start_supervisor(place, wanted))
    write_world(place, lab)
    return LabHandle(place, lab)


def status(folder: Path) -> LabFile:
    """Return how the lab in a folder stands. One whose supervisor is gone has ended."""
    place = LabFolder(folder)
    lab = _read(place)
    if lab.status in ("starting", "ready") and not is_locked(place.lock):
        return lab.model_copy(update={"status": "ended", "reason": "its supervisor is gone"})
    return lab


def attach(folder: Path) -> LabHandle:
    """Return the lab that runs in a folder. Raises NotFound where none does."""
    lab = status(folder)
    if lab.status != "ready":
        raise NotFound(f"the lab in {folder} is not running ({lab.status}: {lab.reason})")
    return LabHandle(LabFolder(folder), lab)


def release(
    folder: Path, service: str, version: str, steps: Sequence[float], step_seconds: float
) -> Deployment:
    """Release a version in the lab that runs in a folder."""
    return attach(folder).release(service, version, steps, step_seconds)


def down(folder: Path) -> None:
    """End the lab in a folder, if it runs. Returns when nothing of it runs any more."""
    place, lab = LabFolder(folder), status(folder)
    if lab.status not in ("starting", "ready"):
        return
    for number, patience_seconds in ((signal.SIGTERM, _END_SECONDS), (signal.SIGKILL, 2.0)):
        if not is_locked(place.lock):
            return
        os.kill(lab.pid, number)  # the lock says that it is alive, and so that the id is its own
        _wait_unlocked(place, patience_seconds)


def _wait_unlocked(place: LabFolder, patience_seconds: float) -> None:
    deadline = time.monotonic() + patience_seconds
    while is_locked(place.lock) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _make_room(place: LabFolder) -> None:
    if is_locked(place.lock):
        raise InputError(
            f"a lab runs in {place.root}", hint="choose another folder, or `holdfast lab down`"
        )
    if place.state.exists():
        for part in (place.repositories, place.versions, place.data, place.metrics, place.logs):
            shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(place.runbooks, ignore_errors=True)
        for part in (place.state, place.targets, place.faults, place.flags, place.deployments):
            part.unlink(missing_ok=True)
    elif place.root.exists() and any(place.root.iterdir()):
        raise InputError(
            f"{place.root} is not empty and no lab's folder", hint="choose another folder"
        )


def _start_supervisor(place: LabFolder, options: LabOptions) -> int:
    """Start it so that it outlives us, and return its process id."""
    place.logs.mkdir(parents=True)
    argv = [sys.executable, "-P", "-m", "holdfast.lab.detach", "holdfast.lab.supervisor"]
    argv += ["--folder", str(place.root), "--options", options.model_dump_json()]
    with (place.logs / "supervisor.log").open("ab") as log:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, check=True
        )
    return int(done.stdout)


def _await_ready(place: LabFolder, supervisor_pid: int) -> LabFile:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        alive = is_alive(supervisor_pid)  # asked first: it writes its state before it ends
        if place.state.exists() and (lab := _read(place)).status == "ready":
            return lab
        if not alive:
            reason = _read(place).reason if place.state.exists() else "it ended at once"
            raise DeployerFailed(
                f"the lab did not start: {reason}", hint=f"see {place.logs / 'supervisor.log'}"
            )
        time.sleep(_POLL_SECONDS)
    os.kill(supervisor_pid, signal.SIGKILL)
    raise DeployerFailed(f"the lab was not ready in {_START_SECONDS:g} s", hint=f"see {place.logs}")


def _read(place: LabFolder) -> LabFile:
    try:
        return LabFile.model_validate_json(place.state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(f"there is no lab in {place.root}") from None
    except ValidationError as error:
        raise ConfigError(f"{place.state} is no lab's state: {error}") from None
