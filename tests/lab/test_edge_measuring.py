"""The edge counts what the client sees, in the moment it is seen."""

from __future__ import annotations

import asyncio
from pathlib import Path

from edge_world import after, answering, edge_world, run

from holdfast.delivery.http1 import RequestHead
from holdfast.lab.http_server import Connection

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def test_series_exist_at_zero_as_soon_as_a_backend_is_known(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend()
            world.route(("v1", backend, 100))
            for name in ("settled", "slow", "failed"):
                assert world.value(f"edge_requests_{name}_total", "v1") == 0
            assert world.value("edge_requests_total", "v1", http_response_status_code="502") == 0
            assert world.value("edge_request_duration_seconds_bucket", "v1", le="0.3") == 0
            assert world.value("edge_inflight_requests", "v1") == 0

    run(scenario())


def test_a_hang_is_counted_slow_when_it_crosses_the_threshold_and_only_once(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend(after(0.5))
            world.route(("v1", backend, 100), threshold_seconds=0.1)
            waiting = asyncio.create_task(world.get())
            await asyncio.sleep(0.06)
            assert world.value("edge_requests_settled_total", "v1") == 0
            await asyncio.sleep(0.14)
            assert world.value("edge_requests_slow_total", "v1") == 1
            assert world.value("edge_requests_settled_total", "v1") == 1
            assert world.value("edge_inflight_requests", "v1") == 1
            assert (await waiting).status == 200
            assert world.value("edge_requests_slow_total", "v1") == 1
            assert world.value("edge_requests_settled_total", "v1") == 1
            assert world.value("edge_inflight_requests", "v1") == 0
            (line,) = await world.logged()
            assert (line["slow"], line["failed"]) == (True, False)
            assert line["duration_seconds"] >= 0.5

    run(scenario())


def test_a_fast_request_settles_at_completion_and_is_not_slow(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend()
            world.route(("v1", backend, 100))
            await world.get()
            await asyncio.sleep(0.4)
            assert world.value("edge_requests_settled_total", "v1") == 1
            assert world.value("edge_requests_slow_total", "v1") == 0

    run(scenario())


def test_a_backend_that_does_not_answer_in_time_is_a_504(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend(after(3))
            world.route(("v1", backend, 100), timeout_seconds=0.2, threshold_seconds=0.1)
            assert (await world.get()).status == 504
            assert world.value("edge_requests_failed_total", "v1") == 1
            assert world.value("edge_requests_total", "v1", http_response_status_code="504") == 1

    run(scenario())


def test_a_backend_that_is_gone_is_a_502_and_its_return_is_noticed(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend()
            world.route(("v1", backend, 100))
            await world.get()
            backend.url = "http://127.0.0.1:1"
            world.route(("v1", backend, 100))
            assert (await world.get()).status == 502
            assert world.value("edge_requests_failed_total", "v1") == 1
            world.route(("v1", await world.backend(), 100))
            assert (await world.get()).status == 200

    run(scenario())


def test_a_backend_that_breaks_off_is_a_502_and_the_request_is_not_repeated(tmp_path: Path):
    async def hang_up(head: RequestHead, body: bytes, client: Connection) -> bool:
        return False

    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend(hang_up)
            world.route(("v1", backend, 100))
            assert (await world.get()).status == 502
            assert len(backend.heads) == 1

    run(scenario())


def test_an_error_of_the_service_is_passed_on_and_counted(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend(answering(503))
            world.route(("v1", backend, 100))
            answered = await world.get()
            assert (answered.status, answered.body) == (503, b"as told")
            assert world.value("edge_requests_failed_total", "v1") == 1

    run(scenario())


def test_trace_and_user_are_passed_on_and_logged(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend()
            world.route(("v1", backend, 100))
            await world.get("/customers?page=2", traceparent=PARENT, x_user_id="user-7")
            headers = backend.heads[0].headers
            assert headers.get("traceparent") == PARENT
            assert headers.get("x-user-id") == "user-7"
            (line,) = await world.logged()
            assert line | {"time": "", "duration_seconds": 0} == {
                "time": "",
                "service.name": "shop",
                "service.version": "v1",
                "trace_id": TRACE,
                "user.id": "user-7",
                "http.request.method": "GET",
                "url.path": "/customers",
                "http.response.status_code": 200,
                "duration_seconds": 0,
                "slow": False,
                "failed": False,
            }
            assert line["time"].endswith("Z")

    run(scenario())


def test_a_missing_or_broken_traceparent_is_made_anew(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend()
            world.route(("v1", backend, 100))
            await world.get()
            await world.get(traceparent="00-nonsense")
            sent = [head.headers.all("traceparent") for head in backend.heads]
            lines = await world.logged()
            for (parent,), line in zip(sent, lines, strict=True):
                assert parent.split("-")[1] == line["trace_id"]
            assert len({line["trace_id"] for line in lines}) == 2

    run(scenario())


def test_a_client_that_leaves_frees_the_backend_and_is_logged_as_499(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend(after(5))
            world.route(("v1", backend, 100))
            _, writer = await asyncio.open_connection("127.0.0.1", world.port)
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await asyncio.sleep(0.1)
            writer.close()
            (line,) = await world.logged()
            assert line["http.response.status_code"] == 499
            assert world.value("edge_inflight_requests", "v1") == 0
            assert world.value("edge_requests_failed_total", "v1") == 0

    run(scenario())
