"""What others promise in public of services that answer requests: for comparison, never a reason.

Providers change their terms; each source says what was read and of when it is.
"""

from __future__ import annotations

from typing import Literal

from holdfast.model.target import Reference

AVAILABILITY: tuple[Reference, ...] = (
    Reference(
        name="the API of Google's example service",
        objective=0.97,
        source="The Site Reliability Workbook, appendix A, Example SLO Document "
        "(https://sre.google/workbook/slo-document/, 2018)",
    ),
    Reference(
        name="the web server of Google's example service",
        objective=0.99,
        source="The Site Reliability Workbook, appendix A, Example SLO Document "
        "(https://sre.google/workbook/slo-document/, 2018)",
    ),
    Reference(
        name="Google Cloud Run, a month, with credits",
        objective=0.9995,
        source="Cloud Run Service Level Agreement (https://cloud.google.com/run/sla)",
    ),
    Reference(
        name="Amazon Elastic Load Balancing over several zones, a month, with credits",
        objective=0.9999,
        source="Elastic Load Balancing SLA of 25 July 2022 "
        "(https://aws.amazon.com/elasticloadbalancing/sla/)",
    ),
)

LATENCY: tuple[Reference, ...] = (
    Reference(
        name="the API of Google's example service, faster than 400 ms",
        objective=0.90,
        source="The Site Reliability Workbook, appendix A, Example SLO Document "
        "(https://sre.google/workbook/slo-document/, 2018)",
    ),
    Reference(
        name="the API of Google's example service, faster than 850 ms",
        objective=0.99,
        source="The Site Reliability Workbook, appendix A, Example SLO Document "
        "(https://sre.google/workbook/slo-document/, 2018)",
    ),
)


def nearest_reference(
    objective: float, kind: Literal["availability", "latency"] = "availability"
) -> Reference:
    """Return the reference whose error budget is nearest to the objective's, as a ratio."""
    table = AVAILABILITY if kind == "availability" else LATENCY
    budget = 1 - objective
    return min(table, key=lambda r: max((1 - r.objective) / budget, budget / (1 - r.objective)))
