"""The embedded store's one SQLite file: a row per scrape and target, with packed arrays.

    setting (key, value)            interval_seconds, retention_seconds
    series  (id, labels)            canonical JSON of the labels, with `__name__`
    scrape  (id, time_ms, target, ids, samples)
                                    ids: uint32, samples: float64, both little-endian and deflated

Rows are only appended, in the order of their ids, and removed from the old end by retention. The
file is in WAL mode: one process writes while others read.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE_NAME = "samples.db"

SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (key TEXT PRIMARY KEY, value REAL NOT NULL);
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY AUTOINCREMENT, labels TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS scrape (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL, target TEXT NOT NULL,
    ids BLOB NOT NULL, samples BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS scrape_by_time ON scrape (time_ms);
"""

_FAST = 1  # zlib level: most bytes are zero or repeated, a higher one gains little


def store_file(folder: Path) -> Path:
    """Return where a folder's store is."""
    return folder / FILE_NAME


def canonical_labels(labels: Mapping[str, str]) -> str:
    """Return the one text form of a label set."""
    return json.dumps(dict(labels), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def pack_ids(ids: NDArray[np.uint32]) -> bytes:
    """Return the ids as bytes."""
    return zlib.compress(ids.astype("<u4", copy=False).tobytes(), _FAST)


def unpack_ids(packed: bytes) -> NDArray[np.uint32]:
    """Return the ids that were packed."""
    return np.frombuffer(zlib.decompress(packed), dtype="<u4")


def pack_samples(samples: NDArray[np.float64]) -> bytes:
    """Return the values as bytes; every bit is kept, also of staleness markers."""
    return zlib.compress(samples.astype("<f8", copy=False).tobytes(), _FAST)


def unpack_samples(packed: bytes) -> NDArray[np.float64]:
    """Return the values that were packed."""
    return np.frombuffer(zlib.decompress(packed), dtype="<f8")
