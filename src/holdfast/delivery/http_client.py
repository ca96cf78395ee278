"""Kept-alive HTTP/1.1 connections to one server: what load generators and proxies send with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from ssl import SSLContext

from holdfast.delivery.http1 import (
    HEAD_LIMIT_BYTES,
    ResponseHead,
    body_pieces,
    read_response_head,
    response_framing,
)

IDLE_SECONDS = 2.0
"""An idle connection is dropped after this: sooner than servers do it (uvicorn: 5 s), because a
request on a connection that the server is just closing would fail, and nothing is ever retried."""


@dataclass(slots=True)
class ServerConnection:
    """One connection; one request at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    idle_since: float = 0.0

    async def ask(self, request: bytes) -> ResponseHead:
        """Send a whole request and return the head of its answer; the body is still to be read."""
        self.writer.write(request)
        return await read_response_head(self.reader)

    def close(self) -> None:
        """Close at once; what is unsent is lost."""
        self.writer.transport.abort()


class ConnectionPool:
    """Connections to one host and port, the last used first. `tls` speaks https to `tls_name`."""

    def __init__(
        self, host: str, port: int, *, tls: SSLContext | None = None, tls_name: str | None = None
    ) -> None:
        self.host = host
        self.port = port
        self._tls, self._tls_name = tls, tls_name if tls else None
        self._idle: list[ServerConnection] = []
        self._closed = False

    async def acquire(self) -> ServerConnection:
        """Return an idle connection, or a new one. Raises OSError where nobody listens."""
        self._drop_stale()
        while self._idle:
            connection = self._idle.pop()
            if not connection.reader.at_eof():
                return connection
            connection.close()
        reader, writer = await asyncio.open_connection(
            self.host,
            self.port,
            limit=HEAD_LIMIT_BYTES,
            ssl=self._tls,
            server_hostname=self._tls_name,
        )
        return ServerConnection(reader, writer)

    async def exchange(self, request: bytes) -> int:
        """Send a whole request, read its answer to the end and return the status.

        Raises OSError, EOFError or InputError where no whole answer came.
        """
        connection = await self.acquire()
        try:
            head = await connection.ask(request)
            framing = response_framing(head, request.partition(b" ")[0].decode())
            async for _ in body_pieces(connection.reader, framing):
                pass
        except BaseException:
            connection.close()
            raise
        if head.keeps_alive and framing != "until_close":
            self.release(connection)
        else:
            connection.close()
        return head.status

    def release(self, connection: ServerConnection) -> None:
        """Give back a connection whose answer was read to its end."""
        if self._closed:
            connection.close()
            return
        connection.idle_since = asyncio.get_running_loop().time()
        self._idle.append(connection)
        self._drop_stale()

    def _drop_stale(self) -> None:
        oldest = asyncio.get_running_loop().time() - IDLE_SECONDS
        while self._idle and self._idle[0].idle_since < oldest:
            self._idle.pop(0).close()

    def close(self) -> None:
        """Close the idle connections now, and those in use when they are given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
