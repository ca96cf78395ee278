"""Made-up measurements of a canary and its baseline, for tests of the judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from holdfast.delivery.judge.records import ArmMeasurements, Interval

BEGAN = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def canary_intervals(
    minutes: int,
    *,
    slower: float = 1.0,
    error_rates: tuple[float, float] = (0.001, 0.001),
    statements: tuple[float, float] = (4.0, 4.0),
    requests: tuple[int, int] = (600, 600),
    planned: float = 0.5,
    noise_sd: float = 0.03,
    seed: int = 1,
) -> list[Interval]:
    """Return minutes of both arms; pairs are (canary, baseline)."""
    chance = np.random.default_rng(seed)

    def arm(drift: float, which: int, factor: float) -> ArmMeasurements:
        latency = 0.05 * factor * float(np.exp(drift + chance.normal(0, noise_sd)))
        return ArmMeasurements(
            requests=requests[which],
            failed_requests=int(chance.binomial(requests[which], error_rates[which])),
            latency_mean_seconds=latency,
            statements_per_request=statements[which],
            cpu_seconds_per_request=0.005 * float(np.exp(chance.normal(0, noise_sd))),
        )

    found: list[Interval] = []
    for minute in range(minutes):
        drift = float(chance.normal(0, 0.15))
        found.append(
            Interval(
                started_at=BEGAN + minute * MINUTE,
                duration_seconds=60,
                planned_canary_fraction=planned,
                canary=arm(drift, 0, slower),
                baseline=arm(drift, 1, 1.0),
            )
        )
    return found


def ended(intervals: Sequence[Interval]) -> datetime:
    """Return when the last interval was over."""
    return intervals[-1].started_at + MINUTE


def with_canary(
    intervals: Sequence[Interval], change: Callable[[ArmMeasurements], ArmMeasurements]
) -> list[Interval]:
    """Return the intervals with the canary's measurements changed."""
    return [one.model_copy(update={"canary": change(one.canary)}) for one in intervals]
