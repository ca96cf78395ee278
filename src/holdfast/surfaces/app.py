"""A team's world, put together from its configuration: what every surface opens first."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from holdfast import flow
from holdfast.actions.runbooks import load_runbooks
from holdfast.actions.tools import validate_service_health_tool
from holdfast.catalog.changes import ChangeLog
from holdfast.catalog.config import load_config
from holdfast.catalog.policy import load_policy
from holdfast.delivery.codehost import CodeHost
from holdfast.delivery.registry import deployers_by_service, settings_by_service
from holdfast.diagnosis.scene import Settings
from holdfast.engine.watching import Round, Watch
from holdfast.engine.world import World
from holdfast.errors import HoldfastError, LedgerError
from holdfast.evidence.source import MetricsSource
from holdfast.evidence.toolbox import Toolbox
from holdfast.evidence.tools import ToolContext, read_tools
from holdfast.integrations.sources import open_source
from holdfast.ledger.fold import fold
from holdfast.ledger.runtime import Advance, Progress, Runtime, ThreadRuntime
from holdfast.ledger.store import Ledger
from holdfast.model.case import Case
from holdfast.model.config import Config
from holdfast.model.runbook import Runbook
from holdfast.reasoning.embedded import EmbeddedReasoner
from holdfast.slo.design.tool import design_tool
from holdfast.surfaces.lab import lab_deployer, lab_settings

_LOOK_SECONDS = 0.5
"""How often a watch looks, between its rounds, for what has ended or was handed over."""

MakeRuntime = Callable[[Advance], Runtime]


class Holdfast:
    """Watches, responds, and holds incidents until they are over. Close it when done."""

    def __init__(self, world: World, make_runtime: MakeRuntime = ThreadRuntime) -> None:
        self.world = world
        self._make_runtime = make_runtime
        self._runtime: Runtime | None = None
        self._watch = Watch(world)
        self._seen: set[str] = set()

    @classmethod
    def open(cls, config_path: Path, *, durable: bool = False) -> Holdfast:
        """Open what a `holdfast.yaml` describes. `durable` runs incidents under DBOS."""
        config = load_config(config_path)
        world = make_world(config, config_path.parent)
        return cls(world, _dbos(config.data_folder) if durable else ThreadRuntime)

    @property
    def ledger(self) -> Ledger:
        """Where everything that happens is told."""
        return self.world.ledger

    def resume(self) -> tuple[str, ...]:
        """Take up every incident that is not finished with; return their ids."""
        self._seen.clear()
        return self.take_up()

    def take_up(self) -> tuple[str, ...]:
        """Take up what is new in the ledger and not finished with; return those ids.

        Each incident is looked at once, so that it is cheap to ask again for what other processes
        have opened in the meantime.
        """
        new = [i for i in self.ledger.incident_ids() if i not in self._seen]
        unfinished = tuple(i for i in new if not self._finished(i))
        for incident_id in unfinished:
            self.hold(incident_id)
        self._seen.update(new)
        return unfinished

    def tick(self) -> Round:
        """Evaluate every objective once; hold the incidents that this opens."""
        found = self._watch.tick()
        for incident_id in found.opened:
            self.hold(incident_id)
        return found

    def begin(self) -> None:
        """Become the worker of the data folder. Raises AnotherWorker where there is one."""
        self._running()

    def watch(
        self,
        *,
        on_round: Callable[[Round], None] | None = None,
        on_held: Callable[[str], None] | None = None,
        on_trouble: Callable[[HoldfastError], None] | None = None,
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Evaluate at the configured interval until told to stop, and hold what is open.

        Between rounds it looks for what has ended, and for what others handed over.
        `on_held` hears of each incident that is taken up, whoever opened it. A round that fails is
        told to `on_trouble`, where that is given, and the next one is tried.
        """
        interval = self.world.config.evaluation_interval_seconds

        def make_round() -> None:
            found = self.tick()
            take_up()
            if on_round:
                on_round(found)

        def take_up() -> None:
            for incident_id in self.take_up():
                if on_held:
                    on_held(incident_id)

        while not until():
            next_round = time.monotonic() + interval
            _tried(make_round, on_trouble)
            while not until() and (left := next_round - time.monotonic()) > 0:
                time.sleep(min(left, _LOOK_SECONDS))
                _tried(take_up, on_trouble)

    def report(self, sentence: str, service: str) -> str:
        """Open an incident from a person's sentence, for whoever works here; return its id."""
        return self._watch.open_from_sentence(sentence, service)

    def respond(self, sentence: str, service: str) -> str:
        """Open an incident from a person's sentence and hold it; return its id."""
        incident_id = self.report(sentence, service)
        self.hold(incident_id)
        return incident_id

    def hold(self, incident_id: str) -> None:
        """Keep advancing an incident until it is finished with."""
        self._running().hold(incident_id)

    def wait(self, incident_id: str, timeout_seconds: float) -> bool:
        """Wait for a held incident; return whether Holdfast is finished with it."""
        return self._running().wait(incident_id, timeout_seconds)

    def case(self, incident_id: str) -> Case:
        """Return what is known of an incident now."""
        return fold(self.ledger.events(incident_id))

    def close(self) -> None:
        """Stop. Nothing is lost."""
        if self._runtime is not None:
            self._runtime.close()
        self.world.source.close()
        self.ledger.close()

    def __enter__(self) -> Holdfast:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _running(self) -> Runtime:
        if self._runtime is None:
            self._runtime = self._make_runtime(self._advance)
        return self._runtime

    def _advance(self, incident_id: str) -> Progress:
        return flow.advance(incident_id, self.world)

    def _finished(self, incident_id: str) -> bool:
        try:
            return flow.is_finished(self.case(incident_id))
        except LedgerError:
            return False  # it is held, and fails there: one incident alone


