"""The lab's deployer: asks the supervisor's control port."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.delivery.deployer import DeploymentState
from holdfast.errors import NotFound
from holdfast.lab.control_port import ControlPort
from holdfast.lab.records import DeployRequest, ServiceState, WeightsRequest


class LabDeployer:
    """Implements `delivery/deployer.py: Deployer`."""

    def __init__(self, control_url: str, *, actor: str = "holdfast") -> None:
        self._port = ControlPort(control_url)
        self._actor = actor

    @property
    def name(self) -> str:
        """How evidence names it."""
        return self._port.name

    def current(self, service: str) -> DeploymentState:
        """Return what serves now."""
        found = self._state(service)
        serving = {version: weight for version, weight in found.weights.items() if weight > 0}
        return DeploymentState(service=service, weights=serving, in_progress=found.in_progress)

    def deploy(
        self,
        service: str,
        version: str,
        *,
        expect_version: str,
        idempotency_key: str,
        timeout_seconds: float,
    ) -> None:
        """Give all traffic to `version` if `expect_version` serves, and return when it is done."""
        request = DeployRequest(
            service=service,
            version=version,
            expect_version=expect_version,
            idempotency_key=idempotency_key,
            actor=self._actor,
        )
        self._port.send("POST", "/deploy", request, timeout_seconds)

    def set_weights(
        self, service: str, weights: Mapping[str, float], *, timeout_seconds: float
    ) -> None:
        """Let these versions run with these shares, in percent, and no others."""
        request = WeightsRequest(service=service, weights=dict(weights), actor=self._actor)
        self._port.send("POST", "/weights", request, timeout_seconds)

    def endpoints(self, service: str) -> Mapping[str, str]:
        """Return version → the address of its process, for each that runs."""
        return self._state(service).urls

    def _state(self, service: str) -> ServiceState:
        found = self._port.state().services.get(service)
        if found is None:
            raise NotFound(f"{self.name} has no service {service}")
        return found
