"""The open loop: each request starts at its time, however the earlier ones fare.

Times count from the *intended* start: a server that freezes is measured by everyone who would
have come meanwhile (no coordinated omission). What the generator itself could not start in time
is neither sent nor timed, but counted as missed: it says nothing about the server.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

from holdfast.errors import InputError
from holdfast.lab.http1 import body_pieces, response_framing
from holdfast.lab.http_client import ConnectionPool
from holdfast.lab.load.meters import LoadMetrics, Outcome
from holdfast.lab.load.plan import RequestPlan
from holdfast.lab.load.schedule import Arrivals


@dataclass(frozen=True, slots=True)
class Limits:
    """When a request is given up, or not sent at all."""

    timeout_seconds: float = 10.0
    max_lag_seconds: float = 1.0
    max_inflight: int = 2000


class Generator:
    """Sends planned requests at their times. Runs until `stop`."""

    def __init__(
        self,
        pool: ConnectionPool,
        plan: RequestPlan,
        arrivals: Arrivals,
        metrics: LoadMetrics,
        limits: Limits,
    ) -> None:
        self._pool, self._plan, self._arrivals = pool, plan, arrivals
        self._metrics, self._limits = metrics, limits
        self._inflight: set[asyncio.Task[None]] = set()
        self._schedule: asyncio.Task[None] | None = None

    @property
    def rate_per_second(self) -> float:
        """The rate asked for."""
        return self._arrivals.rate_per_second

    def start(self, rate_per_second: float) -> None:
        """Begin, or go on with another rate, from now. Rate 0 pauses."""
        if self._schedule:
            self._schedule.cancel()
        self._arrivals.rate_per_second = rate_per_second
        self._metrics.rate(rate_per_second)
        self._schedule = asyncio.create_task(self._follow_schedule())

    async def stop(self) -> None:
        """Start nothing more and drop what is under way."""
        tasks = {*self._inflight, *((self._schedule,) if self._schedule else ())}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._pool.close()

    async def _follow_schedule(self) -> None:
        loop = asyncio.get_running_loop()
        intended = loop.time()
        while self._arrivals.rate_per_second > 0:
            intended += self._arrivals.next_gap_seconds()
            if intended > loop.time():
                await asyncio.sleep(intended - loop.time())
            self._start_one(intended, loop.time() - intended)

    def _start_one(self, intended: float, lag_seconds: float) -> None:
        self._metrics.due(max(lag_seconds, 0.0))
        request = self._plan.draw()  # also when it is missed: the later ones stay the same
        full = len(self._inflight) >= self._limits.max_inflight
        if full or lag_seconds > self._limits.max_lag_seconds:
            self._miss("too many requests under way" if full else f"{lag_seconds:.1f} s late")
            return
        task = asyncio.create_task(self._send(request, intended))
        self._inflight.add(task)
        task.add_done_callback(self._inflight.discard)

    def _miss(self, why: str) -> None:
        if not self._metrics.missed_count:
            print(f"load: the schedule was not kept: {why}", file=sys.stderr, flush=True)
        self._metrics.missed()

    async def _send(self, request: bytes, intended: float) -> None:
        deadline = intended + self._limits.timeout_seconds
        try:
            async with asyncio.timeout_at(deadline):
                outcome = _outcome(await self._ask(request))
        except TimeoutError:
            outcome = "timeout"
        except (OSError, EOFError, InputError):
            outcome = "connection_error"
        self._metrics.ended(outcome, asyncio.get_running_loop().time() - intended)

    async def _ask(self, request: bytes) -> int:
        connection = await self._pool.acquire()
        try:
            head = await connection.ask(request)
            framing = response_framing(head, request.partition(b" ")[0].decode())
            async for _ in body_pieces(connection.reader, framing):
                pass
        except BaseException:
            connection.close()
            raise
        if head.keeps_alive and framing != "until_close":
            self._pool.release(connection)
        else:
            connection.close()
        return head.status


def _outcome(status: int) -> Outcome:
    if status >= 500:
        return "server_error"
    return "client_error" if status >= 400 else "ok"
