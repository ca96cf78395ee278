"""HTTP/1.1 messages on asyncio streams: read, check and write them. RFC 9112, the part in use.

Raw streams, because an HTTP framework at this place costs a whole core (see the edge).
A malformed message raises InputError; a connection that ends early raises EOFError or OSError.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from holdfast.errors import InputError

HEAD_LIMIT_BYTES = 64 * 1024
PIECE_BYTES = 64 * 1024

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that speak of one connection only and are never passed on (RFC 9110, 7.6.1)."""

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in order; names compare without case."""

    fields: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """Return the first value of that lower-case name."""
        return next((value for key, value in self.fields if key.lower() == name), None)

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of that lower-case name."""
        return tuple(value for key, value in self.fields if key.lower() == name)

    def without(self, names: frozenset[str]) -> Headers:
        """Return the fields that bear none of these lower-case names."""
        return Headers(tuple(f for f in self.fields if f[0].lower() not in names))

    def adding(self, *fields: tuple[str, str]) -> Headers:
        """Return the fields with more at the end."""
        return Headers(self.fields + fields)


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The first line and headers of a request."""

    method: str
    target: str
    headers: Headers
    version: str = "HTTP/1.1"

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to use the connection again."""
        return _keeps_alive(self.version, self.headers)


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The first line and headers of a response."""

    status: int
    headers: Headers
    reason: str = ""
    version: str = "HTTP/1.1"

    @property
    def keeps_alive(self) -> bool:
        """Whether the server lets the connection be used again."""
        return _keeps_alive(self.version, self.headers)


Framing = int | Literal["chunked", "until_close"]
"""How a body ends: after so many bytes, with its last chunk, or with the connection."""


async def read_request_head(reader: asyncio.StreamReader) -> RequestHead | None:
    """Return the next request's head, or None where the client has closed between requests."""
    raw = await _read_head(reader)
    if raw is None:
        return None
    first, headers = _split_head(raw)
    parts = first.split(" ")
    if len(parts) != 3 or not _is_token(parts[0]) or not parts[1].startswith(("/", "*")):
        raise InputError(f"not a request line: {first[:80]!r}")
    method, target, version = parts
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise InputError(f"not HTTP/1.1: {version[:20]!r}")
    if version == "HTTP/1.1" and len(headers.all("host")) != 1:
        raise InputError("an HTTP/1.1 request names exactly one host")
    return RequestHead(method, target, headers, version)


async def read_response_head(reader: asyncio.StreamReader) -> ResponseHead:
    """Return the next final response's head; interim ones (1xx) are passed over."""
    while True:
        raw = await _read_head(reader)
        if raw is None:
            raise EOFError("the server closed the connection without an answer")
        head = _parse_response_head(raw)
        if head.status >= HTTPStatus.OK:
            return head


def request_framing(head: RequestHead) -> Framing:
    """Return how the request's body ends; one that is ambiguous is refused (request smuggling)."""
    framing = _declared_framing(head.headers)
    return 0 if framing is None else framing


def response_framing(head: ResponseHead, method: str) -> Framing:
    """Return how the response's body ends."""
    if method == "HEAD" or head.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        return 0
    framing = _declared_framing(head.headers)
    return "until_close" if framing is None else framing


async def body_pieces(reader: asyncio.StreamReader, framing: Framing) -> AsyncIterator[bytes]:
    """Yield the body as it arrives, without its framing."""
    match framing:
        case "chunked":
            async for piece in _chunks(reader):
                yield piece
        case "until_close":
            while piece := await reader.read(PIECE_BYTES):
                yield piece
        case int(length):
            async for piece in _exactly(reader, length):
                yield piece


async def read_body(
    reader: asyncio.StreamReader, framing: Framing, *, limit_bytes: int = 8 * 1024 * 1024
) -> bytes:
    """Return the whole body. One above the limit raises InputError."""
    body = bytearray()
    async for piece in body_pieces(reader, framing):
        body += piece
        if len(body) > limit_bytes:
            raise InputError(f"the body is larger than {limit_bytes} bytes")
    return bytes(body)


