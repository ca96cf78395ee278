"""The load is an open loop: it starts requests at their times, whatever became of the others."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import accumulate, pairwise

import pytest
from edge_world import Behaviour, FakeBackend, after, answer_ok, answering, ask, run

from holdfast.delivery.http1 import RequestHead
from holdfast.delivery.http_client import ConnectionPool
from holdfast.delivery.loadtest.mix import RequestKind
from holdfast.delivery.loadtest.open_loop import Generator, Limits
from holdfast.delivery.loadtest.schedule import Arrivals, Shape
from holdfast.errors import InputError
from holdfast.lab.http_server import Connection, listen
from holdfast.lab.load.app import admin
from holdfast.lab.load.meters import LoadMetrics
from holdfast.lab.load.plan import SHOP_MIX, RequestPlan


class LoadWorld:
    """A generator at a server that behaves as told."""

    def __init__(self, server: FakeBackend, port: int, limits: Limits) -> None:
        self.server = server
        self.metrics = LoadMetrics()
        plan = RequestPlan(SHOP_MIX, host="shop", seed=7)
        arrivals = Arrivals(0, shape="even", seed=7)
        pool = ConnectionPool("127.0.0.1", port)
        self.generator = Generator(pool, plan, arrivals, self.metrics, limits)

    def value(self, name: str, **labels: str) -> float:
        value = self.metrics.registry.get_sample_value(name, labels)
        assert value is not None
        return value

    def slower_than(self, seconds: str) -> float:
        name = "load_request_duration_seconds"
        return self.value(f"{name}_count") - self.value(f"{name}_bucket", le=seconds)


@asynccontextmanager
async def load_world(
    behaviour: Behaviour = answer_ok, limits: Limits | None = None
) -> AsyncIterator[LoadWorld]:
    backend = FakeBackend(behaviour)
    server = await listen(backend.handle, 0)
    world = LoadWorld(backend, server.port, limits or Limits())
    try:
        yield world
    finally:
        await world.generator.stop()
        await server.stop()


@pytest.mark.parametrize("shape", ["poisson", "even"])
def test_the_rate_holds_in_the_mean_and_a_seed_repeats_itself(shape: Shape):
    first, second = (Arrivals(25, shape=shape, seed=3) for _ in range(2))
    gaps = [first.next_gap_seconds() for _ in range(5000)]
    assert gaps == [second.next_gap_seconds() for _ in range(5000)]
    assert sum(gaps) == pytest.approx(200, rel=0.05)


def test_even_arrivals_never_crowd():
    arrivals = Arrivals(10, shape="even", seed=1)
    times = list(accumulate(arrivals.next_gap_seconds() for _ in range(500)))
    assert min(b - a for a, b in pairwise(times)) >= 0.05


def test_requests_are_a_mix_by_many_users_each_with_its_own_trace():
    async def scenario() -> None:
        async with load_world() as world:
            world.generator.start(400)
            await asyncio.sleep(1.0)
            world.generator.start(0)
            await asyncio.sleep(0.1)
            heads, bodies = world.server.heads, world.server.bodies
            assert len(heads) == pytest.approx(400, rel=0.1)
            reads = [h for h in heads if h.method == "GET"]
            assert len(reads) / len(heads) == pytest.approx(0.85, abs=0.06)
            assert {h.path for h in reads} == {"/customers"}
            assert len({h.target for h in reads}) == 20
            assert len({h.headers.get("traceparent") for h in heads}) == len(heads)
            assert len({h.headers.get("x-user-id") for h in heads}) > 200
            order = next(json.loads(b) for h, b in zip(heads, bodies, strict=True) if b)
            assert 1 <= order["customer_id"] <= 1000
            assert len(world.server.connections) < 30

    run(scenario())


def test_a_frozen_server_is_measured_by_everyone_who_came_meanwhile():
    thaw = asyncio.Event()

    async def frozen(head: RequestHead, body: bytes, client: Connection) -> bool:
        await thaw.wait()
        return await answer_ok(head, body, client)

    async def scenario() -> None:
        async with load_world(frozen) as world:
            world.generator.start(50)
            await asyncio.sleep(1.0)
            assert world.value("load_requests_total", outcome="ok") == 0
            assert len(world.server.heads) == pytest.approx(50, abs=5)  # none waited for another
            thaw.set()
            world.generator.start(0)
            await asyncio.sleep(0.2)
            assert world.slower_than("0.5") == pytest.approx(25, abs=6)
            assert world.value("load_missed_total") == 0

    run(scenario())


def test_a_generator_that_was_stopped_says_what_it_missed_and_blames_nobody(
    capfd: pytest.CaptureFixture[str],
):
    async def scenario() -> None:
        async with load_world(limits=Limits(max_lag_seconds=0.2)) as world:
            world.generator.start(50)
            await asyncio.sleep(0.2)
            time.sleep(1.0)  # as if the machine had been taken away
            await asyncio.sleep(0.2)
            assert world.value("load_missed_total") == pytest.approx(40, abs=6)
            assert world.value("load_schedule_lag_seconds_count") > 60
            assert world.slower_than("0.5") == 0
            health = json.loads(await _health(world))
            assert health["schedule_kept"] is False
            assert health["worst_lag_seconds"] > 0.8

    run(scenario())
    assert capfd.readouterr().err.count("the schedule was not kept") == 1


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (answering(201), "ok"),
        (answering(404), "client_error"),
        (answering(502), "server_error"),
        (after(5), "timeout"),
    ],
)
def test_each_outcome_is_counted_by_name(behaviour: Behaviour, outcome: str):
    async def scenario() -> None:
        async with load_world(behaviour, Limits(timeout_seconds=0.2)) as world:
            assert world.value("load_requests_total", outcome=outcome) == 0
            world.generator.start(50)
            await asyncio.sleep(0.4)
            assert world.value("load_requests_total", outcome=outcome) >= 5

    run(scenario())


def test_a_server_that_is_gone_is_a_connection_error():
    async def scenario() -> None:
        world = LoadWorld(FakeBackend(), 1, Limits())
        world.generator.start(50)
        await asyncio.sleep(0.3)
        await world.generator.stop()
        assert world.value("load_requests_total", outcome="connection_error") >= 5

    run(scenario())


def test_the_rate_is_changed_over_http_and_a_wrong_one_is_refused():
    async def scenario() -> None:
        async with load_world() as world:
            server = await listen(admin(world.generator, world.metrics), 0)
            world.generator.start(0.01)
            changed = await ask(server.port, "/rate", "PUT", b'{"rate_per_second":100}')
            assert changed.status == 200
            await asyncio.sleep(0.4)
            assert len(world.server.heads) == pytest.approx(40, abs=8)
            refused = await ask(server.port, "/rate", "PUT", b'{"rate_per_second":-1}')
            assert (refused.status, b"rate_per_second" in refused.body) == (400, True)
            shown = (await ask(server.port, "/metrics")).body
            assert b"load_target_rate_per_second 100.0" in shown
            await server.stop()

    run(scenario())


@pytest.mark.parametrize("text", ["GET /x", "1 BREW /x", "0 GET /x", "1 GET x", "a GET /x"])
def test_a_wrong_mix_is_refused(text: str):
    with pytest.raises(InputError):
        RequestKind.parse(text)


async def _health(world: LoadWorld) -> bytes:
    server = await listen(admin(world.generator, world.metrics), 0)
    answered = await ask(server.port, "/healthz")
    await server.stop()
    return answered.body