def _tried(do: Callable[[], None], on_trouble: Callable[[HoldfastError], None] | None) -> None:
    try:
        do()
    except HoldfastError as error:
        if on_trouble is None:
            raise
        on_trouble(error)


def make_world(config: Config, folder: Path, *, source: MetricsSource | None = None) -> World:
    """Put a world together. `folder` is where relative commands run: that of the configuration."""
    source = source or open_source(config.metrics)
    runbooks = load_runbooks(config.runbooks)
    deployers = deployers_by_service(config, working_folder=folder, lab=lab_deployer)
    settings = settings_by_service(config, working_folder=folder, lab=lab_settings)
    toolbox, reasoner = _toolbox(config, source), _reasoner(config, runbooks)
    return World(
        config=config,
        ledger=Ledger.at(config.data_folder),  # made last: what is refused leaves nothing behind
        source=source,
        toolbox=toolbox,
        reasoner=reasoner,
        deployers=deployers,
        runbooks=runbooks,
        read_policy=lambda: load_policy(config.policy),
        code_hosts=_code_hosts(config),
        settings=settings,
        poll_seconds=min(0.5, config.metrics.resolution_seconds / 2),
    )


def _code_hosts(config: Config) -> dict[str, CodeHost]:
    """Return service → the repository that its fixes are written in, where that is configured."""
    from holdfast.delivery.git_host import GitHost

    work_folder = config.data_folder.absolute() / "worktrees"
    return {
        service.name: GitHost(Path(service.repository), work_folder=work_folder / service.name)
        for service in config.services
        if service.repository is not None and service.code is not None
    }


def _toolbox(config: Config, source: MetricsSource) -> Toolbox:
    context = ToolContext(
        source=source,
        services={service.name: service for service in config.services},
        changes=ChangeLog(config) if config.changes else None,
    )
    health = validate_service_health_tool(
        source, config.slos, resolution_seconds=config.metrics.resolution_seconds
    )
    toolbox = Toolbox()
    owners = {service.name: service.owner for service in config.services}
    design = design_tool(source, owners, config.slos)
    for tool in (*read_tools(context), health, design):
        toolbox.register(tool)
    return toolbox


def _reasoner(config: Config, runbooks: Mapping[str, Runbook]) -> EmbeddedReasoner:
    policy = load_policy(config.policy)
    settings = Settings(
        resolution_seconds=config.metrics.resolution_seconds,
        hold_seconds=policy.mitigated_hold_seconds,
        deadline_seconds=policy.mitigation_deadline_seconds,
    )
    services = {service.name: service for service in config.services}
    return EmbeddedReasoner(services, config.slos, settings=settings, runbooks=runbooks)


def _dbos(folder: Path) -> MakeRuntime:
    def make(advance: Advance) -> Runtime:
        from holdfast.ledger.runtime_dbos import DbosRuntime  # takes over a second to import

        return DbosRuntime(advance, folder)

    return make
