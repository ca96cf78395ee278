"""Faults that tests and experiments ask for: slow services, a deployer that hangs or fails."""

from __future__ import annotations

import json
from pathlib import Path

from holdfast.errors import DeployerFailed
from holdfast.lab.files import write_whole
from holdfast.lab.records import FaultRequest
from holdfast.lab.supervisor.stop import StopSignal

_LOOK_EVERY_SECONDS = 0.05


class Faults:
    """What is injected now."""

    def __init__(self, path: Path, stop: StopSignal) -> None:
        self._path, self._stop = path, stop
        self.delays_seconds: dict[str, float] = {}
        """By service, or by `service@version`."""
        self._hang = FaultRequest(deploy_hangs_seconds=0.0)
        self._fails = False

    def inject(self, request: FaultRequest) -> None:
        """Take up, change or end faults."""
        if request.service is not None and request.delay_seconds is not None:
            whose = f"{request.service}@{request.version}" if request.version else request.service
            self.delays_seconds[whose] = request.delay_seconds
            plain = {name: {"delay_seconds": d} for name, d in self.delays_seconds.items()}
            write_whole(self._path, json.dumps(plain) + "\n")
        if request.deploy_hangs_seconds is not None:
            self._hang = request
        if request.deploy_fails is not None:
            self._fails = request.deploy_fails

    def strike(self, moment: str) -> None:
        """Hang or fail at a moment of a deployment, `start` or `end`, where that is asked for."""
        waited = 0.0
        while self._hang.deploy_hangs_at == moment and waited < self._hang_seconds():
            if self._stop.wait(_LOOK_EVERY_SECONDS):
                raise DeployerFailed("the lab ends")
            waited += _LOOK_EVERY_SECONDS
        if self._fails and moment == "start":
            raise DeployerFailed("the deployer failed, as it was told to")

    def _hang_seconds(self) -> float:
        return self._hang.deploy_hangs_seconds or 0.0
