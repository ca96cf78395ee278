"""Asks the supervisor's control port, and tells its silences and refusals apart."""

from __future__ import annotations

import httpx2
from pydantic import ValidationError

from holdfast.errors import DeployerFailed, DeployerTimeout, PreconditionFailed
from holdfast.lab.records import LabState, Refusal
from holdfast.model.base import Record

_READ_SECONDS = 10.0


class ControlPort:
    """The control port of a running lab. `name` is how errors name it."""

    def __init__(self, control_url: str) -> None:
        self._url = control_url.rstrip("/")
        self.name = f"lab {self._url}"

    def state(self) -> LabState:
        """Return what runs."""
        return LabState.model_validate_json(self.send("GET", "/state", None, _READ_SECONDS))

    def send(self, method: str, path: str, body: Record | None, timeout_seconds: float) -> str:
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
