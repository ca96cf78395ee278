"""What all parsers share: JSON into models with errors that name the field, times, identities.

Payloads are data of others: whatever the bytes are, reading them raises PayloadError and nothing
else, and no error quotes a value, which may be a secret.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from holdfast.errors import PayloadError

_RFC_3339 = re.compile(
    r"(\d{4})-\d\d-\d\d[Tt ]\d\d:\d\d:(\d\d)(?:\.\d{1,12})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_EPOCH = re.compile(r"\d{1,20}(?:\.\d{1,12})?", re.ASCII)
_UNITS = ((1e11, 1), (1e14, 1_000), (1e17, 1_000_000), (1e20, 1_000_000_000))
"""Below which number an epoch is in s, ms, µs, ns: right for all times from 1973 to 5138."""
_EARLIEST_SECONDS = 1e8

_FNV_OFFSET, _FNV_PRIME = 14695981039346656037, 1099511628211


class Wire(BaseModel):
    """A part of a payload. Fields that Holdfast does not read are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


WireModel = TypeVar("WireModel", bound=BaseModel)


def read_time(value: object) -> datetime | None:
    """Return a time of RFC 3339, or of an epoch in s, ms, µs or ns. None = null or a zero time.

    Zero times: an empty text, the epoch 0 and Go's year 1. Raises ValueError.
    """
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return _with_zone(value)
    if isinstance(value, str):
        return _of_text(value.strip())
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _of_epoch(value)
    raise ValueError("a time of RFC 3339 or an epoch is needed")


def _with_zone(value: datetime) -> datetime | None:
    if value.tzinfo is None:
        raise ValueError("a time needs a zone")
    try:
        return None if value.year <= 1 else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("this time is out of range") from None


def _of_text(text: str) -> datetime | None:
    if _EPOCH.fullmatch(text):
        return _of_epoch(float(text) if "." in text else int(text))
    shape = _RFC_3339.fullmatch(text)
    if shape is None:
        raise ValueError("a time of RFC 3339 is needed, for example 2026-01-31T12:00:00Z")
    leap = shape[2] == "60"
    plain = text[:17] + "59" + text[19:] if leap else text
    try:
        found = _with_zone(datetime.fromisoformat(plain.upper()))
        return found + timedelta(seconds=1) if leap and found is not None else found
    except (ValueError, OverflowError):
        raise ValueError("there is no such day, hour or zone") from None


def _of_epoch(value: float) -> datetime | None:
    if value == 0:
        return None
    if not math.isfinite(value) or value < _EARLIEST_SECONDS or value >= _UNITS[-1][0]:
        raise ValueError("this number is no time since 1970 in s, ms, µs or ns")
    per_second = next(unit for limit, unit in _UNITS if value < limit)
    if isinstance(value, int):
        seconds, rest = divmod(value, per_second)
        microseconds = rest * 1_000_000 // per_second
    else:
        seconds, microseconds = 0, round(value / per_second * 1e6)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=microseconds)


def _required(value: object) -> datetime:
    found = read_time(value)
    if found is None:
        raise ValueError("a time is needed here, this one is zero")
    return found


def _or_empty(value: object) -> object:
    return {} if value is None else value


def _or_none(value: object) -> object:
    return () if value is None else value


def _or_blank(value: object) -> object:
    return "" if value is None else value


def _plain(value: object) -> object:
    """A label's value: numbers and booleans are written as JSON has them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else _or_blank(value)


Time = Annotated[datetime, BeforeValidator(_required)]
"""A time that must be there."""
MaybeTime = Annotated[datetime | None, BeforeValidator(read_time)]
"""A time, or None for null and for zero times."""
Text = Annotated[str, BeforeValidator(_or_blank)]
"""A text; null is empty."""
Labels = Annotated[dict[str, Annotated[str, BeforeValidator(_plain)]], BeforeValidator(_or_empty)]
"""Labels or annotations; null is empty, as Go writes an empty map."""
NONE_IF_NULL = BeforeValidator(_or_none)
"""For lists: null is empty, as Go writes an empty slice."""


def read_json(model: type[WireModel], body: bytes, sender: str) -> WireModel:
    """Return the body as a model. Raises PayloadError, which names the first field in error."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise payload_error(error, sender) from None


def read_value(
    model: type[WireModel], value: object, sender: str, *, path: str = "", joined: bool = False
) -> WireModel:
    """Return a part that was parsed already. Raises PayloadError.

    `path` is where it stands; with `joined` it is a prefix of the fields' own names, as `ce-`.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise payload_error(error, sender, path, joined=joined) from None


def payload_error(
    error: ValidationError, sender: str, prefix: str = "", *, joined: bool = False
) -> PayloadError:
    """Return what is wrong in the sender's own names, without the values."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    first = problems[0]
    path = prefix + _path(first["loc"], "") if joined else _path(first["loc"], prefix)
    said = first["msg"].removeprefix("Value error, ")
    said = said[0].lower() + said[1:] if not said.startswith("JSON") else said
    more = f"; and {len(problems) - 1} more" if len(problems) > 1 else ""
    return PayloadError(
        f"{sender}: {path or 'the body'}: {said}{more}",
        path=path,
        hint="nothing of this delivery was taken",
    )


def wrong(sender: str, path: str, problem: str, hint: str = "") -> PayloadError:
    """Return the error of a field that a model cannot judge."""
    return PayloadError(f"{sender}: {path or 'the body'}: {problem}", path=path, hint=hint)


def _path(location: tuple[int | str, ...], prefix: str) -> str:
    path = prefix
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            shown = "".join(c if c.isprintable() else "?" for c in part[:64])
            path += f".{shown}" if path else shown
    return path[:256]


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """Return the fingerprint that Prometheus and Alertmanager give a set of labels.

    FNV-1a, 64 bits, over names and values in order of names, each ended by the byte 255
    (prometheus/common, `model/signature.go`), in 16 hex digits.
    """
    value = _FNV_OFFSET
    for name in sorted(labels, key=lambda n: n.encode("utf-8", "surrogatepass")):
        for text in (name, labels[name]):
            for byte in (*text.encode("utf-8", "surrogatepass"), 255):
                value = ((value ^ byte) * _FNV_PRIME) & 0xFFFF_FFFF_FFFF_FFFF
    return f"{value:016x}"


def body_id(body: bytes) -> str:
    """Return an identity of the bytes, for senders whose signature covers no id."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def as_mapping(value: object) -> Mapping[str, object] | None:
    """Return a JSON object as a mapping, None for everything else."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else None
