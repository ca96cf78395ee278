"""The seam to whatever puts versions into production."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from holdfast.model.base import Record


class DeploymentState(Record):
    """What serves a service's traffic now: version → weight in percent (sum 100).

    `in_progress` = a deployment is under way; the weights may still move.
    """

    service: str
    weights: dict[str, float]
    in_progress: bool = False


class Deployer(Protocol):
    """Every method raises DeployerTimeout, DeployerFailed or PreconditionFailed."""

    @property
    def name(self) -> str:
        """How evidence names it."""
        ...

    def current(self, service: str) -> DeploymentState:
        """Return what runs now. Read-only."""
        ...

    def deploy(
        self,
        service: str,
        version: str,
        *,
        expect_version: str,
        idempotency_key: str,
        timeout_seconds: float,
    ) -> None:
        """Give all traffic to `version`, if `expect_version` serves now; else PreconditionFailed.

        Returns when it is done. The same key a second time does nothing more.
        """
        ...

    def set_weights(
        self, service: str, weights: Mapping[str, float], *, timeout_seconds: float
    ) -> None:
        """Share traffic between running versions, in percent."""
        ...
