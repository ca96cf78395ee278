"""What the client sees, counted per service and version.

A request is *settled* once: at completion where that is within the threshold, else as slow in the
moment it crosses the threshold, so that a hang is seen at once and not when it ends.
"""

from __future__ import annotations

import asyncio
import time

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

_LABELS = ("service_name", "service_version")
_EXPECTED_CODES = (200, 201, 500, 502, 504)
"""Created at 0, so that the first failure is an increase and not a new series."""
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
GRACE_SECONDS = 5.0
"""How long the series of a removed version stay, so that a scraper sees their last value."""


class EdgeMetrics:
    """The metric families of the edge, and the meters that feed them."""

    def __init__(self, grace_seconds: float = GRACE_SECONDS) -> None:
        disable_created_metrics()
        self.registry = CollectorRegistry()
        reg = self.registry
        self.requests = Counter(
            "edge_requests", "Requests completed.",
            (*_LABELS, "http_response_status_code"), registry=reg,
        )  # fmt: skip
        self.failed = Counter(
            "edge_requests_failed", "Requests that ended in a 5xx.", _LABELS, registry=reg
        )
        self.settled = Counter(
            "edge_requests_settled", "Requests judged fast or slow.", _LABELS, registry=reg
        )
        self.slow = Counter(
            "edge_requests_slow", "Requests that crossed the threshold.", _LABELS, registry=reg
        )
        self.duration = Histogram(
            "edge_request_duration_seconds", "From the request's head to the last byte sent.",
            _LABELS, buckets=_BUCKETS, registry=reg,
        )  # fmt: skip
        self.inflight = Gauge(
            "edge_inflight_requests", "Requests under way.", _LABELS, registry=reg
        )
        self._grace_seconds = grace_seconds
        self._meters: dict[tuple[str, str], VersionMeter] = {}

    def meter(self, service: str, version: str) -> VersionMeter:
        """Return the meter of a version; its series exist from now on."""
        key = (service, version)
        if key not in self._meters:
            self._meters[key] = VersionMeter(self, key)
        meter = self._meters[key]
        meter.removed = False
        return meter

    def remove(self, meter: VersionMeter) -> None:
        """Let the meter's series vanish after the grace, unless the version comes back."""
        meter.removed = True
        asyncio.get_running_loop().call_later(self._grace_seconds, self._vanish, meter)

    def exposition(self) -> bytes:
        """Return all series in the Prometheus text format."""
        return generate_latest(self.registry)

    def _vanish(self, meter: VersionMeter) -> None:
        if not meter.removed or self._meters.get(meter.key) is not meter:
            return
        if meter.inflight_count:  # they finish first, and are counted
            self.remove(meter)
            return
        del self._meters[meter.key]
        for family in (self.failed, self.settled, self.slow, self.duration, self.inflight):
            family.remove(*meter.key)
        for code in meter.codes:
            self.requests.remove(*meter.key, str(code))


class VersionMeter:
    """The counters of one version of one service."""

    def __init__(self, metrics: EdgeMetrics, key: tuple[str, str]) -> None:
        self.key = key
        self.removed = False
        self.inflight_count = 0
        self.failed = metrics.failed.labels(*key)
        self.settled = metrics.settled.labels(*key)
        self.slow = metrics.slow.labels(*key)
        self.duration = metrics.duration.labels(*key)
        self._inflight = metrics.inflight.labels(*key)
        self._requests = metrics.requests
        self.codes = {code: self._by_code(code) for code in _EXPECTED_CODES}

    def _by_code(self, code: int) -> Counter:
        return self._requests.labels(*self.key, str(code))

    def started(self, threshold_seconds: float) -> Measurement:
        """Count a request as under way and start its clock."""
        self.inflight_count += 1
        self._inflight.inc()
        return Measurement(self, threshold_seconds)

    def completed(self, code: int, seconds: float) -> None:
        """Count a request as done."""
        self.inflight_count -= 1
        self._inflight.dec()
        if code not in self.codes:
            self.codes[code] = self._by_code(code)
        self.codes[code].inc()
        if code >= 500:
            self.failed.inc()
        self.duration.observe(seconds)


class Measurement:
    """The clock of one request."""

    def __init__(self, meter: VersionMeter, threshold_seconds: float) -> None:
        self._meter = meter
        self._threshold_seconds = threshold_seconds
        self._started = time.perf_counter()
        self.slow = False
        self._timer = asyncio.get_running_loop().call_later(threshold_seconds, self._cross)

    def complete(self, code: int) -> float:
        """Stop the clock, count the request, and return its duration in seconds."""
        seconds = time.perf_counter() - self._started
        self._timer.cancel()
        if not self.slow:
            self._settle(slow=seconds > self._threshold_seconds)
        self._meter.completed(code, seconds)
        return seconds

    def _cross(self) -> None:
        self._settle(slow=True)

    def _settle(self, *, slow: bool) -> None:
        self.slow = slow
        self._meter.settled.inc()
        if slow:
            self._meter.slow.inc()
