"""The small production as a whole: it starts, answers what runs, and ends."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec

from holdfast.errors import NotFound
from holdfast.lab.cdevents import DeploymentLog
from holdfast.lab.records import (
    USUAL_RATE_PER_SECOND,
    LabDatabase,
    LabFolder,
    LabOptions,
    ServiceState,
)
from holdfast.lab.repositories import make_repositories
from holdfast.lab.supervisor.database import await_database, start_database
from holdfast.lab.supervisor.deploying import Deployments
from holdfast.lab.supervisor.edge import (
    START_SECONDS,
    Edge,
    await_edge,
    start_edge,
    start_load,
    tell,
)
from holdfast.lab.supervisor.faults import Faults
from holdfast.lab.supervisor.fleet import Fleet
from holdfast.lab.supervisor.instances import Launcher
from holdfast.lab.supervisor.processes import Processes
from holdfast.lab.supervisor.settings import Settings, at_first
from holdfast.lab.supervisor.stop import StopSignal
from holdfast.lab.topology import ServiceSpec, chosen

RECORDER = "holdfast.promql.recorder"


@dataclass(frozen=True)
class Production:
    """Everything that runs, and what can be done to it."""

    edge: Edge
    fleet: Fleet
    deployments: Deployments
    settings: Settings
    faults: Faults
    load_url: str
    database: LabDatabase

    def services(self) -> dict[str, ServiceState]:
        """Return what serves each service."""
        return {
            name: self.fleet.state(
                name,
                in_progress=self.deployments.in_progress(name) or self.settings.in_progress(name),
            )
            for name in self.fleet.names()
        }

    def set_rate(self, rate_per_second: float) -> None:
        """Change how often clients ask. Raises NotFound in a lab without load."""
        if not self.load_url:
            raise NotFound("this lab has no load generator")
        tell("PUT", f"{self.load_url}/rate", {"rate_per_second": rate_per_second})


def start(
    folder: LabFolder, options: LabOptions, processes: Processes, stop: StopSignal
) -> Production:
    """Start all of it and return it when it serves."""
    specs = chosen(options.services)
    deadline = time.monotonic() + START_SECONDS
    edge_process = start_edge(processes, folder, specs)
    database_process = start_database(processes, folder, options, specs)
    make_repositories(tuple(spec.name for spec in specs), folder.repositories)
    edge = await_edge(edge_process, options, deadline)
    database = await_database(database_process, options, deadline)
    in_force = at_first(specs)
    launcher = Launcher(folder, options, processes, edge, database, in_force.configuration)
    others = [("edge", edge.admin_url)]
    others += [("database", database.metrics_url)] if database.metrics_url else []
    fleet = Fleet(specs, launcher, edge, folder.targets, others)
    faults = Faults(folder.faults, stop)
    log = DeploymentLog(folder.deployments)
    deployments = Deployments(fleet, log, faults, stop)
    settings = Settings(in_force, fleet, deployments, log, faults, folder.flags)
    if options.recorder:
        start_recorder(folder, options, fleet, processes)
    _first_versions(specs, options, fleet, deployments)
    load_url = ""
    if options.load:
        wanted = options.rate_per_second
        rate = USUAL_RATE_PER_SECOND[database.kind] if wanted is None else wanted
        patience = time.monotonic() + START_SECONDS
        load_url = start_load(processes, edge, specs[0], rate, patience)
        fleet.scrape("load", load_url)
    return Production(edge, fleet, deployments, settings, faults, load_url, database)


def _first_versions(
    specs: tuple[ServiceSpec, ...], options: LabOptions, fleet: Fleet, deployments: Deployments
) -> None:
    versions = {spec.name: options.versions.get(spec.name, spec.first_version) for spec in specs}
    instances = [fleet.launch(name, version) for name, version in versions.items()]
    with ThreadPoolExecutor(max_workers=len(instances)) as pool:
        list(pool.map(fleet.admit, instances))
    for name, version in versions.items():
        fleet.share(name, {version: 100.0})
        deployments.note_first(name, version, "laboratory")


def start_recorder(
    folder: LabFolder, options: LabOptions, fleet: Fleet, processes: Processes
) -> None:
    """Start recording what the targets say."""
    if find_spec(RECORDER) is None:
        raise NotFound(f"{RECORDER} is not installed", hint="start the lab without a recorder")
    fleet.write_targets()
    arguments = ["--targets", str(folder.targets), "--folder", str(folder.metrics)]
    arguments += ["--interval-seconds", str(options.scrape_interval_seconds)]
    processes.start("recorder", RECORDER, arguments)
