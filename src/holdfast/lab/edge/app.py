"""The edge as a whole: a port a service, an admin port, the access log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST

from holdfast.errors import NotFound
from holdfast.lab.edge.access_log import AccessLog
from holdfast.lab.edge.meters import GRACE_SECONDS, EdgeMetrics
from holdfast.lab.edge.proxy import Proxy
from holdfast.lab.edge.routes import parse_route
from holdfast.lab.edge.service import EdgeService
from holdfast.lab.http_server import Answer, Handler, HttpServer, admin_handler, listen


class Edge:
    """A running edge. Use `start`, then `stop`."""

    def __init__(
        self,
        services: Iterable[str],
        access_log: Path | None,
        *,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self.metrics = EdgeMetrics(grace_seconds)
        self.services = {name: EdgeService(name, self.metrics) for name in services}
        self.ports: dict[str, int] = {}
        self.admin_port = 0
        self._log = AccessLog(access_log)
        self._servers: list[HttpServer] = []
        self._log_writer: asyncio.Task[None] | None = None

    async def start(self, ports: dict[str, int], admin_port: int) -> None:
        """Listen. Port 0 takes a free one; `ports` and `admin_port` then tell which."""
        self._log_writer = asyncio.create_task(self._log.run())
        for name, service in self.services.items():
            self.ports[name] = await self._listen(Proxy(service, self._log).handle, ports[name])
        self.admin_port = await self._listen(self._admin(), admin_port)

    async def stop(self) -> None:
        """Take no more connections, and write the rest of the log."""
        for server in self._servers:
            await server.stop()
        if self._log_writer:
            self._log_writer.cancel()
            await asyncio.wait({self._log_writer})
        for service in self.services.values():
            service.close()
        self._log.flush()

    async def _listen(self, handler: Handler, port: int) -> int:
        self._servers.append(await listen(handler, port))
        return self._servers[-1].port

    def _admin(self) -> Handler:
        return admin_handler(
            {
                ("GET", "/healthz"): lambda _rest, _body: Answer.json(self._health()),
                ("GET", "/metrics"): lambda _rest, _body: Answer(
                    self.metrics.exposition(), CONTENT_TYPE_LATEST
                ),
                ("GET", "/routes"): lambda _rest, _body: Answer.json(self._routes()),
                ("PUT", "/routes/"): self._put_route,
            }
        )

    def _health(self) -> dict[str, object]:
        return {"status": "ok", "listen": self.ports}

    def _routes(self) -> dict[str, object]:
        return {name: s.route.model_dump(mode="json") for name, s in self.services.items()}

    def _put_route(self, name: str, body: bytes) -> Answer:
        if name not in self.services:
            raise NotFound(f"no service {name!r}", hint=f"known: {', '.join(self.services)}")
        route = parse_route(body)
        self.services[name].apply(route)
        return Answer.json(route.model_dump(mode="json"))
