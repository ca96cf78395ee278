"""The open loop: each request starts at its time, however the earlier ones fare.

Times count from the *intended* start: a server that freezes is measured by everyone who would
have come meanwhile (no coordinated omission). What the generator itself could not start in time
is neither sent nor timed, but counted as missed: it says nothing about the server.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import Literal, Protocol

from holdfast.delivery.http_client import ConnectionPool
from holdfast.delivery.loadtest.schedule import Arrivals
from holdfast.errors import InputError

Outcome = Literal["ok", "client_error", "server_error", "timeout", "connection_error"]
OUTCOMES: tuple[Outcome, ...] = (
    "ok",
    "client_error",
    "server_error",
    "timeout",
    "connection_error",
)


class Plan(Protocol):
    """What is asked."""

    def draw(self) -> bytes:
        """Return the next request, whole."""
        ...


class Sink(Protocol):
    """What notes the measurements; it is called in the loop and must be quick."""

    def rate(self, per_second: float) -> None:
        """Note the rate asked for."""
        ...

    def due(self, lag_seconds: float) -> None:
        """Note that a request's time has come, so many seconds ago."""
        ...

    def missed(self) -> None:
        """Note that a request was not sent."""
        ...

    def ended(self, outcome: Outcome, intended: float, seconds: float) -> None:
        """Note that a request ended, so many seconds after its intended start (loop time)."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """When a request is given up, or not sent at all."""

    timeout_seconds: float = 10.0
    max_lag_seconds: float = 1.0
    max_inflight: int = 2000


class Generator:
    """Sends planned requests at their times. Runs until `stop`, or for the time of `run`."""

    def __init__(
        self, pool: ConnectionPool, plan: Plan, arrivals: Arrivals, sink: Sink, limits: Limits
    ) -> None:
        self._pool, self._plan, self._arrivals = pool, plan, arrivals
        self._sink, self._limits = sink, limits
        self._inflight: set[asyncio.Task[None]] = set()
        self._schedule: asyncio.Task[None] | None = None
        self._has_missed = False

    @property
    def rate_per_second(self) -> float:
        """The rate asked for."""
        return self._arrivals.rate_per_second

    def start(self, rate_per_second: float) -> None:
        """Begin, or go on with another rate, from now. Rate 0 pauses."""
        if self._schedule:
            self._schedule.cancel()
        self._arrivals.rate_per_second = rate_per_second
        self._sink.rate(rate_per_second)
        now = asyncio.get_running_loop().time()
        self._schedule = asyncio.create_task(self._follow_schedule(now, float("inf")))

    async def run(self, begin: float, end: float) -> None:
        """Send what is due from `begin` until `end` (loop time) and wait for every answer."""
        self._sink.rate(self._arrivals.rate_per_second)
        await self._follow_schedule(begin, end)
        while self._inflight:
            await asyncio.wait(self._inflight)
        self._pool.close()

    async def stop(self) -> None:
        """Start nothing more and drop what is under way."""
        tasks = {*self._inflight, *((self._schedule,) if self._schedule else ())}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._pool.close()

    async def _follow_schedule(self, begin: float, end: float) -> None:
        loop = asyncio.get_running_loop()
        intended = begin
        while self._arrivals.rate_per_second > 0:
            intended += self._arrivals.next_gap_seconds()
            if intended > end:
                return
            if intended > loop.time():
                await asyncio.sleep(intended - loop.time())
            self._start_one(intended, loop.time() - intended)

    def _start_one(self, intended: float, lag_seconds: float) -> None:
        self._sink.due(max(lag_seconds, 0.0))
        request = self._plan.draw()  # also when it is missed: the later ones stay the same
        full = len(self._inflight) >= self._limits.max_inflight
        if full or lag_seconds > self._limits.max_lag_seconds:
            self._miss("too many requests under way" if full else f"{lag_seconds:.1f} s late")
            return
        task = asyncio.create_task(self._send(request, intended))
        self._inflight.add(task)
        task.add_done_callback(self._inflight.discard)

    def _miss(self, why: str) -> None:
        if not self._has_missed:
            print(f"load: the schedule was not kept: {why}", file=sys.stderr, flush=True)
        self._has_missed = True
        self._sink.missed()

    async def _send(self, request: bytes, intended: float) -> None:
        deadline = intended + self._limits.timeout_seconds
        try:
            async with asyncio.timeout_at(deadline):
                outcome = _outcome(await self._pool.exchange(request))
        except TimeoutError:
            outcome = "timeout"
        except (OSError, EOFError, InputError):
            outcome = "connection_error"
        self._sink.ended(outcome, intended, asyncio.get_running_loop().time() - intended)


def _outcome(status: int) -> Outcome:
    if status >= 500:
        return "server_error"
    return "client_error" if status >= 400 else "ok"
