"""A made-up production for rollouts: versions, shares and what clients measure, at a made-up time.

Its deployer implements the seam in memory; its metrics answer by formula, at whatever time is
asked for, and are told apart by the names of their metrics.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from holdfast.delivery.deployer import DeploymentState
from holdfast.delivery.rollout.records import News, RolloutWorld
from holdfast.errors import DeployerFailed
from holdfast.model.evidence import (
    Evidence,
    EvidenceKind,
    Matrix,
    Outcome,
    Sample,
    Series,
    Vector,
)
from holdfast.model.hypothesis import ToolCall
from holdfast.model.policy import CanaryPolicy, CanaryStep
from holdfast.model.service import Service, Signal
from holdfast.model.slo import SLO, RatioIndicator

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
STABLE, CANDIDATE = "v1", "v2"
REQUESTS_PER_SECOND = 100.0
CANARY = CanaryPolicy(
    steps=(
        CanaryStep(percent=10, duration_seconds=120),
        CanaryStep(percent=50, duration_seconds=60),
    ),
    interval_seconds=2,
    watch_seconds=20,
    min_requests=100,
    failed_fraction_at_most=0.05,
)
SHOP = Service(
    name="shop",
    deployer="memory",
    signals={
        signal: f"sum by ($by) (rate({signal.value}[$window]))"
        for signal in (
            Signal.REQUEST_RATE,
            Signal.ERROR_RATIO,
            Signal.LATENCY_MEAN,
            Signal.LATENCY_P95,
            Signal.STATEMENTS_PER_REQUEST,
            Signal.CPU_SECONDS_PER_REQUEST,
        )
    },
)
OBJECTIVE = SLO(
    name="shop-latency",
    service="shop",
    kind="latency",
    indicator=RatioIndicator(
        bad_query="sum(rate(bad_total[$window]))", total_query="sum(rate(all_total[$window]))"
    ),
    objective=0.95,
    period_seconds=3600,
)


@dataclass
class Production:
    """The made-up world. `slower` and `more` multiply the candidate's latency and statements."""

    slower: float = 1.0
    more: float = 1.0
    failing: float = 0.0
    absent: set[Signal] = field(default_factory=set[Signal])
    silent: bool = False
    bad_fraction: float | None = 0.0
    spent: float | None = 0.1
    weights: dict[str, float] = field(default_factory=lambda: {STABLE: 100.0})
    moves: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    refuses: int = 0
    at: datetime = START
    news: list[News] = field(default_factory=list[News])
    stop: str = ""
    name: str = "memory"

    # ---- the deployer ----------------------------------------------------------------------

    def current(self, service: str) -> DeploymentState:
        serving = {version: share for version, share in self.weights.items() if share > 0}
        return DeploymentState(service=service, weights=serving)

    def deploy(
        self,
        service: str,
        version: str,
        *,
        expect_version: str,
        idempotency_key: str,
        timeout_seconds: float,
    ) -> None:
        raise NotImplementedError

    def set_weights(
        self, service: str, weights: Mapping[str, float], *, timeout_seconds: float
    ) -> None:
        if self.refuses > 0:
            self.refuses -= 1
            raise DeployerFailed("not now")
        self.weights = dict(weights)
        self.moves.append(dict(weights))

    def endpoints(self, service: str) -> Mapping[str, str]:
        return {version: f"http://{version}" for version in self.weights}

    # ---- the clock -------------------------------------------------------------------------

    def clock(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    # ---- the metrics -----------------------------------------------------------------------

    def ask(self, call: ToolCall) -> Evidence:
        query, time_range = str(call.arguments["query"]), call.arguments["time_range"]
        if isinstance(time_range, tuple):
            start, end, step = (float(part) for part in time_range)
            value: Matrix | Vector | None = self._matrix(query, start, end, step)
        else:
            value = self._vector(query)
        return Evidence.seal(
            kind=EvidenceKind.METRIC,
            query=query,
            source="made up",
            asked_at=self.at,
            outcome=Outcome.NO_DATA if value is None else Outcome.DATA,
            value=value,
        )

    def _vector(self, query: str) -> Vector | None:
        found = self.spent if "[1h]" in query else self.bad_fraction
        if found is None:
            return None
        return Vector(samples=(Sample(labels={}, at=self.at.timestamp(), value=found),))

    def _matrix(self, query: str, start: float, end: float, step: float) -> Matrix | None:
        signal = next(one for one in SHOP.signals if f"({one.value}[" in query)
        if self.silent or signal in self.absent:
            return None
        times = [start + step * index for index in range(round((end - start) / step) + 1)]
        series = [
            Series(
                labels={"service_version": version},
                points=tuple((at, self._value(signal, version, at)) for at in times),
            )
            for version in {**self.weights, STABLE: 0}
        ]
        return Matrix(series=tuple(series))

    def _value(self, signal: Signal, version: str, at: float) -> float:
        bad = version == CANDIDATE
        wave = 1 + 0.02 * math.sin(at * (7.3 if bad else 5.1))
        return {
            Signal.REQUEST_RATE: REQUESTS_PER_SECOND * self.weights.get(version, 0.0) / 100,
            Signal.ERROR_RATIO: self.failing if bad else 0.0,
            Signal.LATENCY_MEAN: 0.05 * wave * (self.slower if bad else 1),
            Signal.LATENCY_P95: 0.1 * wave * (self.slower if bad else 1),
            Signal.STATEMENTS_PER_REQUEST: 4.0 * (self.more if bad else 1),
            Signal.CPU_SECONDS_PER_REQUEST: 0.01 * wave,
        }[signal]

    def world(self, canary: CanaryPolicy = CANARY) -> RolloutWorld:
        """Return what a rollout works with."""
        return RolloutWorld(
            deployer=self,
            ask=self.ask,
            service=SHOP,
            canary=canary,
            resolution_seconds=1.0,
            objectives=(OBJECTIVE,),
            clock=self.clock,
            sleep=self.sleep,
            stop_reason=lambda: self.stop,
        )
