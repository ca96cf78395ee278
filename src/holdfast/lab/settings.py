"""The lab's settings: asks the supervisor's control port."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.errors import NotFound
from holdfast.lab.control_port import ControlPort
from holdfast.lab.records import SettingRequest


class LabSettings:
    """Implements `delivery/settings.py: Settings`."""

    def __init__(self, control_url: str, *, actor: str = "holdfast") -> None:
        self._port = ControlPort(control_url)
        self._actor = actor

    @property
    def name(self) -> str:
        """How evidence names it."""
        return f"settings of {self._port.name}"

    def current(self, service: str) -> Mapping[str, str]:
        """Return key → value of what is in force. A roll-out under way has not taken effect yet."""
        found = self._port.state().settings.get(service)
        if found is None:
            raise NotFound(f"{self.name}: there is no service {service}")
        return found

    def set(
        self,
        service: str,
        key: str,
        value: str,
        *,
        expect_value: str,
        idempotency_key: str,
        timeout_seconds: float,
    ) -> None:
        """Set a key if `expect_value` is in force, and return when the new one is."""
        request = SettingRequest(
            service=service,
            key=key,
            value=value,
            expect_value=expect_value,
            idempotency_key=idempotency_key,
            actor=self._actor,
        )
        self._port.send("POST", "/settings", request, timeout_seconds)
