"""One request through the edge: choose a version, pass it on, stream the answer back, measure.

Nothing is ever retried. The clock runs from the whole request received to the last byte sent.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from holdfast.delivery.http1 import (
    HOP_BY_HOP,
    Framing,
    RequestHead,
    ResponseHead,
    body_pieces,
    chunk_bytes,
    read_body,
    request_bytes,
    request_framing,
    response_framing,
    response_head_bytes,
)
from holdfast.delivery.http_client import ServerConnection
from holdfast.errors import InputError
from holdfast.lab.edge.access_log import AccessLog, AccessRecord
from holdfast.lab.edge.service import NO_VERSION, Arm, EdgeService
from holdfast.lab.http_server import Connection

CLIENT_CLOSED_REQUEST = 499
"""The client went away before its answer: nginx's code, which readers of logs know."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_OWN_ANSWERS: dict[int, str] = {
    HTTPStatus.BAD_GATEWAY: "the service could not be reached, or broke off",
    HTTPStatus.SERVICE_UNAVAILABLE: "no version of the service takes traffic",
    HTTPStatus.GATEWAY_TIMEOUT: "the service did not answer in time",
}


@dataclass(slots=True)
class Exchange:
    """One request on its way. The two flags say how far its answer got."""

    head: RequestHead
    body: bytes
    trace_id: str
    client: Connection
    answered: bool = False
    """A part of an answer is with the client: no other can be sent."""
    complete: bool = False
    """The client has a whole answer and knows where it ended."""


class Proxy:
    """The handler of one service's port."""

    def __init__(self, service: EdgeService, log: AccessLog) -> None:
        self._service = service
        self._log = log

    async def handle(self, head: RequestHead, client: Connection) -> bool:
        """Pass one request on; return whether the client's connection may be used again."""
        exchange = await _receive(head, client)
        arm = self._service.pick()
        clock = self._service.meter(arm).started(self._service.route.threshold_seconds)
        status: int = CLIENT_CLOSED_REQUEST
        try:
            status = await self._forward(exchange, arm)
            await _answer_ourselves(exchange, status)
        finally:
            seconds = clock.complete(status)
            self._log.add(self._record(exchange, arm, status, seconds, slow=clock.slow))
        return head.keeps_alive and exchange.complete

    async def _forward(self, exchange: Exchange, arm: Arm | None) -> int:
        """Return the status of the request, whatever the backend does."""
        if arm is None:
            return HTTPStatus.SERVICE_UNAVAILABLE
        reader = exchange.client.reader
        try:
            async with asyncio.timeout(self._service.route.timeout_seconds) as limit:
                reader.on_gone = lambda: _stop(limit)
                return CLIENT_CLOSED_REQUEST if reader.gone else await _ask(exchange, arm)
        except TimeoutError:
            return CLIENT_CLOSED_REQUEST if reader.gone else HTTPStatus.GATEWAY_TIMEOUT
        except (OSError, EOFError, InputError):
            return CLIENT_CLOSED_REQUEST if reader.gone else HTTPStatus.BAD_GATEWAY
        finally:
            reader.on_gone = None

    def _record(
        self, exchange: Exchange, arm: Arm | None, status: int, seconds: float, *, slow: bool
    ) -> AccessRecord:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return {
            "time": now.replace("+00:00", "Z"),
            "service.name": self._service.name,
            "service.version": arm.backend.version if arm else NO_VERSION,
            "trace_id": exchange.trace_id,
            "user.id": exchange.head.headers.get("x-user-id"),
            "http.request.method": exchange.head.method,
            "url.path": exchange.head.path,
            "http.response.status_code": int(status),
            "duration_seconds": round(seconds, 6),
            "slow": slow,
            "failed": status >= HTTPStatus.INTERNAL_SERVER_ERROR,
        }


def trace_of(head: RequestHead) -> tuple[RequestHead, str]:
    """Return the head with a valid W3C `traceparent` (made where missing) and its trace id."""
    known = _TRACEPARENT.fullmatch(head.headers.get("traceparent") or "")
    if known:
        return head, known[1]
    trace_id = secrets.token_hex(16)
    parent = f"00-{trace_id}-{secrets.token_hex(8)}-01"
    headers = head.headers.without(frozenset({"traceparent"})).adding(("traceparent", parent))
    return RequestHead(head.method, head.target, headers, head.version), trace_id


async def _receive(head: RequestHead, client: Connection) -> Exchange:
    framing = request_framing(head)
    if (head.headers.get("expect") or "").lower() == "100-continue":
        await client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await read_body(client.reader, framing)
    headers = head.headers.without(HOP_BY_HOP | {"expect"})
    if headers.get("host") is None:  # an HTTP/1.0 client need not name it
        headers = headers.adding(("host", "localhost"))
    passed_on, trace_id = trace_of(RequestHead(head.method, head.target, headers, head.version))
    return Exchange(passed_on, body, trace_id, client)


def _stop(limit: asyncio.Timeout) -> None:
    if not limit.expired():
        limit.reschedule(0)


async def _ask(exchange: Exchange, arm: Arm) -> int:
    connection = await arm.pool.acquire()
    try:
        head = await connection.ask(request_bytes(exchange.head, exchange.body))
        framing = response_framing(head, exchange.head.method)
        await _stream(exchange, head, framing, connection)
    except BaseException:
        connection.close()
        raise
    if head.keeps_alive and framing != "until_close":
        arm.pool.release(connection)
    else:
        connection.close()
    return head.status


async def _stream(
    exchange: Exchange, head: ResponseHead, framing: Framing, connection: ServerConnection
) -> None:
    chunked = not isinstance(framing, int) and exchange.head.version == "HTTP/1.1"
    headers = head.headers.without(HOP_BY_HOP)
    if chunked:
        headers = headers.adding(("transfer-encoding", "chunked"))
    writer = exchange.client.writer
    exchange.answered = True
    writer.write(response_head_bytes(ResponseHead(head.status, headers, head.reason)))
    async for piece in body_pieces(connection.reader, framing):
        writer.write(chunk_bytes(piece) if chunked else piece)
        await writer.drain()
    if chunked:
        writer.write(chunk_bytes(b""))
    await writer.drain()
    exchange.complete = chunked or isinstance(framing, int)


async def _answer_ourselves(exchange: Exchange, status: int) -> None:
    """Say why there is no answer, where the backend gave none and the client still listens."""
    if exchange.answered or status not in _OWN_ANSWERS:
        return
    exchange.answered = exchange.complete = True
    await exchange.client.send_text(status, _OWN_ANSWERS[status], keep=exchange.head.keeps_alive)
