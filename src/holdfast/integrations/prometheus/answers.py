"""What the Prometheus HTTP API answers, as records; pure.

Prometheus documentation, HTTP API, "Expression query result formats".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from holdfast.errors import HoldfastError, PromQLError, QueryRefused, SourceUnavailable
from holdfast.model.evidence import Matrix, Sample, Series, Vector

Labels = dict[str, str]
Point = tuple[float, str]
"""Unix seconds, and the value as text, so that infinities can be written."""


class _InstantSeries(BaseModel):
    metric: Labels
    value: Point | None = None
    """None for a native histogram."""


class _RangeSeries(BaseModel):
    metric: Labels
    values: tuple[Point, ...] = ()
    histograms: tuple[object, ...] = ()


class _VectorData(BaseModel):
    resultType: Literal["vector"]
    result: tuple[_InstantSeries, ...]


class _MatrixData(BaseModel):
    resultType: Literal["matrix"]
    result: tuple[_RangeSeries, ...]


class _ScalarData(BaseModel):
    resultType: Literal["scalar"]
    result: Point


class _StringData(BaseModel):
    resultType: Literal["string"]
    result: Point


QueryData = Annotated[
    _VectorData | _MatrixData | _ScalarData | _StringData, Field(discriminator="resultType")
]


class Refusal(BaseModel):
    """`status: error`."""

    status: Literal["error"]
    errorType: str = ""
    error: str = ""


class _Success(BaseModel):
    status: Literal["success"]
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()

    def notes(self) -> tuple[str, ...]:
        return (*self.warnings, *self.infos)


class QueryAnswer(_Success):
    """Of /query and /query_range."""

    data: QueryData


class SeriesAnswer(_Success):
    """Of /series: label sets."""

    data: tuple[Labels, ...]


class NamesAnswer(_Success):
    """Of /label/…/values."""

    data: tuple[str, ...]


_REFUSAL = TypeAdapter(Refusal)


def refusal_in(body: bytes) -> Refusal | None:
    """Return the API's error, where the body is one."""
    try:
        return _REFUSAL.validate_json(body)
    except ValidationError:
        return None


def as_error(refusal: Refusal, source: str) -> HoldfastError:
    """Return the error that a refusal means, with the server's own words."""
    said = f"{source} answered: {refusal.error}"
    if refusal.errorType in ("timeout", "canceled", "unavailable", "internal"):
        return SourceUnavailable(said, hint="ask again, or for a shorter window")
    if refusal.errorType == "bad_data" and "parse error" in refusal.error:
        return PromQLError(said)
    return QueryRefused(said)


def vector(answer: QueryAnswer, at: float) -> Vector:
    """Return an instant answer. NaN is no data; a scalar is one sample without labels."""
    match answer.data:
        case _VectorData(result=result):
            pairs = [(item.metric, _plain(item.value)) for item in result]
        case _ScalarData(result=point):
            pairs = [(Labels(), point)]
        case other:
            raise _not_asked_for(other.resultType, "an instant vector or a scalar")
    samples = tuple(
        Sample(labels=labels, at=at, value=float(text))
        for labels, (_, text) in pairs
        if not math.isnan(float(text))
    )
    return Vector(samples=samples, warnings=answer.notes())


def matrix(answer: QueryAnswer) -> Matrix:
    """Return a range answer without its NaN points; series that are left empty are dropped."""
    if not isinstance(answer.data, _MatrixData):
        raise _not_asked_for(answer.data.resultType, "a matrix")
    if any(item.histograms for item in answer.data.result):
        raise _native_histogram()
    return Matrix(
        series=_without_empty((i.metric, _points(i.values)) for i in answer.data.result),
        warnings=answer.notes(),
    )


def join(parts: Sequence[Matrix]) -> Matrix:
    """Return the parts of one range, in order, as one answer."""
    points: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    for series in (series for part in parts for series in part.series):
        points.setdefault(tuple(sorted(series.labels.items())), []).extend(series.points)
    warnings = dict.fromkeys(warning for part in parts for warning in part.warnings)
    return Matrix(
        series=_without_empty((dict(labels), tuple(p)) for labels, p in points.items()),
        warnings=tuple(warnings),
    )


def _points(values: Iterable[Point]) -> tuple[tuple[float, float], ...]:
    found = ((at, float(text)) for at, text in values)
    return tuple((at, value) for at, value in found if not math.isnan(value))


def _without_empty(
    series: Iterable[tuple[Labels, tuple[tuple[float, float], ...]]],
) -> tuple[Series, ...]:
    return tuple(Series(labels=labels, points=points) for labels, points in series if points)


def _plain(value: Point | None) -> Point:
    if value is None:
        raise _native_histogram()
    return value


def _native_histogram() -> QueryRefused:
    return QueryRefused(
        "the answer holds native histograms, which are no numbers",
        hint="ask for histogram_quantile(), histogram_count() or histogram_sum() of them",
    )


def _not_asked_for(found: str, wanted: str) -> QueryRefused:
    return QueryRefused(f"the answer is a {found}, where {wanted} was asked for")
