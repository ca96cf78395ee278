"""The indicators of a service: what is counted as bad, of what, and by which metric. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.catalog.proposals import RequestMetric, availability_slo, latency_slo
from holdfast.catalog.template import fill
from holdfast.model.requirements import GivenIndicator, IndicatorKind
from holdfast.model.slo import RatioIndicator
from holdfast.slo.design.segments import ByLabel
from holdfast.slo.design.threshold import Threshold

CHART_WINDOW_SECONDS = 300.0


@dataclass(frozen=True)
class Sli:
    """One indicator, before it has a target."""

    name: str
    kind: IndicatorKind
    indicator: RatioIndicator
    sentence: str
    """What a good event is."""
    origin: str
    """Which metric tells, and whose it is."""
    threshold: Threshold | None = None
    threshold_seconds: float | None = None
    by_label: ByLabel | None = None
    """None = it cannot be told apart by label."""
    selector: str = ""
    """The series whose labels tell segments apart."""


@dataclass(frozen=True)
class Chart:
    """Something that is looked at and promises nothing, with the PromQL that shows it."""

    title: str
    promql: str


def availability(service: str, traffic: RequestMetric) -> Sli:
    """Return the indicator of requests that the service did not fail."""
    slo = availability_slo(service, traffic)
    return Sli(
        name=slo.name,
        kind="availability",
        indicator=slo.indicator,
        sentence=f"a request is good where `{traffic.status_label}` does not tell a failure",
        origin=f"`{traffic.family.counter}` ({traffic.family.origin})",
        by_label=ByLabel(traffic.failures(True), traffic.rate(True)),
        selector=f"{traffic.family.counter}{{{traffic.matchers}}}",
    )


def latency(service: str, metric: RequestMetric, threshold: Threshold) -> Sli:
    """Return the indicator of requests within a bucket boundary."""
    boundary = threshold.boundary
    slo = latency_slo(service, metric, boundary)
    return Sli(
        name=slo.name,
        kind="latency",
        indicator=slo.indicator,
        sentence=f"a request is good where it took at most {boundary.seconds:g} s",
        origin=f"`{metric.family.metric}_bucket` ({metric.family.origin}), le={boundary.le}",
        threshold=threshold,
        threshold_seconds=boundary.seconds,
        by_label=ByLabel(metric.slower(True, boundary.le), metric.rate(True)),
        selector=f"{metric.family.counter}{{{metric.matchers}}}",
    )


def given(indicator: GivenIndicator) -> Sli:
    """Return an indicator of the team's own."""
    return Sli(
        name=indicator.name,
        kind=indicator.kind,
        indicator=RatioIndicator(bad_query=indicator.bad_query, total_query=indicator.total_query),
        sentence="an event is good where `bad_query` does not count it",
        origin="the requirements",
        threshold_seconds=indicator.threshold_seconds,
    )


def charts(traffic: RequestMetric, histogram: RequestMetric | None) -> Iterator[Chart]:
    """Yield what is worth looking at and no objective: rates, and quantiles."""
    yield Chart("requests per second", fill(traffic.rate(False), CHART_WINDOW_SECONDS))
    if histogram is not None:
        for quantile in (0.5, 0.95, 0.99):
            promql = fill(histogram.quantile(quantile), CHART_WINDOW_SECONDS)
            yield Chart(f"p{100 * quantile:g} of latency, seconds", promql)
