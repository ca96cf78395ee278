"""The edge shares traffic exactly, and loses no request when routes change."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from edge_world import after, ask, edge_world, run

from holdfast.errors import InputError
from holdfast.lab.edge.balance import SmoothRoundRobin
from holdfast.lab.edge.routes import parse_route


@pytest.mark.parametrize(
    ("weights", "picks"), [((99, 1), 100), ((90, 10), 10), ((1, 1, 1), 3), ((50, 30, 20), 10)]
)
def test_each_cycle_has_exactly_the_shares_asked_for(weights: tuple[float, ...], picks: int):
    balance = SmoothRoundRobin(list(enumerate(weights)))
    for _ in range(3):
        drawn = [balance.pick() for _ in range(picks)]
        assert [drawn.count(i) for i in range(len(weights))] == [
            w * picks / sum(weights) for w in weights
        ]


def test_a_small_share_is_spread_and_never_comes_in_a_burst():
    balance = SmoothRoundRobin([("old", 95.0), ("new", 5.0)])
    places = [i for i in range(200) if balance.pick() == "new"]
    gaps = {b - a for a, b in itertools.pairwise(places)}
    assert len(places) == 10
    assert gaps == {20}


def test_a_version_without_weight_gets_no_request():
    balance = SmoothRoundRobin([("old", 100.0), ("new", 0.0)])
    assert {balance.pick() for _ in range(50)} == {"old"}
    assert SmoothRoundRobin([("new", 0.0)]).pick() is None


def test_traffic_is_shared_by_weight_over_kept_connections(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            old, new = await world.backend(), await world.backend()
            world.route(("v1", old, 90), ("v2", new, 10))
            for _ in range(40):
                assert (await world.get()).status == 200
            assert (len(old.heads), len(new.heads)) == (36, 4)
            assert (len(old.connections), len(new.connections)) == (1, 1)
            assert world.value(
                "edge_requests_total", "v2", http_response_status_code="200"
            ) == pytest.approx(4)

    run(scenario())


def test_requests_under_way_finish_when_their_backend_is_removed(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            old = await world.backend(after(0.3))
            new = await world.backend()
            world.route(("v1", old, 100))
            waiting = asyncio.create_task(world.get())
            await asyncio.sleep(0.1)
            world.route(("v2", new, 100))
            assert (await world.get()).status == 200
            assert len(new.heads) == 1
            assert (await waiting).status == 200
            assert world.value("edge_request_duration_seconds_count", "v1") == 1

    run(scenario())


def test_series_of_a_removed_version_vanish_after_a_grace_and_stay_when_it_returns(
    tmp_path: Path,
):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log", grace_seconds=0.2) as world:
            old, new = await world.backend(), await world.backend()
            world.route(("v1", old, 100))
            await world.get()
            world.route(("v2", new, 100))
            assert world.value("edge_requests_settled_total", "v1") == 1
            world.route(("v1", old, 50), ("v2", new, 50))
            await asyncio.sleep(0.3)
            assert world.value("edge_requests_settled_total", "v1") == 1
            world.route(("v2", new, 100))
            await asyncio.sleep(0.3)
            assert b'service_version="v1"' not in world.edge.metrics.exposition()

    run(scenario())


def test_a_service_without_versions_answers_503_and_counts_it(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            assert (await world.get()).status == 503
            assert world.value("edge_requests_failed_total", "none") == 1

    run(scenario())


def test_routes_are_set_and_read_over_http(tmp_path: Path):
    async def scenario() -> None:
        async with edge_world(tmp_path / "log") as world:
            backend = await world.backend()
            admin = world.edge.admin_port
            body = b'{"backends":[{"version":"v1","url":"%s","weight":100}]}' % backend.url.encode()
            assert (await ask(admin, "/routes/shop", "PUT", body)).status == 200
            assert b'"version": "v1"' in (await ask(admin, "/routes")).body
            assert (await ask(admin, "/routes/other", "PUT", body)).status == 404
            refused = await ask(admin, "/routes/shop", "PUT", b'{"timeout_seconds":-1}')
            assert (refused.status, b"timeout_seconds" in refused.body) == (400, True)
            assert (await ask(admin, "/healthz")).status == 200
            shown = (await ask(admin, "/metrics")).body
            assert b'edge_requests_slow_total{service_name="shop",service_version="v1"} 0' in shown
            assert b"_created" not in shown

    run(scenario())


def test_a_wrong_route_is_refused_naming_the_field():
    with pytest.raises(InputError, match=r"backends\.0\.url"):
        parse_route(b'{"backends":[{"version":"v1","url":"ftp://x","weight":1}]}')
