"""An edge with backends that behave as told, all real sockets in one event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from holdfast.delivery.http1 import (
    Headers,
    RequestHead,
    ResponseHead,
    read_body,
    request_bytes,
    request_framing,
    response_bytes,
    response_framing,
)
from holdfast.delivery.http_client import ConnectionPool
from holdfast.lab.edge.app import Edge
from holdfast.lab.edge.routes import Backend, Route
from holdfast.lab.http_server import Connection, HttpServer, listen

Behaviour = Callable[[RequestHead, bytes, Connection], Awaitable[bool]]


async def answer_ok(head: RequestHead, body: bytes, client: Connection) -> bool:
    await client.send(response_bytes(200, body or b"ok"))
    return True


def answering(status: int) -> Behaviour:
    async def answer(head: RequestHead, body: bytes, client: Connection) -> bool:
        await client.send(response_bytes(status, b"as told"))
        return True

    return answer


def after(seconds: float) -> Behaviour:
    async def answer(head: RequestHead, body: bytes, client: Connection) -> bool:
        await asyncio.sleep(seconds)
        return await answer_ok(head, body, client)

    return answer


@dataclass
class FakeBackend:
    """A server whose behaviour can be set; it keeps what it was asked."""

    behaviour: Behaviour = answer_ok
    heads: list[RequestHead] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)
    url: str = ""

    async def start(self, world: World) -> FakeBackend:
        server = await listen(self.handle, 0)
        world.servers.append(server)
        self.url = f"http://127.0.0.1:{server.port}"
        return self

    async def handle(self, head: RequestHead, client: Connection) -> bool:
        body = await read_body(client.reader, request_framing(head))
        self.heads.append(head)
        self.bodies.append(body)
        self.connections.add(id(client.writer))
        return await self.behaviour(head, body, client)


@dataclass
class Answered:
    status: int
    headers: Headers
    body: bytes


async def ask(
    port: int, path: str = "/", method: str = "GET", body: bytes = b"", **headers: str
) -> Answered:
    """One request on a connection of its own."""
    fields = [("host", "test"), ("connection", "close")]
    fields += [(name.replace("_", "-"), value) for name, value in headers.items()]
    connection = await ConnectionPool("127.0.0.1", port).acquire()
    head: ResponseHead = await connection.ask(
        request_bytes(RequestHead(method, path, Headers(tuple(fields))), body)
    )
    answered = await read_body(connection.reader, response_framing(head, method))
    connection.close()
    return Answered(head.status, head.headers, answered)


@dataclass
class World:
    """A running edge with one service, `shop`."""

    edge: Edge
    log: Path
    servers: list[HttpServer] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.edge.ports["shop"]

    def route(self, *backends: tuple[str, FakeBackend, float], **settings: float) -> None:
        known = tuple(Backend(version=v, url=b.url, weight=w) for v, b, w in backends)
        self.edge.services["shop"].apply(Route.model_validate({"backends": known, **settings}))

    def value(self, name: str, version: str, **labels: str) -> float | None:
        chosen = {"service_name": "shop", "service_version": version, **labels}
        return self.edge.metrics.registry.get_sample_value(name, chosen)

    async def backend(self, behaviour: Behaviour = answer_ok) -> FakeBackend:
        return await FakeBackend(behaviour).start(self)

    async def get(self, path: str = "/", **headers: str) -> Answered:
        return await ask(self.port, path, "GET", b"", **headers)

    async def logged(self) -> list[dict[str, Any]]:
        await asyncio.sleep(0.25)
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@asynccontextmanager
async def edge_world(log: Path, grace_seconds: float = 5.0) -> AsyncIterator[World]:
    edge = Edge(["shop"], log, grace_seconds=grace_seconds)
    await edge.start({"shop": 0}, 0)
    world = World(edge, log)
    try:
        yield world
    finally:
        await edge.stop()
        for server in world.servers:
            await server.stop()


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 15))
