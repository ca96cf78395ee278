"""What runs of each service, and how traffic is shared: the edge and the targets follow."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

from holdfast.errors import NotFound
from holdfast.lab.records import ServiceState
from holdfast.lab.supervisor.edge import START_SECONDS, Edge
from holdfast.lab.supervisor.instances import Instance, Launcher
from holdfast.lab.supervisor.targets import write_targets
from holdfast.lab.topology import ServiceSpec


@dataclass
class ServiceRuntime:
    """One service: its running instances by version, and their weights in percent."""

    spec: ServiceSpec
    instances: dict[str, Instance] = field(default_factory=dict[str, Instance])
    weights: dict[str, float] = field(default_factory=dict[str, float])
    healthy: set[str] = field(default_factory=set[str])
    """The versions that have answered: only they are scraped."""


class Fleet:
    """All services. Every change goes through here and is seen whole."""

    def __init__(
        self,
        specs: tuple[ServiceSpec, ...],
        launcher: Launcher,
        edge: Edge,
        targets: Path,
        other_targets: Iterable[tuple[str, str]],
    ) -> None:
        self._services = {spec.name: ServiceRuntime(spec) for spec in specs}
        self._launcher, self._edge = launcher, edge
        self._targets, self._other_targets = targets, list(other_targets)
        self._lock = RLock()

    def service(self, name: str) -> ServiceRuntime:
        """Return a service, or raise NotFound."""
        if name not in self._services:
            raise NotFound(f"no service {name}", hint=f"known: {', '.join(self._services)}")
        return self._services[name]

    def launch(self, name: str, version: str) -> Instance:
        """Start a version unless it runs, without waiting for it."""
        service = self.service(name)
        if self._runs(name, version):
            return service.instances[version]
        instance = self._launcher.launch(service.spec, version)
        with self._lock:
            service.instances[version] = instance
        return instance

    def admit(self, instance: Instance) -> None:
        """Wait until an instance is healthy, and have it scraped. One that is not is ended."""
        try:
            instance.await_healthy(time.monotonic() + START_SECONDS)
        except BaseException:
            self.retire(instance.service, instance.version, drain_seconds=0, grace_seconds=0)
            raise
        with self._lock:
            self.service(instance.service).healthy.add(instance.version)
        self.write_targets()

    def share(self, name: str, weights: Mapping[str, float]) -> None:
        """Share a service's traffic between running versions."""
        service = self.service(name)
        with self._lock:
            urls = {version: i.url for version, i in service.instances.items()}
            self._edge.route(name, urls, weights)
            service.weights = dict(weights)

    def launch_all(self, name: str, versions: Iterable[str]) -> None:
        """Have these versions run, healthy. Where one does not start, none of them is started."""
        absent = [v for v in versions if not self._runs(name, v)]
        try:
            for version in absent:
                self.admit(self.launch(name, version))
        except BaseException:
            for version in absent:
                self.retire(name, version, drain_seconds=0, grace_seconds=0)
            raise

    def renew(self, name: str, *, drain_seconds: float, grace_seconds: float) -> None:
        """Replace each instance of a service by a new one of the same version, and move traffic.

        Where one does not become healthy nothing has changed.
        """
        service = self.service(name)
        old = dict(service.instances)
        fresh: dict[str, Instance] = {}
        try:
            for version in old:
                fresh[version] = self._launcher.launch(service.spec, version)
            for instance in fresh.values():
                instance.await_healthy(time.monotonic() + START_SECONDS)
        except BaseException:
            self._end(fresh.values(), grace_seconds=0)
            raise
        with self._lock:
            service.instances.update(fresh)
            self.share(name, service.weights)
        self.write_targets()
        time.sleep(drain_seconds)
        self._end(old.values(), grace_seconds=grace_seconds)

    def _end(self, instances: Iterable[Instance], *, grace_seconds: float) -> None:
        for instance in instances:
            instance.child.end(grace_seconds=grace_seconds)
            self._launcher.forget(instance)

    def retire(
        self, name: str, version: str, *, drain_seconds: float, grace_seconds: float
    ) -> None:
        """End a version that has no traffic any more, after what it still serves was drained."""
        service = self.service(name)
        with self._lock:
            instance = service.instances.pop(version, None)
            service.healthy.discard(version)
        if instance is None:
            return
        self.write_targets()
        time.sleep(drain_seconds)
        instance.child.end(grace_seconds=grace_seconds)
        self._launcher.forget(instance)

    def _runs(self, name: str, version: str) -> bool:
        found = self.service(name).instances.get(version)
        return found is not None and found.child.popen.poll() is None

    def scrape(self, job: str, url: str) -> None:
        """Have something else scraped as well."""
        self._other_targets.append((job, url))
        self.write_targets()

    def write_targets(self) -> None:
        """Write down what is to be scraped now."""
        with self._lock:
            own = [
                (service.spec.name, instance.url)
                for service in self._services.values()
                for version, instance in service.instances.items()
                if version in service.healthy
            ]
            write_targets(self._targets, [*self._other_targets, *own])

    def state(self, name: str, *, in_progress: bool) -> ServiceState:
        """Return what serves a service."""
        service = self.service(name)
        with self._lock:
            urls = {version: instance.url for version, instance in service.instances.items()}
            weights = dict.fromkeys(urls, 0.0) | service.weights
        return ServiceState(weights=weights, in_progress=in_progress, urls=urls)

    def names(self) -> tuple[str, ...]:
        """Return the names of all services."""
        return tuple(self._services)
