"""A small HTTP/1.1 server on asyncio streams: one loop for the edge's ports and for admin ports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from holdfast.delivery.http1 import (
    HEAD_LIMIT_BYTES,
    RequestHead,
    read_body,
    read_request_head,
    request_framing,
    response_bytes,
)
from holdfast.errors import HoldfastError, InputError, NotFound


class ClientReader(asyncio.StreamReader):
    """A reader that tells at once when the client has gone, also while nobody reads."""

    def __init__(self) -> None:
        super().__init__(limit=HEAD_LIMIT_BYTES)
        self.gone = False
        self.on_gone: Callable[[], None] | None = None

    def feed_eof(self) -> None:
        """The client closed its side."""
        super().feed_eof()
        self._tell()

    def set_exception(self, exc: Exception) -> None:
        """The connection broke."""
        super().set_exception(exc)
        self._tell()

    def _tell(self) -> None:
        self.gone = True
        if self.on_gone:
            self.on_gone()


class Connection:
    """A client's connection: what a handler reads from and writes to."""

    def __init__(self, reader: ClientReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Write and wait until the client takes more."""
        self.writer.write(data)
        await self.writer.drain()

    async def send_text(self, status: int, text: str, *, keep: bool) -> None:
        """Answer with a line of text."""
        await self.send(response_bytes(status, text.encode() + b"\n", keep=keep))


Handler = Callable[[RequestHead, Connection], Awaitable[bool]]
"""Answers one request; returns whether the connection may be used again."""


class HttpServer:
    """A listening port and its connections. Build it with `listen`."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.sockets[0].getsockname()[1] if self._server else 0

    async def start(self, port: int) -> None:
        """Listen on 127.0.0.1."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", port, backlog=1024)

    async def stop(self) -> None:
        """Take no more connections and end those that are open."""
        if self._server:
            self._server.close()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        reader = ClientReader()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            coroutine = _serve(self._handler, Connection(reader, writer))
            task = asyncio.get_running_loop().create_task(coroutine)
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

        return asyncio.StreamReaderProtocol(reader, connected)


async def listen(handler: Handler, port: int) -> HttpServer:
    """Serve on 127.0.0.1. Port 0 takes a free one; `.port` then tells which."""
    server = HttpServer(handler)
    await server.start(port)
    return server


async def _serve(handler: Handler, connection: Connection) -> None:
    try:
        while await _serve_one(handler, connection):
            pass
    except (OSError, EOFError):
        pass  # the client has gone; nobody is left to tell
    finally:
        connection.writer.close()


async def _serve_one(handler: Handler, connection: Connection) -> bool:
    try:
        head = await read_request_head(connection.reader)
        return head is not None and await handler(head, connection)
    except InputError as error:
        await connection.send_text(HTTPStatus.BAD_REQUEST, str(error), keep=False)
        return False


class Answer:
    """What an admin endpoint answers."""

    def __init__(self, body: bytes, content_type: str, status: int = HTTPStatus.OK) -> None:
        self.body = body
        self.content_type = content_type
        self.status = status

    @classmethod
    def json(cls, value: object, status: int = HTTPStatus.OK) -> Answer:
        """Answer with a JSON value."""
        return cls(json.dumps(value).encode(), "application/json", status)


Endpoint = Callable[[str, bytes], Answer]
"""Takes the part of the path behind the endpoint's prefix, and the body."""


def admin_handler(endpoints: dict[tuple[str, str], Endpoint]) -> Handler:
    """Return a handler for endpoints by (method, path); a path ending in `/` is a prefix."""

    async def handle(head: RequestHead, connection: Connection) -> bool:
        body = await read_body(connection.reader, request_framing(head))
        answer = _answer(endpoints, head, body)
        keep = head.keeps_alive
        await connection.send(
            response_bytes(answer.status, answer.body, content_type=answer.content_type, keep=keep)
        )
        return keep

    return handle


def _answer(endpoints: dict[tuple[str, str], Endpoint], head: RequestHead, body: bytes) -> Answer:
    try:
        for (method, path), endpoint in endpoints.items():
            if head.method == method and _matches(head.path, path):
                return endpoint(head.path.removeprefix(path), body)
        raise NotFound(f"{head.method} {head.path} does not exist")
    except NotFound as error:
        return Answer.json({"error": str(error)}, HTTPStatus.NOT_FOUND)
    except HoldfastError as error:
        return Answer.json({"error": str(error)}, HTTPStatus.BAD_REQUEST)


def _matches(asked: str, path: str) -> bool:
    return asked.startswith(path) if path.endswith("/") else asked == path
