"""The edge speaks HTTP/1.1 correctly: bodies, chunks, keep-alive, and refusal of nonsense."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from edge_world import ask, edge_world, run

from holdfast.delivery.http1 import RequestHead, response_bytes
from holdfast.lab.http_server import Connection

MALFORMED = [
    b"nonsense\r\n\r\n",
    b"GET / HTTP/2.0\r\nhost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\n folded\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nlarge: " + b"a" * 70_000 + b"\r\n\r\n",
]


async def _raw(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("data", MALFORMED, ids=lambda data: repr(data[:60]))
def test_a_malformed_request_is_refused_and_reaches_no_backend(tmp_path: Path, data: bytes):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend()
            world.route(("v1", backend, 100))
            assert (await _raw(world.port, data)).startswith(b"HTTP/1.1 400 ")
            assert backend.heads == []

    run(scenario())


def test_a_body_arrives_whole_whether_counted_or_chunked(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend()
            world.route(("v1", backend, 100))
            large = b"x" * 300_000
            assert (await ask(world.port, "/orders", "POST", large)).body == large
            chunked = (
                b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
                b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n"
            )
            assert (await _raw(world.port, chunked)).endswith(b"hello world")
            assert backend.bodies == [large, b"hello world"]

    run(scenario())


def test_a_chunked_answer_is_streamed_piece_by_piece(tmp_path: Path):
    async def trickle(head: RequestHead, body: bytes, client: Connection) -> bool:
        await client.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        await asyncio.sleep(0.2)
        await client.send(b"3\r\ntwo\r\n0\r\n\r\n")
        return True

    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend(trickle)
            world.route(("v1", backend, 100))
            reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
            for _ in range(2):  # the connection is used again
                writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                first = await asyncio.wait_for(reader.readuntil(b"one\r\n"), 0.15)
                assert b"transfer-encoding: chunked" in first
                assert await reader.readuntil(b"0\r\n\r\n") == b"3\r\ntwo\r\n0\r\n\r\n"
            writer.close()
            assert len(backend.connections) == 1

    run(scenario())


def test_an_old_client_gets_no_chunks(tmp_path: Path):
    async def chunks(head: RequestHead, body: bytes, client: Connection) -> bool:
        await client.send(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n"
        )
        return True

    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend(chunks)
            world.route(("v1", backend, 100))
            answer = await _raw(world.port, b"GET / HTTP/1.0\r\n\r\n")
            assert answer.endswith(b"\r\n\r\none")

    run(scenario())


def test_an_answer_that_breaks_off_midway_closes_the_client_and_counts_as_failed(tmp_path: Path):
    async def half(head: RequestHead, body: bytes, client: Connection) -> bool:
        await client.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        return False

    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend(half)
            world.route(("v1", backend, 100))
            answer = await _raw(world.port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert answer.endswith(b"\r\n\r\nhalf")
            assert world.value("edge_requests_failed_total", "v1") == 1

    run(scenario())


def test_answers_without_a_body_do_not_hold_the_connection(tmp_path: Path):
    async def by_method(head: RequestHead, body: bytes, client: Connection) -> bool:
        if head.method == "HEAD":
            await client.send(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n")
        else:
            await client.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
        return True

    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend(by_method)
            world.route(("v1", backend, 100))
            reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
            writer.write(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\nDELETE / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert b"content-length: 99" in await reader.readuntil(b"\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
            writer.close()

    run(scenario())


def test_headers_of_one_connection_are_not_passed_on(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend()
            world.route(("v1", backend, 100))
            await world.get(te="trailers", upgrade="h2c", x_kept="yes")
            headers = backend.heads[0].headers
            assert headers.get("x-kept") == "yes"
            assert [headers.get(n) for n in ("te", "upgrade", "connection")] == [None] * 3

    run(scenario())


def test_response_bytes_say_when_the_connection_ends():
    assert b"connection: close" in response_bytes(400, b"", keep=False)
