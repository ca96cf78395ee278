"""The heat map of an objective that counts in classic buckets: which histogram, which series."""

from __future__ import annotations

from holdfast.catalog.search import quoted
from holdfast.catalog.template import fill
from holdfast.errors import PromQLUnsupported
from holdfast.model.slo import SLO
from holdfast.promql.parse import parse
from holdfast.promql.samples import Matcher
from holdfast.promql.tree import Selector
from holdfast.slo.files.event_series import nodes
from holdfast.slo.files.example_values import BOUNDARY, NAME
from holdfast.slo.files.grafana import RATE_INTERVAL, Json, Place, Target, Unit, heat_map


def latency_heat_map(slo: SLO, identifier: int, place: Place) -> Json | None:
    """Return the panel; None = the objective counts in no classic histogram."""
    buckets = _buckets(slo)
    if buckets is None:
        return None
    name, others = buckets
    bound = (
        "" if slo.threshold_seconds is None else f" The objective's: {slo.threshold_seconds:g} s."
    )
    promql = f"sum by (le) (rate({name}{{{others}}}[{RATE_INTERVAL}]))"
    return heat_map(
        identifier,
        "Latency",
        f"Events a second in each bucket of {name}.{bound}",
        Target(promql, "{{le}}"),
        _unit(name),
        place,
    )


def _unit(metric: str) -> Unit:
    if "_milliseconds_" in metric:
        return "ms"
    return "s" if "_seconds_" in metric else "none"


def _buckets(slo: SLO) -> tuple[str, str] | None:
    """Return the histogram that the SLO counts in, and its matchers but `le`; None = in none."""
    for template in (slo.indicator.bad_query, slo.indicator.total_query):
        try:
            found = list(nodes(parse(fill(template, slo.period_seconds))))
        except PromQLUnsupported:
            return None  # which histogram it counts in cannot be told; all other panels stand
        for each in (node for node in found if isinstance(node, Selector)):
            name = next((m.value for m in each.matchers if m.label == NAME), "")
            if name.endswith("_bucket"):
                return name, ",".join(_written(m) for m in each.matchers if _is_other(m))
    return None


def _is_other(matcher: Matcher) -> bool:
    return matcher.label not in (NAME, BOUNDARY)


def _written(matcher: Matcher) -> str:
    return f"{matcher.label}{matcher.operator}{quoted(matcher.value)}"
