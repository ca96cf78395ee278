"""The generator process: `python -m holdfast.delivery.loadtest`, an order on its input.

Its own process, so that nothing else takes its time. It ends when its input closes: nobody who
was killed leaves load behind.
"""

from __future__ import annotations

import asyncio
import gc
import math
import os
import resource
import ssl
import sys
import threading
import time

from holdfast.delivery.http_client import ConnectionPool
from holdfast.delivery.loadtest.mix import Mix, RequestKind
from holdfast.delivery.loadtest.open_loop import Generator, Limits
from holdfast.delivery.loadtest.schedule import Arrivals
from holdfast.delivery.loadtest.wire import ArmSamples, WireArm, WireOrder, write_measured

_LEAD_SECONDS = 0.1


def _read_order() -> WireOrder:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 65536)
        if not piece:
            sys.exit("loadtest: the input ended before the order did")
        line += piece
    return WireOrder.model_validate_json(line)


def _end_with_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


def _connections_allowed() -> int:
    """Raise the limit of open files as far as it goes, and return how many connections fit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65536 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most - 64


def _generator(order: WireOrder, arm: WireArm, samples: ArmSamples) -> Generator:
    tls = ssl.create_default_context(cafile=order.ca_file or None) if arm.tls_name else None
    kinds = [RequestKind(r.weight, r.method, r.path, r.body) for r in arm.requests]
    needed = math.ceil(order.rate_per_second * order.timeout_seconds * 1.5) + 100
    return Generator(
        ConnectionPool(arm.address, arm.port, tls=tls, tls_name=arm.tls_name),
        Mix(kinds, arm.headers, seed=order.seed),
        Arrivals(order.rate_per_second, shape=order.arrivals, seed=order.seed),
        samples,
        Limits(
            timeout_seconds=order.timeout_seconds,
            max_inflight=min(needed, _connections_allowed() // len(order.arms)),
        ),
    )


async def _run(order: WireOrder, arms: list[ArmSamples]) -> None:
    """Load all arms by one schedule, the second half a mean gap after the first."""
    generators = [_generator(order, *pair) for pair in zip(order.arms, arms, strict=True)]
    first = asyncio.get_running_loop().time() + _LEAD_SECONDS
    async with asyncio.TaskGroup() as group:
        for number, (generator, samples) in enumerate(zip(generators, arms, strict=True)):
            samples.begin = first + number * 0.5 / order.rate_per_second
            end = samples.begin + order.duration_seconds
            group.create_task(generator.run(samples.begin, end))


def main() -> None:
    """Read an order, load, write what was measured."""
    order = _read_order()
    threading.Thread(target=_end_with_input, daemon=True).start()
    gc.collect()
    gc.freeze()
    arms = [ArmSamples() for _ in order.arms]
    began, began_cpu = time.monotonic(), time.process_time()
    asyncio.run(_run(order, arms))
    write_measured(
        sys.stdout.buffer,
        arms,
        cpu_seconds=time.process_time() - began_cpu,
        wall_seconds=time.monotonic() - began,
    )
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
