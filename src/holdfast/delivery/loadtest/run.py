"""One load test: order, load, measure, judge."""

from __future__ import annotations

from datetime import datetime

from holdfast.delivery.loadtest.compare import compare
from holdfast.delivery.loadtest.measure import generator_health, measure_arm, refusal
from holdfast.delivery.loadtest.order import LoadOptions, LoadOrder, make_order
from holdfast.delivery.loadtest.process import generate
from holdfast.delivery.loadtest.records import LoadResult, Ratio, Status, ThresholdReading
from holdfast.delivery.loadtest.thresholds import judge
from holdfast.delivery.loadtest.wire import Measured
from holdfast.model.base import utc_now

_DEFAULTS = LoadOptions()


def run_load_test(
    endpoint: str,
    rps: float,
    duration_seconds: float,
    version: str,
    *,
    options: LoadOptions = _DEFAULTS,
) -> LoadResult:
    """Load an endpoint in an open loop and say what its users would have had.

    `version` is what the caller says runs there. A generator that did not keep its schedule is a
    result of its own, `refused`, without latencies. Raises InputError, GuardDenied (a host
    beyond loopback that was not allowed), SourceUnavailable (nobody listens), SourceError.
    """
    return run_order(make_order(endpoint, rps, duration_seconds, version, options))


def run_order(order: LoadOrder) -> LoadResult:
    """Run a checked order."""
    started_at = utc_now()
    measured = generate(order)
    return conclude(order, measured, started_at=started_at, ended_at=utc_now())


def conclude(
    order: LoadOrder, measured: Measured, *, started_at: datetime, ended_at: datetime
) -> LoadResult:
    """Return what the samples come to."""
    options = order.options
    health = generator_health(measured, options.max_lag_seconds)
    bare = LoadResult(
        status="refused",
        refusal=refusal(health),
        rate_per_second=order.rate_per_second,
        duration_seconds=order.duration_seconds,
        arrivals=options.arrivals,
        seed=options.seed,
        started_at=started_at,
        ended_at=ended_at,
        generator=health,
    )
    return bare if bare.refusal else _judged(bare, order, measured)


def _judged(bare: LoadResult, order: LoadOrder, measured: Measured) -> LoadResult:
    timeout = order.options.timeout_seconds
    pairs = zip(order.arms, measured.arms, strict=True)
    arms = tuple(measure_arm(arm, samples, timeout) for arm, samples in pairs)
    ratios = _ratios(order, measured)
    readings = judge(order.thresholds, arms[0], ratios)
    found = {"status": _status(readings), "arms": arms, "ratios": ratios, "thresholds": readings}
    return bare.model_copy(update=found)


def _ratios(order: LoadOrder, measured: Measured) -> tuple[Ratio, ...]:
    if len(measured.arms) < 2:
        return ()
    candidate, good = measured.arms
    return compare(
        candidate,
        good,
        duration_seconds=order.duration_seconds,
        timeout_seconds=order.options.timeout_seconds,
        seed=order.options.seed,
    )


def _status(readings: tuple[ThresholdReading, ...]) -> Status:
    if not readings:
        return "measured"
    return "passed" if all(reading.kept for reading in readings) else "failed"
