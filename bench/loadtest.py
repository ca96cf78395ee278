"""What a freeze costs users, in an open and in a closed loop; and what rate our generator holds.

Run: python bench/loadtest.py. A real server in a process of its own answers after 2 ms and is
frozen (SIGSTOP) for 2 of 12 seconds. The closed loop is ten clients that each wait for an answer
before they ask again, paced to the same rate: how most load generators work. It sends nothing
while it waits, so the freeze is hardly in its percentiles (coordinated omission).
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import numpy as np

from holdfast.delivery.http1 import Headers, RequestHead, read_request_head, request_bytes
from holdfast.delivery.http1 import response_bytes as answer_bytes
from holdfast.delivery.http_client import ConnectionPool
from holdfast.delivery.loadtest.order import LoadOptions
from holdfast.delivery.loadtest.run import run_load_test

RATE = 100.0
SECONDS = 12.0
FREEZE_AT_SECONDS = 5.0
FREEZE_SECONDS = 2.0
CLIENTS = 10
RATES = (500, 1000, 2000, 4000, 8000)
RATE_SECONDS = 5.0


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request of a connection after 2 ms."""
    with suppress(OSError, EOFError):  # a client that gave up
        while await read_request_head(reader):
            await asyncio.sleep(0.002)
            writer.write(answer_bytes(200, b"ok"))
    writer.close()


async def serve() -> None:
    """Serve until killed; the port is printed."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def served() -> Iterator[tuple[str, int]]:
    """Run the server in a process; give its URL and process id."""
    command = [sys.executable, __file__, "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        try:
            yield f"http://127.0.0.1:{port}/", process.pid
        finally:
            process.kill()


@contextmanager
def frozen_later(pid: int) -> Iterator[None]:
    """Freeze a process for a while, some time after this begins."""

    def freeze() -> None:
        time.sleep(FREEZE_AT_SECONDS)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(FREEZE_SECONDS)
        os.kill(pid, signal.SIGCONT)

    work = threading.Thread(target=freeze)
    work.start()
    yield
    work.join()


async def closed_loop(url: str) -> list[float]:
    """Return durations as a closed loop measures them: from when it came to send."""
    parts = urlsplit(url)
    pool = ConnectionPool(parts.hostname or "", parts.port or 80)
    request = request_bytes(RequestHead("GET", "/", Headers((("host", parts.netloc),))))
    took: list[float] = []
    end = time.monotonic() + SECONDS

    async def client() -> None:
        while (began := time.monotonic()) < end:
            await pool.exchange(request)
            took.append(time.monotonic() - began)
            await asyncio.sleep(max(0.0, CLIENTS / RATE - (time.monotonic() - began)))

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    pool.close()
    return took


def show_freeze() -> None:
    """Print both generators' view of the same freeze."""
    with served() as (url, pid), frozen_later(pid):
        ours = run_load_test(url, RATE, SECONDS, "bench", options=LoadOptions(max_lag_seconds=0.1))
    with served() as (url, pid), frozen_later(pid):
        took = asyncio.run(closed_loop(url))
    p50, p95, p99 = (float(np.quantile(took, q)) for q in (0.5, 0.95, 0.99))
    rows = [("closed loop, ten clients", len(took), (p50, p95, p99))]
    for arm in ours.arms:
        measured = (arm.p50_seconds or 0.0, arm.p95_seconds or 0.0, arm.p99_seconds or 0.0)
        rows.append(("holdfast, open loop", arm.sent, measured))
    print(f"a server frozen {FREEZE_SECONDS:g} s of {SECONDS:g} s, {RATE:g} requests/s; ms")
    print(f"{'generator':<28}{'requests':>9}{'p50':>9}{'p95':>9}{'p99':>9}")
    for name, count, values in rows:
        print(f"{name:<28}{count:>9}" + "".join(f"{value * 1000:>9.1f}" for value in values))
    if ours.refusal:
        print(f"holdfast: refused: {ours.refusal}")


def show_rates() -> None:
    """Print what the generator holds, and what it takes."""
    print(f"\nrates over {RATE_SECONDS:g} s, server and generator on this machine")
    print(f"{'asked/s':>8}{'answered/s':>12}{'cpu':>7}{'lag p99':>10}{'p99':>10}  status")
    for rate in RATES:
        with served() as (url, _):
            result = run_load_test(url, rate, RATE_SECONDS, "bench")
        health = result.generator
        arm = result.arms[0] if result.arms else None
        answered = f"{arm.throughput_per_second:.0f}" if arm else "-"
        p99 = f"{(arm.p99_seconds or 0) * 1000:.1f} ms" if arm else "-"
        print(
            f"{rate:>8}{answered:>12}{health.cpu_fraction:>7.0%}"
            f"{health.lag_p99_seconds * 1000:>7.1f} ms{p99:>10}  {result.status}"
        )
        if result.status == "refused":
            print(f"{'':>8}{result.refusal}")


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        show_freeze()
        show_rates()
