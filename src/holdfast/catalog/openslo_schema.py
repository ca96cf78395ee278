"""The parts of OpenSLO v1 that Holdfast reads and writes, as records with OpenSLO's own names.

Source: the OpenSLO specification, apiVersion openslo/v1 (github.com/OpenSLO/OpenSLO).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

API_VERSION = "openslo/v1"
KINDS = (
    "SLO",
    "SLI",
    "DataSource",
    "Service",
    "AlertPolicy",
    "AlertCondition",
    "AlertNotificationTarget",
)


class OpenSLOPart(BaseModel):
    """Frozen; a field that OpenSLO does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Metadata(OpenSLOPart):
    """Name and annotations. Labels are read and kept out: they are the organisation's own."""

    name: str = Field(min_length=1)
    displayName: str | None = None
    labels: dict[str, str | list[str]] | None = None
    annotations: dict[str, str] = Field(default_factory=dict[str, str])


class SourceSpec(OpenSLOPart):
    """For Prometheus: one query."""

    query: str


class MetricSource(OpenSLOPart):
    """Where the query is asked; only Prometheus's language is understood."""

    metricSourceRef: str | None = None
    type: str | None = None
    spec: SourceSpec


class Metric(OpenSLOPart):
    """One of good, bad, total."""

    metricSource: MetricSource


class RatioMetric(OpenSLOPart):
    """Good or bad events over all events."""

    counter: bool = True
    good: Metric | None = None
    bad: Metric | None = None
    total: Metric


class IndicatorSpec(OpenSLOPart):
    """What is measured; a thresholdMetric cannot be counted in events and is refused."""

    description: str = ""
    ratioMetric: RatioMetric


class Indicator(OpenSLOPart):
    """An SLI, inlined or as a document of its own."""

    metadata: Metadata | None = None
    spec: IndicatorSpec


class TimeWindow(OpenSLOPart):
    """The period."""

    duration: str
    isRolling: bool = True
    calendar: dict[str, object] | None = None


class Objective(OpenSLOPart):
    """The target, as a fraction or in percent."""

    displayName: str | None = None
    target: float | None = None
    targetPercent: float | None = None


class SLOSpec(OpenSLOPart):
    """What the service promises. Alert policies are read and kept out: see the annotations."""

    description: str = ""
    service: str
    indicator: Indicator | None = None
    indicatorRef: str | None = None
    timeWindow: list[TimeWindow] = Field(min_length=1, max_length=1)
    budgetingMethod: Literal["Occurrences", "Timeslices"]
    objectives: list[Objective] = Field(min_length=1)
    alertPolicies: list[object] = Field(default_factory=list[object])


class SLODocument(OpenSLOPart):
    """kind: SLO."""

    apiVersion: Literal["openslo/v1"] = API_VERSION
    kind: Literal["SLO"] = "SLO"
    metadata: Metadata
    spec: SLOSpec


class SLIDocument(OpenSLOPart):
    """kind: SLI, named by an SLO's indicatorRef."""

    apiVersion: Literal["openslo/v1"] = API_VERSION
    kind: Literal["SLI"] = "SLI"
    metadata: Metadata
    spec: IndicatorSpec
