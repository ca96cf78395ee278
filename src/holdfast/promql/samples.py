"""What the evaluator reads: stored series. Times are Unix milliseconds, as in Prometheus."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

STALE_NAN: float = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""Prometheus's staleness marker: this series has ended here (storage/README, `StaleNaN`)."""


NATIVE_NAN: float = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000003))[0]
"""Holdfast's own marker: here is a native histogram, whose buckets are not kept."""


def is_native(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which values mark native histograms (by bit pattern: other NaNs are data)."""
    return values.view(np.uint64) == np.uint64(0x7FF0000000000003)


def is_stale(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which values are staleness markers (by bit pattern: other NaNs are data)."""
    return values.view(np.uint64) == np.uint64(0x7FF0000000000002)


@dataclass(frozen=True)
class Matcher:
    """One label matcher of a selector; `__name__` is a label like the others.

    Regular expressions are anchored. A missing label reads as the empty string.
    """

    label: str
    operator: Literal["=", "!=", "=~", "!~"]
    value: str


@dataclass(frozen=True)
class StoredSeries:
    """One series, ascending in time. Arrays have equal length and must not be written to."""

    labels: dict[str, str]
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]


class SampleStore(Protocol):
    """Where recorded series are read."""

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[StoredSeries]:
        """Return the series that match, cut to start <= t <= end; those left empty are dropped."""
        ...
