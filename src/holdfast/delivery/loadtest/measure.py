"""From exact samples to percentiles, counts, and whether the generator kept its schedule."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.delivery.loadtest.open_loop import OUTCOMES
from holdfast.delivery.loadtest.order import Arm
from holdfast.delivery.loadtest.records import ArmMeasures, GeneratorHealth
from holdfast.delivery.loadtest.wire import ArmSamples, Measured

Floats = NDArray[np.float64]


def effective_seconds(samples: ArmSamples, timeout_seconds: float) -> Floats:
    """Return how long each request took: without an answer, the whole timeout at least.

    A connection refused at once would otherwise count as a quick request.
    """
    seconds: Floats = np.asarray(samples.seconds, dtype=np.float64)
    outcomes = np.asarray(samples.outcomes, dtype=np.int8)
    unanswered = outcomes >= OUTCOMES.index("timeout")
    return np.where(unanswered, np.maximum(seconds, timeout_seconds), seconds)


def percentile(seconds: Floats, fraction: float) -> float | None:
    """Return the smallest sample that so many samples do not exceed; None where they are too few.

    p99 needs 100 requests: below that it would be the largest one by another name.
    """
    if seconds.size * (1 - fraction) < 1 - 1e-9:
        return None
    return float(np.quantile(seconds, fraction, method="inverted_cdf"))


def measure_arm(arm: Arm, samples: ArmSamples, timeout_seconds: float) -> ArmMeasures:
    """Return one arm's counts and percentiles."""
    seconds = effective_seconds(samples, timeout_seconds)
    codes = np.bincount(np.asarray(samples.outcomes, dtype=np.int64), minlength=len(OUTCOMES))
    counts = dict(zip(OUTCOMES, (int(count) for count in codes), strict=True))
    sent = int(seconds.size)
    answered = counts["ok"] + counts["client_error"] + counts["server_error"]
    span = float(np.max(np.asarray(samples.starts) + np.asarray(samples.seconds))) if sent else 0.0
    return ArmMeasures(
        arm=arm.name,
        version=arm.version,
        endpoint=arm.endpoint.url,
        intended=len(samples.lags),
        sent=sent,
        ok=counts["ok"],
        client_error=counts["client_error"],
        server_error=counts["server_error"],
        timeout=counts["timeout"],
        connection_error=counts["connection_error"],
        error_ratio=1 - counts["ok"] / sent if sent else 1.0,
        throughput_per_second=answered / span if span else 0.0,
        p50_seconds=percentile(seconds, 0.50),
        p90_seconds=percentile(seconds, 0.90),
        p95_seconds=percentile(seconds, 0.95),
        p99_seconds=percentile(seconds, 0.99),
        max_seconds=float(seconds.max()) if sent else None,
    )


def generator_health(measured: Measured, lag_allowed_seconds: float) -> GeneratorHealth:
    """Return how well the generator kept its schedule, over all arms."""
    lags: Floats = np.concatenate([np.asarray(arm.lags, dtype=np.float64) for arm in measured.arms])
    known = lags if lags.size else np.zeros(1)
    return GeneratorHealth(
        intended=int(lags.size),
        missed=sum(measured.head.missed),
        lag_p50_seconds=float(np.quantile(known, 0.5, method="inverted_cdf")),
        lag_p99_seconds=float(np.quantile(known, 0.99, method="inverted_cdf")),
        lag_max_seconds=float(known.max()),
        lag_allowed_seconds=lag_allowed_seconds,
        cpu_fraction=measured.head.cpu_seconds / max(measured.head.wall_seconds, 1e-9),
    )


def refusal(health: GeneratorHealth) -> str:
    """Return why the run says nothing about the server; empty where it does say something."""
    if not health.intended:
        return "no request fell due: the run is too short for its rate"
    if health.missed:
        return (
            f"the generator is saturated: it did not send {health.missed} of {health.intended} "
            f"requests (lag up to {health.lag_max_seconds * 1000:.0f} ms)"
        )
    if health.lag_p99_seconds > health.lag_allowed_seconds:
        return (
            f"the generator is saturated: its lag p99 is {health.lag_p99_seconds * 1000:.1f} ms, "
            f"allowed are {health.lag_allowed_seconds * 1000:g} ms"
        )
    return ""
