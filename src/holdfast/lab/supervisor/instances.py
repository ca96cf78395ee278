"""One process of one version of a service: checked out, started, healthy."""

from __future__ import annotations

import http.client
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from holdfast.errors import DeployerFailed
from holdfast.lab.http_json import ask
from holdfast.lab.records import LabDatabase, LabFolder, LabOptions
from holdfast.lab.repositories import PLATFORM, check_out
from holdfast.lab.supervisor.database import url_for
from holdfast.lab.supervisor.edge import START_SECONDS, Edge
from holdfast.lab.supervisor.processes import Child, Processes
from holdfast.lab.topology import ServiceSpec


@dataclass(frozen=True)
class Instance:
    """A running version of a service."""

    service: str
    version: str
    url: str
    child: Child
    cpu: int | None

    def await_healthy(self, deadline: float) -> None:
        """Return when it answers. Raises DeployerFailed where it ends or stays silent."""
        while (left := deadline - time.monotonic()) > 0:
            self.child.check_running()
            try:
                status, _ = ask("GET", f"{self.url}/healthz", timeout_seconds=min(left, 2.0))
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)
                continue
            if status == 200:
                return
        raise DeployerFailed(
            f"{self.service} {self.version} was not healthy in {START_SECONDS:g} s",
            hint=f"see {self.child.errors}",
        )


class Cpus:
    """Which CPU a process keeps to: the one that fewest have. Labs begin at different ones."""

    def __init__(self) -> None:
        usable = sorted(os.sched_getaffinity(0))
        first = os.getpid() % len(usable)
        self._users = dict.fromkeys(usable[first:] + usable[:first], 0)
        self.count = len(usable)
        self._lock = Lock()

    def take(self) -> int:
        """Return a CPU for one more process."""
        with self._lock:
            cpu = min(self._users, key=self._users.__getitem__)
            self._users[cpu] += 1
            return cpu

    def give_back(self, cpu: int) -> None:
        """Take note that a process has ended."""
        with self._lock:
            self._users[cpu] -= 1


class Launcher:
    """Starts instances, each with what its service's `configuration` is at that moment."""

    def __init__(
        self,
        folder: LabFolder,
        options: LabOptions,
        processes: Processes,
        edge: Edge,
        database: LabDatabase,
        configuration: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._folder, self._options = folder, options
        self._processes, self._edge, self._database = processes, edge, database
        self._configuration = configuration
        self._cpus = Cpus()

    def launch(self, spec: ServiceSpec, version: str) -> Instance:
        """Check the version out and start it; the port is open before the process is."""
        repository = self._folder.repositories / spec.name
        code = check_out(repository, version, self._folder.versions)
        cpu = self._cpus.take() if spec.database else None  # only there do many threads take turns
        with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
            child = self._processes.start(
                f"{spec.name}.{version}",
                spec.module,
                ["--fd", str(listener.fileno())],
                environment=self._environment(spec, version, str(code / "src"), cpu),
                output_suffix=".jsonl",
                pass_fds=[listener.fileno()],
            )
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        return Instance(spec.name, version, url, child, cpu)

    def forget(self, instance: Instance) -> None:
        """Take note that an instance has ended."""
        if instance.cpu is not None:
            self._cpus.give_back(instance.cpu)

    def _environment(
        self, spec: ServiceSpec, version: str, source: str, cpu: int | None
    ) -> dict[str, str]:
        options = self._options
        return {
            "PYTHONPATH": os.pathsep.join((source, str(PLATFORM))),
            "SERVICE_NAME": spec.name,
            "SERVICE_VERSION": version,
            "SERVICE_CPU": "" if cpu is None else str(cpu),
            "DATABASE_PATH": str(self._folder.data / f"{spec.name}.db"),
            "DATABASE_URL": url_for(self._database, spec),
            "LAB_FAULTS": str(self._folder.faults),
            "LAB_FLAGS": str(self._folder.flags),
            "LAB_ROUND_TRIP_SECONDS": str(options.round_trip_seconds),
            "LAB_STATEMENT_METRICS": "1" if options.statement_metrics else "0",
            "LAB_STATEMENT_LOGS": "1" if options.statement_logs else "0",
            "LAB_STATEMENT_LOG_FRACTION": str(options.statement_log_fraction),
            **self._configuration[spec.name],
            **self._edge.environment(),
        }
