"""The part of a document that says what is counted, and how exactly."""

from __future__ import annotations

from holdfast.slo.design.documents.markdown import code, page, span
from holdfast.slo.design.records import DesignedObjective
from holdfast.slo.design.threshold import Threshold
from holdfast.slo.targets.percent import percent

QUANTILES = (
    "A quantile is a chart, not an indicator: quantiles cannot be added up over time or over "
    "instances, and say nothing of how many requests a budget has left. What is promised is a "
    "fraction of requests within a bound."
)


def indicator_part(designed: DesignedObjective) -> str:
    """Return what a good event is, where it is counted, and how far that may be wrong."""
    sli, indicator = designed.sli, designed.slo.indicator
    queries = f"bad:   {indicator.bad_query}\ntotal: {indicator.total_query}"
    return page(
        f"**Indicator:** {sli.sentence}; from {sli.origin}.",
        code("text", queries),
        threshold_sentence(sli.threshold) if sli.threshold else "",
        QUANTILES if sli.kind == "latency" else "",
    ).rstrip()


def threshold_sentence(threshold: Threshold) -> str:
    """Return how the bound was chosen, or how far the measured one is from the wanted one."""
    boundary = threshold.boundary
    measured = (
        f"{percent(boundary.measured_fraction)} of the requests of the last "
        f"{span(threshold.looked_back_seconds)} kept it"
    )
    if threshold.wanted_seconds is None:
        return (
            f"**Bound:** {boundary.seconds:g} s, a bucket's boundary, so that it is measured "
            f"exactly. Nobody has said what users need; {measured}."
        )
    if threshold.exact:
        return (
            f"**Bound:** {boundary.seconds:g} s as asked for, a bucket's boundary, so that it is "
            f"measured exactly; {measured}."
        )
    return (
        f"**Bound:** {threshold.wanted_seconds:g} s is asked for, and is no bucket's boundary; "
        f"{boundary.seconds:g} s is measured instead, and {measured}. {_neighbours(threshold)} "
        f"Give the histogram a bucket at {threshold.wanted_seconds:g} s, and the error is gone."
    )


def _neighbours(threshold: Threshold) -> str:
    below = "0 s" if threshold.below_seconds is None else f"{threshold.below_seconds:g} s"
    above = "the last one" if threshold.above_seconds is None else f"{threshold.above_seconds:g} s"
    return (
        f"By the neighbouring boundaries ({below} and {above}) the fraction within "
        f"{threshold.wanted_seconds:g} s lies between {percent(threshold.lower_fraction)} and "
        f"{percent(threshold.upper_fraction)}: the measured fraction may be off by "
        f"{100 * threshold.error_fraction:.3g} percentage points."
    )
