"""`python -m holdfast.lab.load --target http://127.0.0.1:PORT --rate-per-second 25 --port P`.

Prints one JSON line with its port once it runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from urllib.parse import urlsplit

from holdfast.delivery.http_client import ConnectionPool
from holdfast.delivery.loadtest.mix import RequestKind
from holdfast.delivery.loadtest.open_loop import Generator, Limits
from holdfast.delivery.loadtest.schedule import Arrivals
from holdfast.errors import HoldfastError, InputError
from holdfast.lab.http_server import listen
from holdfast.lab.load.app import admin
from holdfast.lab.load.meters import LoadMetrics
from holdfast.lab.load.plan import SHOP_MIX, RequestPlan
from holdfast.lab.process import die_with_parent, until_told_to_stop


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("holdfast.lab.load", description=__doc__)
    parser.add_argument("--target", required=True, help="http://host:port")
    parser.add_argument("--rate-per-second", type=float, default=25.0)
    parser.add_argument("--port", type=int, required=True, help="of /healthz, /metrics and /rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--arrivals", choices=("poisson", "even"), default="poisson")
    parser.add_argument("--request", action="append", help="'WEIGHT METHOD PATH', repeatable")
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--customers", type=int, default=1000)
    parser.add_argument("--timeout-seconds", type=float, default=10.0)
    parser.add_argument("--parent-pid", type=int)
    return parser.parse_args()


def _target(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or not parts.port:
        raise InputError(f"--target {url!r} is not http://host:port")
    return parts.hostname, parts.port


def _generator(given: argparse.Namespace, metrics: LoadMetrics) -> Generator:
    host, port = _target(given.target)
    kinds = [RequestKind.parse(text) for text in given.request or ()] or SHOP_MIX
    plan = RequestPlan(
        kinds,
        host=f"{host}:{port}",
        users=given.users,
        pages=given.pages,
        customers=given.customers,
        seed=given.seed,
    )
    arrivals = Arrivals(given.rate_per_second, shape=given.arrivals, seed=given.seed)
    limits = Limits(timeout_seconds=given.timeout_seconds)
    return Generator(ConnectionPool(host, port), plan, arrivals, metrics, limits)


async def _run(given: argparse.Namespace) -> None:
    metrics = LoadMetrics()
    generator = _generator(given, metrics)
    server = await listen(admin(generator, metrics), given.port)
    generator.start(given.rate_per_second)
    print(json.dumps({"port": server.port}), flush=True)
    await until_told_to_stop()
    await generator.stop()
    await server.stop()


def main() -> None:
    """Run until told to stop."""
    given = _arguments()
    die_with_parent(parent_pid=given.parent_pid)
    try:
        asyncio.run(_run(given))
    except (OSError, HoldfastError) as error:
        sys.exit(f"load: {error}")


if __name__ == "__main__":
    main()
