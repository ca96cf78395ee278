"""The JSON of the Prometheus HTTP API; pure.

Prometheus documentation, HTTP API, "Format overview" and "Expression query result formats".
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.model.evidence import Matrix, Vector
from holdfast.promql.notes import INFO
from holdfast.promql.values import format_value

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """A body and its HTTP status."""

    status: int
    body: bytes


def success(data: object, notes: Sequence[str] = ()) -> Answer:
    """Return `status: success` with its data, and what is said beside it."""
    body: Json = {"status": "success", "data": data}
    if infos := [note for note in notes if note.startswith(INFO)]:
        body["infos"] = infos
    if warnings := [note for note in notes if not note.startswith(INFO)]:
        body["warnings"] = warnings
    return Answer(200, _encoded(body))


def failure(status: int, error_type: str, message: str) -> Answer:
    """Return `status: error`; `error_type` is bad_data, execution, not_found or internal."""
    return Answer(status, _encoded({"status": "error", "errorType": error_type, "error": message}))


def vector_data(answer: Vector) -> Json:
    """Return an instant vector."""
    result = [
        {"metric": one.labels, "value": [_seconds(one.at), value_text(one.value)]}
        for one in answer.samples
    ]
    return {"resultType": "vector", "result": result}


def scalar_data(at: float, value: float) -> Json:
    """Return a scalar."""
    return {"resultType": "scalar", "result": [_seconds(at), value_text(value)]}


def string_data(at: float, value: str) -> Json:
    """Return a string."""
    return {"resultType": "string", "result": [_seconds(at), value]}


def matrix_data(answer: Matrix) -> Json:
    """Return a range of values for each series."""
    result = [
        {
            "metric": one.labels,
            "values": [[_seconds(at), value_text(value)] for at, value in one.points],
        }
        for one in answer.series
    ]
    return {"resultType": "matrix", "result": result}


def value_text(value: float) -> str:
    """Write a sample's value so that it reads back to the bit."""
    if value.is_integer() and abs(value) < 1e15:
        return "-0" if value == 0 and math.copysign(1, value) < 0 else str(int(value))
    if value != 0 and math.isfinite(value) and not 1e-6 <= abs(value) < 1e21:
        return repr(value)
    return format_value(value)


def _seconds(at: float) -> float | int:
    return int(at) if at.is_integer() else round(at, 3)


def _encoded(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
