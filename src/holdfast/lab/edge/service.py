"""One service behind the edge: its versions, their connections and meters, and who is next."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.delivery.http_client import ConnectionPool
from holdfast.lab.edge.balance import SmoothRoundRobin
from holdfast.lab.edge.meters import EdgeMetrics, VersionMeter
from holdfast.lab.edge.routes import Backend, Route

NO_VERSION = "none"
"""The version that requests are counted under while no version takes traffic."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A backend with its connections and its version's meter."""

    backend: Backend
    pool: ConnectionPool
    meter: VersionMeter


class EdgeService:
    """Applies routes. Requests under way keep the arm that they were given."""

    def __init__(self, name: str, metrics: EdgeMetrics) -> None:
        self.name = name
        self.route = Route()
        self._metrics = metrics
        self._arms: dict[tuple[str, str], Arm] = {}
        self._balance = SmoothRoundRobin[Arm]([])

    def apply(self, route: Route) -> None:
        """Send traffic by this route from the next request on."""
        before = self._arms
        self.route = route
        self._arms = {(b.version, b.url): self._arm(b) for b in route.backends}
        self._balance = SmoothRoundRobin([(arm, arm.backend.weight) for arm in self._arms.values()])
        for key in before.keys() - self._arms.keys():
            before[key].pool.close()
        kept = {arm.backend.version for arm in self._arms.values()}
        gone = {a.backend.version: a.meter for a in before.values()}
        for version in gone.keys() - kept:
            self._metrics.remove(gone[version])

    def pick(self) -> Arm | None:
        """Return the arm whose turn it is, or None where none takes traffic."""
        return self._balance.pick()

    def meter(self, arm: Arm | None) -> VersionMeter:
        """Return the meter that counts a request on this arm."""
        return arm.meter if arm else self._metrics.meter(self.name, NO_VERSION)

    def close(self) -> None:
        """Close the connections to all backends."""
        for arm in self._arms.values():
            arm.pool.close()

    def _arm(self, backend: Backend) -> Arm:
        known = self._arms.get((backend.version, backend.url))
        pool = known.pool if known else ConnectionPool(*backend.address)
        return Arm(backend, pool, self._metrics.meter(self.name, backend.version))
