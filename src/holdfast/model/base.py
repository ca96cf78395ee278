"""What all records share: frozen, typed, versioned, with one canonical form."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, ConfigDict


def utc_now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def _require_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time needs a zone: write it in UTC, for example 2026-01-31T12:00:00Z")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time in UTC lies between the years 1 and 9999") from None


UtcTime = Annotated[datetime, AfterValidator(_require_utc)]
"""A point in time with a zone, kept in UTC."""


class Record(BaseModel):
    """An immutable record. Unknown fields are refused: a typo is an error, not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    schema_version: int = 1


def _finite(value: Any) -> Any:
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in cast("list[Any]", value)]
    return value


def canonical_json(value: Any) -> bytes:
    """Return the one byte form of a JSON value: sorted keys, no spaces, UTF-8, no NaN.

    An infinity is written as the string that records read back as one: a ratio of bad events to
    none at all is such a value.
    """
    return json.dumps(
        _finite(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def content_hash(value: Any) -> str:
    """Return the SHA-256 of the canonical form, in hex. Records are dumped in JSON mode first."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return hashlib.sha256(canonical_json(plain)).hexdigest()


def has_hash(record: Record, wanted: str) -> bool:
    """Whether a record that was read has the hash that it was written with.

    A field that came later has its default, and was no part of what was hashed.
    """
    return wanted in (content_hash(record), content_hash(as_written(record)))


def as_written(record: Record, *without: str) -> dict[str, object]:
    """Return a record that was read as plain data, with no field that came later."""
    return record.model_dump(mode="json", exclude_unset=True, exclude=set(without))
