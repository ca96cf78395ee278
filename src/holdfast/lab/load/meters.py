"""What the generator measured: outcomes, durations from the intended start, and its own lag."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from holdfast.delivery.loadtest.open_loop import OUTCOMES, Outcome

_DURATION_BUCKETS = (
    0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0,
)  # fmt: skip
_LAG_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class LoadMetrics:
    """The metric families of the generator."""

    def __init__(self) -> None:
        disable_created_metrics()
        self.registry = reg = CollectorRegistry()
        requests = Counter("load_requests", "Requests ended.", ("outcome",), registry=reg)
        self._requests = {outcome: requests.labels(outcome) for outcome in OUTCOMES}
        self._duration = Histogram(
            "load_request_duration_seconds", "From the intended start to the end of the answer.",
            buckets=_DURATION_BUCKETS, registry=reg,
        )  # fmt: skip
        self._lag = Histogram(
            "load_schedule_lag_seconds", "From the intended start to the real one.",
            buckets=_LAG_BUCKETS, registry=reg,
        )  # fmt: skip
        self._missed = Counter(
            "load_missed", "Requests not sent, because the generator was late or full.",
            registry=reg,
        )  # fmt: skip
        self._rate = Gauge("load_target_rate_per_second", "The rate asked for.", registry=reg)
        self.intended_count = 0
        self.missed_count = 0
        self.worst_lag_seconds = 0.0

    def rate(self, per_second: float) -> None:
        """Note the rate asked for."""
        self._rate.set(per_second)

    def due(self, lag_seconds: float) -> None:
        """Count a request whose time has come, so many seconds ago."""
        self.intended_count += 1
        self.worst_lag_seconds = max(self.worst_lag_seconds, lag_seconds)
        self._lag.observe(lag_seconds)

    def missed(self) -> None:
        """Count a request that was not sent."""
        self.missed_count += 1
        self._missed.inc()

    def ended(self, outcome: Outcome, intended: float, seconds: float) -> None:
        """Count a request that ended, so many seconds after its intended start."""
        del intended
        self._requests[outcome].inc()
        self._duration.observe(seconds)

    def exposition(self) -> bytes:
        """Return all series in the Prometheus text format."""
        return generate_latest(self.registry)
