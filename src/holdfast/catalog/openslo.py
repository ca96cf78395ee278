"""SLOs as OpenSLO v1 documents, both ways.

OpenSLO v1 has one window per alert condition, so it cannot say a multi-window multi-burn-rate
alert; ours travel in `metadata.annotations` under `holdfast.dev/`. A document without them gets
the Workbook's tiers. The window of a query is written `$window` (`{{.window}}`, as other tools
write it, is read too).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar, cast

import yaml
from pydantic import ValidationError

from holdfast.catalog.defaults import WORKBOOK_TIERS
from holdfast.catalog.documents import field_path, parse_documents, refusal
from holdfast.catalog.openslo_schema import (
    API_VERSION,
    KINDS,
    Indicator,
    IndicatorSpec,
    Metadata,
    Metric,
    MetricSource,
    Objective,
    OpenSLOPart,
    RatioMetric,
    SLIDocument,
    SLODocument,
    SLOSpec,
    SourceSpec,
    TimeWindow,
)
from holdfast.catalog.template import WINDOW
from holdfast.errors import ConfigError
from holdfast.model.service import UNASSIGNED
from holdfast.model.slo import SLO, BurnTier, RatioIndicator

ANNOTATIONS = "holdfast.dev/"
_UNIT_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_PLAIN_SELECTOR = re.compile(r"[a-zA-Z_:][\w:]*\s*(\{[^{}]*\})?")

PartType = TypeVar("PartType", bound=OpenSLOPart)

# ---- writing ---------------------------------------------------------------------------------


def to_openslo(slo: SLO) -> str:
    """Return the SLO as one OpenSLO v1 YAML document that `from_openslo` reads back."""
    document = SLODocument(
        metadata=Metadata(
            name=_dns_name(slo.name), displayName=slo.name, annotations=_annotations(slo)
        ),
        spec=SLOSpec(
            description=slo.description,
            service=slo.service,
            indicator=_indicator(slo),
            timeWindow=[TimeWindow(duration=_shorthand(slo.period_seconds), isRolling=True)],
            budgetingMethod="Occurrences",
            objectives=[Objective(displayName=slo.name, target=slo.objective)],
        ),
    )
    plain = document.model_dump(mode="json", exclude_none=True, exclude={"spec": {"alertPolicies"}})
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)


def _indicator(slo: SLO) -> Indicator:
    ratio = RatioMetric(
        counter=True,
        bad=_metric(slo.indicator.bad_query),
        total=_metric(slo.indicator.total_query),
    )
    return Indicator(
        metadata=Metadata(name=_dns_name(slo.name)), spec=IndicatorSpec(ratioMetric=ratio)
    )


def _metric(query: str) -> Metric:
    return Metric(metricSource=MetricSource(type="Prometheus", spec=SourceSpec(query=query)))


def _annotations(slo: SLO) -> dict[str, str]:
    tiers = [tier.model_dump(mode="json", exclude={"schema_version"}) for tier in slo.tiers]
    values: dict[str, object] = {
        "name": slo.name,
        "kind": slo.kind,
        "owner": slo.owner,
        "period-seconds": slo.period_seconds,
        "threshold-seconds": slo.threshold_seconds,
        "period-note": slo.period_note or None,
        "burn-rate-tiers": tiers,
    }
    return {
        ANNOTATIONS + key: value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
        if value is not None
    }


def _dns_name(name: str) -> str:
    """RFC 1123: what every implementation must support; the true name is an annotation."""
    return re.sub(r"[^a-z0-9-]+", "-", name.lower())[:63].strip("-") or "slo"


def _shorthand(seconds: float) -> str:
    """OpenSLO's duration: whole minutes at least, rounded up; the exact one is an annotation."""
    minutes = max(1, -int(-seconds // 60))
    for unit in ("d", "h"):
        size = _UNIT_SECONDS[unit] // 60
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


# ---- reading ---------------------------------------------------------------------------------


def from_openslo(text: str, path: Path) -> tuple[SLO, ...]:
    """Return the SLOs of a file of one or more OpenSLO v1 documents.

    Raises ConfigError naming the file and field. Refused by name: Timeslices, calendar windows,
    threshold metrics, several objectives in one SLO. Other kinds than SLO and SLI are left alone.
    """
    documents = [_mapping(document, path) for document in parse_documents(text, path)]
    indicators = {
        document.metadata.name: document.spec
        for document in (_part(SLIDocument, d, path) for d in documents if d["kind"] == "SLI")
    }
    slos = [_part(SLODocument, d, path) for d in documents if d["kind"] == "SLO"]
    if not slos:
        raise ConfigError(f"{path}: no document of kind SLO", hint="write at least one")
    return tuple(_slo(document, indicators, path) for document in slos)


def _mapping(document: object, path: Path) -> dict[str, object]:
    fields = cast("dict[str, object]", document) if isinstance(document, dict) else {}
    if fields.get("apiVersion") != API_VERSION or fields.get("kind") not in KINDS:
        raise ConfigError(
            f"{path}: apiVersion {fields.get('apiVersion')!r}, kind {fields.get('kind')!r} "
            f"is no document of {API_VERSION}",
            hint=f"write apiVersion: {API_VERSION} and one of the kinds {', '.join(KINDS)}",
        )
    return fields


def _part(part: type[PartType], fields: object, path: Path) -> PartType:
    try:
        return part.model_validate(fields)
    except ValidationError as error:
        raise refusal(
            path, [f"{field_path(e['loc'])}: {e['msg']}" for e in error.errors()]
        ) from error


def _slo(document: SLODocument, indicators: Mapping[str, IndicatorSpec], path: Path) -> SLO:
    spec, notes = document.spec, _notes(document.metadata)
    where = f"{path}: SLO {document.metadata.name}"
    window = spec.timeWindow[0]
    if spec.budgetingMethod != "Occurrences":
        raise ConfigError(f"{where}: budgetingMethod Timeslices", hint="use Occurrences")
    if window.calendar is not None or not window.isRolling:
        raise ConfigError(f"{where}: a calendar window", hint="use a rolling one: isRolling: true")
    fields: dict[str, object] = {
        "name": notes.get("name", document.metadata.name),
        "service": spec.service,
        "description": spec.description,
        "owner": notes.get("owner", UNASSIGNED),
        "kind": notes.get("kind", "availability"),
        "indicator": _ratio(spec, indicators, where),
        "objective": _target(spec, where),
        "threshold_seconds": _json(notes, "threshold-seconds", where),
        "period_seconds": _json(notes, "period-seconds", where) or _seconds(window.duration, where),
        "period_note": notes.get("period-note", ""),
        "tiers": _tiers(notes, where),
    }
    try:
        return SLO.model_validate(fields)
    except ValidationError as error:
        raise refusal(
            path,
            [
                f"SLO {document.metadata.name}: {field_path(e['loc'])}: {e['msg']}"
                for e in error.errors()
            ],
        ) from error


def _notes(metadata: Metadata) -> dict[str, str]:
    return {
        key.removeprefix(ANNOTATIONS): value
        for key, value in metadata.annotations.items()
        if key.startswith(ANNOTATIONS)
    }


def _json(notes: Mapping[str, str], name: str, where: str) -> object:
    try:
        return json.loads(notes[name]) if name in notes else None
    except ValueError as error:
        raise ConfigError(
            f"{where}: metadata.annotations.{ANNOTATIONS}{name}: not JSON: {error}",
            hint="write it as Holdfast exports it",
        ) from error


def _tiers(notes: Mapping[str, str], where: str) -> tuple[BurnTier, ...] | object:
    given = _json(notes, "burn-rate-tiers", where)
    return WORKBOOK_TIERS if given is None else given


def _target(spec: SLOSpec, where: str) -> float:
    if len(spec.objectives) > 1:
        raise ConfigError(f"{where}: several objectives", hint="write one SLO for each")
    objective = spec.objectives[0]
    if (objective.target is None) == (objective.targetPercent is None):
        raise ConfigError(f"{where}: objectives[0]", hint="give either target or targetPercent")
    if objective.target is not None:
        return objective.target
    return cast("float", objective.targetPercent) / 100


def _seconds(shorthand: str, where: str) -> float:
    match = re.fullmatch(r"([1-9]\d*)([mhdw])", shorthand)
    if match is None:
        raise ConfigError(
            f"{where}: timeWindow[0].duration {shorthand!r}",
            hint="write minutes, hours, days or weeks, for example 30d: months differ in length",
        )
    return float(match[1]) * _UNIT_SECONDS[match[2]]


def _ratio(spec: SLOSpec, indicators: Mapping[str, IndicatorSpec], where: str) -> RatioIndicator:
    found = spec.indicator.spec if spec.indicator else indicators.get(spec.indicatorRef or "")
    if found is None:
        raise ConfigError(
            f"{where}: indicatorRef {spec.indicatorRef!r} is in none of the file's SLI documents",
            hint="write the indicator inline, or its SLI in the same file",
        )
    ratio = found.ratioMetric
    if (ratio.good is None) == (ratio.bad is None):
        raise ConfigError(f"{where}: ratioMetric", hint="give either good or bad, and total")
    total = _template(ratio.total, where)
    if ratio.bad is not None:
        return RatioIndicator(bad_query=_template(ratio.bad, where), total_query=total)
    good = _template(cast("Metric", ratio.good), where)
    return RatioIndicator(bad_query=f"({total}) - ({good})", total_query=total)


def _template(metric: Metric, where: str) -> str:
    query = re.sub(r"\{\{\s*\.window\s*\}\}", WINDOW, metric.metricSource.spec.query).strip()
    if WINDOW in query:
        return query
    if _PLAIN_SELECTOR.fullmatch(query):  # a bare counter, as OpenSLO's own examples have it
        return f"sum(rate({query}[{WINDOW}]))"
    raise ConfigError(
        f"{where}: no {WINDOW} in {query!r}", hint=f"write the range as [{WINDOW}], once per window"
    )
