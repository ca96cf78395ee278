"""What a load test measured. Times are seconds from the intended start of a request."""

from __future__ import annotations

from typing import Literal

from holdfast.model.base import Record, UtcTime

ArmName = Literal["candidate", "good"]
Status = Literal["measured", "passed", "failed", "refused"]


class ArmMeasures(Record):
    """One endpoint under load.

    Percentiles are over all requests; one without an answer counts as having taken the whole
    timeout at least. `error_ratio` counts all that was not answered below status 400.
    A percentile is None where fewer than one request lies beyond it.
    """

    arm: ArmName
    version: str
    endpoint: str
    intended: int
    sent: int
    ok: int
    client_error: int
    server_error: int
    timeout: int
    connection_error: int
    error_ratio: float
    throughput_per_second: float
    """Answered requests a second, from the first intended start to the last end."""
    p50_seconds: float | None
    p90_seconds: float | None
    p95_seconds: float | None
    p99_seconds: float | None
    max_seconds: float | None


class GeneratorHealth(Record):
    """Whether the generator kept its schedule; `lag` is the real start after the intended one."""

    intended: int
    missed: int
    lag_p50_seconds: float
    lag_p99_seconds: float
    lag_max_seconds: float
    lag_allowed_seconds: float
    cpu_fraction: float
    """Of one core, its own process, while it ran."""


class Ratio(Record):
    """A percentile of the candidate over that of the good version, with a 95 % interval.

    The interval is None where there are too few stretches of time to draw from.
    """

    measure: str
    ratio: float
    low: float | None
    high: float | None

    @property
    def reading(self) -> str:
        """What the interval says."""
        if self.low is None or self.high is None:
            return "too short to say"
        if self.low > 1:
            return "slower"
        return "faster" if self.high < 1 else "no difference shown"


class ThresholdReading(Record):
    """A threshold and what was measured; for a ratio, the upper end of its interval."""

    threshold: str
    measured: float | None
    kept: bool


class LoadResult(Record):
    """What came of a load test. `refused` has no arms: the generator measured itself only."""

    status: Status
    refusal: str = ""
    rate_per_second: float
    duration_seconds: float
    arrivals: str
    seed: int
    started_at: UtcTime
    ended_at: UtcTime
    generator: GeneratorHealth
    arms: tuple[ArmMeasures, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    thresholds: tuple[ThresholdReading, ...] = ()


class KneeStep(Record):
    """One rate that was tried."""

    rate_per_second: float
    result: LoadResult


class KneeResult(Record):
    """The greatest rate that kept the thresholds, the smallest that did not, and what limited it.

    `generator`: the generator saturated first, so the server's own limit is not known.
    `first step`: already the first rate broke them. `most`: the greatest allowed rate still held.
    """

    holds_at_per_second: float | None
    fails_at_per_second: float | None
    limited_by: Literal["thresholds", "generator", "first step", "most"]
    steps: tuple[KneeStep, ...]
