"""A real HTTP server on loopback that can be told to be slow, to freeze, to fail or to queue."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from holdfast.delivery.http1 import (
    RequestHead,
    read_body,
    request_framing,
    response_bytes,
)
from holdfast.lab.http_server import Connection, listen


@dataclass
class LoadServer:
    """`delay_seconds` each request, on its own; `serial_seconds` each, one after another.

    `freeze_at_seconds`: after so long since the first request it does nothing for `freeze_seconds`.
    """

    delay_seconds: float = 0.0
    serial_seconds: float = 0.0
    freeze_at_seconds: float | None = None
    freeze_seconds: float = 0.0
    fail_each: int = 0
    url: str = ""
    heads: list[RequestHead] = field(default_factory=list[RequestHead])
    bodies: list[bytes] = field(default_factory=list[bytes])
    _first: float | None = None
    _free_at: float = 0.0

    async def handle(self, head: RequestHead, client: Connection) -> bool:
        """Answer as told."""
        self.bodies.append(await read_body(client.reader, request_framing(head)))
        self.heads.append(head)
        number = len(self.heads)
        await asyncio.sleep(self._wait_seconds())
        failed = self.fail_each and number % self.fail_each == 0
        await client.send(response_bytes(503 if failed else 200, b"ok"))
        return True

    def _wait_seconds(self) -> float:
        now = time.monotonic()
        self._first = self._first or now
        wait = self.delay_seconds
        if self.serial_seconds:
            self._free_at = max(self._free_at, now) + self.serial_seconds
            wait += self._free_at - now
        if self.freeze_at_seconds is not None:
            frozen_from = self._first + self.freeze_at_seconds
            if frozen_from <= now < frozen_from + self.freeze_seconds:
                wait += frozen_from + self.freeze_seconds - now
        return wait


@contextmanager
def serving(server: LoadServer) -> Iterator[LoadServer]:
    """Run a server in a thread of its own."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    ending = asyncio.Event()

    async def serve() -> None:
        listener = await listen(server.handle, 0)
        server.url = f"http://127.0.0.1:{listener.port}/"
        ready.set()
        await ending.wait()
        await listener.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(10)
        loop.close()
