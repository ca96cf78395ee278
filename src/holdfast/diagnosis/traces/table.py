"""A table of requests: how long each took, what it called, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holdfast.errors import InputError

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class RequestTable:
    """One row a request; every column has `size` entries.

    `latency`: the root's response time, in one unit for all (milliseconds, say). `durations`: per
    operation, the response time that the request spent in it, summed over its calls; NaN where it
    was not called. `calls`: per operation, how often it was called. `attributes`: per attribute, a
    value per request (version, instance, tenant …); None where it has none.
    Make one with `request_table`, which checks the shapes.
    """

    latency: Numbers
    durations: Mapping[str, Numbers] = field(default_factory=dict[str, Numbers])
    calls: Mapping[str, Numbers] = field(default_factory=dict[str, Numbers])
    attributes: Mapping[str, Sequence[str | None]] = field(
        default_factory=dict[str, Sequence[str | None]]
    )

    @property
    def size(self) -> int:
        """How many requests there are."""
        return len(self.latency)


def request_table(
    latency: ArrayLike,
    *,
    durations: Mapping[str, ArrayLike] | None = None,
    calls: Mapping[str, ArrayLike] | None = None,
    attributes: Mapping[str, Sequence[str | None]] | None = None,
) -> RequestTable:
    """Return the table of these columns; InputError where their lengths differ."""
    root = _numbers("latency", latency)
    table = RequestTable(
        latency=root,
        durations={name: _numbers(name, values) for name, values in (durations or {}).items()},
        calls={name: _numbers(name, values) for name, values in (calls or {}).items()},
        attributes=dict(attributes or {}),
    )
    for columns in (table.durations, table.calls, table.attributes):
        for name, values in columns.items():
            _same_length(name, len(values), len(root))
    return table


def _numbers(name: str, values: ArrayLike) -> Numbers:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1:
        raise InputError(
            f"requests: the column {name} has {numbers.ndim} dimensions",
            hint="give one number per request",
        )
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _same_length(name: str, found: int, expected: int) -> None:
    if found != expected:
        raise InputError(
            f"requests: the column {name} has {found} entries, latency has {expected}",
            hint="give one entry per request, NaN or None where there is none",
        )
