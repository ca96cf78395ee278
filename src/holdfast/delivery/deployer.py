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
        """Let these versions run with these shares of the traffic, in percent, and no others.

        A named version that does not run is started, and gets traffic once it is healthy; with 0
        it runs without. A running version that is not named is ended after its traffic has moved.
        Where one cannot be started nothing has changed.
        """
        ...

    def endpoints(self, service: str) -> Mapping[str, str]:
        """Return version → base URL of each that runs, to be asked past the traffic split.

        Read-only. Raises DeployerFailed where this deployer has no way to tell.
        """
        ...
