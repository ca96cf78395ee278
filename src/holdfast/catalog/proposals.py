"""Writes the PromQL of a service's signals and objectives from the metrics that it has. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.catalog.defaults import (
    DEFAULT_AVAILABILITY_OBJECTIVE,
    DEFAULT_LATENCY_OBJECTIVE,
    DEFAULT_PERIOD_SECONDS,
    WORKBOOK_TIERS,
)
from holdfast.catalog.families import DEFAULT_ERROR_MATCHER, ERROR_MATCHERS, RequestFamily
from holdfast.model.service import Signal
from holdfast.model.slo import SLO, RatioIndicator


@dataclass(frozen=True)
class RequestMetric:
    """A family's series of one service. `matchers` pick them, for example `job="shop"`."""

    family: RequestFamily
    matchers: str
    status_label: str | None

    def rate(self, by: bool, name: str = "", more: str = "") -> str:
        """Return PromQL for events per second; `by` keeps `$by`."""
        matchers = ",".join(part for part in (self.matchers, more) if part)
        aggregated = "sum by ($by) " if by else "sum"
        return f"{aggregated}(rate({name or self.family.counter}{{{matchers}}}[$window]))"

    def failures(self, by: bool) -> str:
        """Return PromQL for failed requests per second: 0 where there are requests, none failed."""
        label = self.status_label or ""
        failed = self.rate(by, more=f"{label}{ERROR_MATCHERS.get(label, DEFAULT_ERROR_MATCHER)}")
        return f"({failed} or 0 * {self.rate(by)})"

    def slower(self, by: bool, boundary: str) -> str:
        """Return PromQL for requests per second that took longer than a bucket's boundary."""
        faster = self.rate(by, f"{self.family.metric}_bucket", le_matcher(boundary))
        return f"({self.rate(by)} - {faster})"

    def quantile(self, q: float) -> str:
        """Return PromQL for a quantile in seconds."""
        buckets = f"rate({self.family.metric}_bucket{{{self.matchers}}}[$window])"
        return self._seconds(f"histogram_quantile({q:g}, sum by (le, $by) ({buckets}))")

    def mean(self) -> str:
        """Return PromQL for the mean duration in seconds."""
        total = self.rate(True, f"{self.family.metric}_sum")
        return self._seconds(f"{total} / {self.rate(True)}")

    def _seconds(self, promql: str) -> str:
        unit = self.family.seconds_per_unit
        return promql if unit == 1 else f"{unit:g} * {promql}"


@dataclass(frozen=True)
class Boundary:
    """A bucket boundary as the label `le` writes it, in the family's unit, and in seconds."""

    le: str
    seconds: float
    measured_fraction: float
    """The fraction of requests that were at most this slow, over the time looked back on."""


def le_matcher(le: str) -> str:
    """Return a matcher for a boundary. Prometheus 3 writes 1.0 where clients may write 1."""
    value = float(le)
    if not value.is_integer():
        return f'le="{le}"'
    return f'le=~"{value:.0f}|{value:.0f}\\\\.0"'


def request_signals(
    traffic: RequestMetric, latency: RequestMetric | None, boundary: Boundary | None
) -> dict[Signal, str]:
    """Return the templates of the signals that requests tell of."""
    signals = {Signal.REQUEST_RATE: traffic.rate(True)}
    if traffic.status_label is not None:
        signals[Signal.ERROR_RATIO] = f"{traffic.failures(True)} / {traffic.rate(True)}"
    if latency is None:
        return signals
    if boundary is not None:
        slower = latency.slower(True, boundary.le)
        signals[Signal.SLOW_RATIO] = f"{slower} / {latency.rate(True)}"
    signals[Signal.LATENCY_P50] = latency.quantile(0.5)
    signals[Signal.LATENCY_P95] = latency.quantile(0.95)
    signals[Signal.LATENCY_MEAN] = latency.mean()
    return signals


def availability_slo(service: str, traffic: RequestMetric) -> SLO:
    """Return the proposed availability objective: requests that the service did not fail."""
    return SLO(
        name=f"{service}-availability",
        service=service,
        description="Requests that the service did not fail",
        kind="availability",
        indicator=RatioIndicator(
            bad_query=traffic.failures(False), total_query=traffic.rate(False)
        ),
        objective=DEFAULT_AVAILABILITY_OBJECTIVE,
        period_seconds=DEFAULT_PERIOD_SECONDS,
        tiers=WORKBOOK_TIERS,
    )


def latency_slo(service: str, latency: RequestMetric, boundary: Boundary) -> SLO:
    """Return the proposed latency objective: requests at most as slow as a bucket boundary."""
    return SLO(
        name=f"{service}-latency",
        service=service,
        description="Requests that were fast enough",
        kind="latency",
        indicator=RatioIndicator(
            bad_query=latency.slower(False, boundary.le), total_query=latency.rate(False)
        ),
        objective=DEFAULT_LATENCY_OBJECTIVE,
        threshold_seconds=boundary.seconds,
        period_seconds=DEFAULT_PERIOD_SECONDS,
        tiers=WORKBOOK_TIERS,
    )
