"""The lab's deployer: asks the supervisor's control port."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2
from pydantic import ValidationError

from holdfast.delivery.deployer import DeploymentState
from holdfast.errors import DeployerFailed, DeployerTimeout, NotFound, PreconditionFailed
from holdfast.lab.records import DeployRequest, LabState, Refusal, ServiceState, WeightsRequest
from holdfast.model.base import Record

_READ_SECONDS = 10.0


class LabDeployer:
    """Implements `delivery/deployer.py: Deployer`."""

    def __init__(self, control_url: str, *, actor: str = "holdfast") -> None:
        self._url = control_url.rstrip("/")
        self._actor = actor

    @property
    def name(self) -> str:
        """How evidence names it."""
        return f"lab {self._url}"

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
        self._send("POST", "/deploy", request, timeout_seconds)

    def set_weights(
        self, service: str, weights: Mapping[str, float], *, timeout_seconds: float
    ) -> None:
        """Let these versions run with these shares, in percent, and no others."""
        request = WeightsRequest(service=service, weights=dict(weights), actor=self._actor)
        self._send("POST", "/weights", request, timeout_seconds)

    def endpoints(self, service: str) -> Mapping[str, str]:
        """Return version → the address of its process, for each that runs."""
        return self._state(service).urls

    def _state(self, service: str) -> ServiceState:
        answer = self._send("GET", "/state", None, _READ_SECONDS)
        found = LabState.model_validate_json(answer).services.get(service)
        if found is None:
            raise NotFound(f"{self.name} has no service {service}")
        return found

    def _send(self, method: str, path: str, body: Record | None, timeout_seconds: float) -> str:
        """Return the answer's body. Nothing was done where the connection was refused; in every
        other silence it is unknown, which is DeployerTimeout.
        """
        content = body.model_dump_json() if body else None
        try:
            answer = httpx2.request(
                method,
                self._url + path,
                content=content,
                timeout=timeout_seconds,
                trust_env=False,
            )
        except httpx2.ConnectError as error:
            raise DeployerFailed(f"{self.name} cannot be reached: {error}") from error
        except httpx2.TransportError as error:
            raise DeployerTimeout(
                f"{self.name} gave no answer to {path} in {timeout_seconds:g} s: {error!r}",
                hint="ask what runs now",
            ) from error
        if answer.status_code == 409:
            raise PreconditionFailed(_reason(answer.text))
        if answer.status_code >= 300:
            raise DeployerFailed(
                f"{self.name} answered {answer.status_code}: {_reason(answer.text)}"
            )
        return answer.text


def _reason(text: str) -> str:
    try:
        return Refusal.model_validate_json(text).error
    except ValidationError:
        return text[:300]
