"""Everything that the stages of one incident need, put together once by a surface."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from holdfast.actions.execute import Executor, KeepEvidence
from holdfast.delivery.codehost import CodeHost
from holdfast.delivery.deployer import Deployer
from holdfast.delivery.settings import Settings
from holdfast.errors import HoldfastError
from holdfast.evidence.source import MetricsSource
from holdfast.evidence.toolbox import Toolbox
from holdfast.ledger.store import Entry, Ledger
from holdfast.model.base import utc_now
from holdfast.model.config import Config
from holdfast.model.policy import Policy
from holdfast.model.runbook import Runbook
from holdfast.model.service import Service
from holdfast.model.slo import SLO
from holdfast.reasoning.reasoner import Reasoner


@dataclass(frozen=True)
class World:
    """A team's world. `read_policy` is called at each decision, so that a pause holds at once."""

    config: Config
    ledger: Ledger
    source: MetricsSource
    toolbox: Toolbox
    reasoner: Reasoner
    deployers: Mapping[str, Deployer]
    runbooks: Mapping[str, Runbook]
    read_policy: Callable[[], Policy]
    code_hosts: Mapping[str, CodeHost] = field(default_factory=dict[str, CodeHost])
    """By service: only those whose code may be worked in."""
    settings: Mapping[str, Settings] = field(default_factory=dict[str, Settings])
    """By service: what its configuration and flags are read and changed through."""
    clock: Callable[[], datetime] = utc_now
    poll_seconds: float = 0.5
    services: Mapping[str, Service] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "services", {s.name: s for s in self.config.services})

    def executor(self, keep: KeepEvidence | None = None) -> Executor:
        """Return what performs claimed plans, handing each transcript to `keep`."""
        return Executor(
            self.deployers,
            self.runbooks,
            time.monotonic,
            keep=keep,
            settings=self.settings,
            code_hosts=self.code_hosts,
        )

    def tell(self, incident_id: str, entries: Iterable[Entry], *, actor: str = "") -> None:
        """Append to the ledger, at this world's time. Raises StepTaken where a step is taken."""
        self.ledger.append(incident_id, entries, actor=actor or self.actor, at=self.clock())

    @property
    def actor(self) -> str:
        """How the ledger names whoever acts here."""
        return f"holdfast ({self.reasoner.name})"

    @property
    def incidents_folder(self) -> Path:
        """Where the incidents' folders are written."""
        return self.config.data_folder / "incidents"

    @property
    def hold_seconds(self) -> float:
        """How long the SLI must be back; the default where the policy cannot be read."""
        try:
            return self.read_policy().mitigated_hold_seconds
        except HoldfastError:
            return Policy(name="unreadable").mitigated_hold_seconds

    def slo(self, name: str | None) -> SLO | None:
        """Return the objective of that name."""
        return next((slo for slo in self.config.slos if slo.name == name), None)

    def slos_of(self, service: str) -> tuple[SLO, ...]:
        """Return the objectives of a service."""
        return tuple(slo for slo in self.config.slos if slo.service == service)

    def now(self) -> float:
        """The present, in Unix seconds."""
        return self.clock().timestamp()
