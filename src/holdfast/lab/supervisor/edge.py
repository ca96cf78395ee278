"""The edge and the load generator, as the supervisor speaks to them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.errors import DeployerFailed
from holdfast.lab.http_json import ask
from holdfast.lab.records import LabFolder, LabOptions
from holdfast.lab.supervisor.processes import Child, Processes
from holdfast.lab.topology import ServiceSpec
from holdfast.model.base import Record

START_SECONDS = 20.0
"""How long any process of the lab may take to be ready, on a busy machine."""


class EdgeListens(Record):
    """What the edge prints once it listens: its ports."""

    admin: int
    listen: dict[str, int]


class LoadRuns(Record):
    """What the load generator prints once it runs: the port of its health, metrics and rate."""

    port: int


@dataclass(frozen=True)
class Edge:
    """The running edge. Weights are in percent."""

    admin_url: str
    urls: dict[str, str]
    """Where each service is reached."""
    threshold_seconds: float
    timeout_seconds: float

    def route(self, service: str, urls: Mapping[str, str], weights: Mapping[str, float]) -> None:
        """Share a service's traffic between versions at these addresses."""
        backends = [
            {"version": version, "url": urls[version], "weight": weight}
            for version, weight in weights.items()
        ]
        route = {
            "backends": backends,
            "threshold_seconds": self.threshold_seconds,
            "timeout_seconds": self.timeout_seconds,
        }
        tell("PUT", f"{self.admin_url}/routes/{service}", route)

    def environment(self) -> dict[str, str]:
        """Return what tells a service where the others are."""
        return {"EDGE_" + name.upper().replace("-", "_"): url for name, url in self.urls.items()}


def start_edge(processes: Processes, folder: LabFolder, services: tuple[ServiceSpec, ...]) -> Child:
    """Start the edge on free ports."""
    listen = [part for spec in services for part in ("--listen", f"{spec.name}=0")]
    arguments = ["--admin-port", "0", *listen, "--access-log", str(folder.access_log)]
    return processes.start("edge", "holdfast.lab.edge", arguments)


def await_edge(child: Child, options: LabOptions, deadline: float) -> Edge:
    """Return the edge once it listens."""
    said = EdgeListens.model_validate_json(child.first_line(deadline))
    return Edge(
        admin_url=f"http://127.0.0.1:{said.admin}",
        urls={name: f"http://127.0.0.1:{port}" for name, port in said.listen.items()},
        threshold_seconds=options.threshold_seconds,
        timeout_seconds=options.timeout_seconds,
    )


def start_load(
    processes: Processes, edge: Edge, entry: ServiceSpec, rate_per_second: float, deadline: float
) -> str:
    """Start clients that ask the entry service; return where the generator is told things."""
    arguments = ["--target", edge.urls[entry.name], "--port", "0"]
    arguments += ["--rate-per-second", str(rate_per_second)]
    arguments += [part for request in entry.requests for part in ("--request", request)]
    child = processes.start("load", "holdfast.lab.load", arguments)
    said = LoadRuns.model_validate_json(child.first_line(deadline))
    return f"http://127.0.0.1:{said.port}"


def tell(method: str, url: str, body: Mapping[str, object]) -> None:
    """Send JSON. Raises DeployerFailed where the answer is no success."""
    try:
        status, text = ask(method, url, json.dumps(body))
    except (OSError, http.client.HTTPException) as error:
        raise DeployerFailed(f"{method} {url}: {error!r}") from error
    if status >= 300:
        raise DeployerFailed(f"{method} {url} answered {status}: {text[:300]}")