def request_bytes(head: RequestHead, body: bytes = b"") -> bytes:
    """Return a whole request. `content-length` is set here."""
    fields = [f for f in head.headers.fields if f[0].lower() != "content-length"]
    if body or head.method in ("POST", "PUT", "PATCH"):
        fields.append(("content-length", str(len(body))))
    return _head_bytes(f"{head.method} {head.target} HTTP/1.1", fields) + body


def response_head_bytes(head: ResponseHead) -> bytes:
    """Return a response's head."""
    return _head_bytes(
        f"HTTP/1.1 {head.status} {head.reason or _reason(head.status)}", head.headers.fields
    )


def response_bytes(
    status: int, body: bytes, *, content_type: str = "text/plain; charset=utf-8", keep: bool = True
) -> bytes:
    """Return a whole response."""
    fields = [("content-type", content_type), ("content-length", str(len(body)))]
    if not keep:
        fields.append(("connection", "close"))
    return response_head_bytes(ResponseHead(status, Headers(tuple(fields)))) + body


def chunk_bytes(piece: bytes) -> bytes:
    """Return one chunk; an empty piece is the last one."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def _keeps_alive(version: str, headers: Headers) -> bool:
    tokens = {t.strip().lower() for v in headers.all("connection") for t in v.split(",")}
    return "close" not in tokens if version == "HTTP/1.1" else "keep-alive" in tokens


async def _read_head(reader: asyncio.StreamReader) -> bytes | None:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise
        return None
    except asyncio.LimitOverrunError:
        raise InputError(f"the head is larger than {HEAD_LIMIT_BYTES} bytes") from None
    return raw.lstrip(b"\r\n")


def _split_head(raw: bytes) -> tuple[str, Headers]:
    first, *lines = raw[:-4].decode("latin-1").split("\r\n")
    return first, Headers(tuple(_parse_field(line) for line in lines))


def _parse_field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _is_token(name) or any(c in value for c in "\r\n\0"):
        raise InputError(f"not a header field: {line[:80]!r}")
    return name, value.strip(" \t")


def _parse_response_head(raw: bytes) -> ResponseHead:
    first, headers = _split_head(raw)
    version, _, rest = first.partition(" ")
    status, _, reason = rest.partition(" ")
    if not version.startswith("HTTP/1.") or len(status) != 3 or not status.isdecimal():
        raise InputError(f"not a status line: {first[:80]!r}")
    return ResponseHead(int(status), headers, reason, version)


def _declared_framing(headers: Headers) -> Framing | None:
    codings, lengths = headers.all("transfer-encoding"), set(headers.all("content-length"))
    if codings:
        if lengths or [c.lower() for c in codings] != ["chunked"]:
            raise InputError(f"the body's end is ambiguous: transfer-encoding {codings[0][:40]!r}")
        return "chunked"
    if not lengths:
        return None
    length = lengths.pop()
    if lengths or not (length.isascii() and length.isdecimal()):
        raise InputError(f"not a content-length: {length[:40]!r}")
    return int(length)


async def _exactly(reader: asyncio.StreamReader, length: int) -> AsyncIterator[bytes]:
    left = length
    while left:
        piece = await reader.read(min(left, PIECE_BYTES))
        if not piece:
            raise EOFError(f"the connection ended {left} bytes before the body did")
        left -= len(piece)
        yield piece


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := _chunk_size(await _line(reader)):
        async for piece in _exactly(reader, size):
            yield piece
        if await _line(reader):
            raise InputError("a chunk is longer than it says")
    while await _line(reader):  # trailer fields are dropped
        pass


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await reader.readuntil(b"\r\n"))[:-2]
    except asyncio.LimitOverrunError:
        raise InputError("a line of a chunked body is too long") from None


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    try:
        size = int(digits, 16) if digits.isalnum() else -1
    except ValueError:
        size = -1
    if size < 0:
        raise InputError(f"not a chunk size: {digits[:20]!r}")
    return size


def _head_bytes(first: str, fields: Iterable[tuple[str, str]]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _is_token(text: str) -> bool:
    return bool(text) and all(c in _TOKEN for c in text)
