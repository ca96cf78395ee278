"""Writes the embedded store: one process at a time, one transaction per scrape and target."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import InputError
from holdfast.promql.samples import is_stale
from holdfast.promql.store_schema import (
    SCHEMA,
    canonical_labels,
    pack_ids,
    pack_samples,
    store_file,
    unpack_ids,
    unpack_samples,
)


class SampleWriter:
    """Appends scrapes to a folder's store. Use it from one thread.

    A scrape that was appended survives the death of the process (not necessarily that of the
    machine: WAL with synchronous=NORMAL). Raises InputError where another process writes here.
    """

    def __init__(self, folder: Path, *, interval_seconds: float, retention_seconds: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(folder)
        self._retention_ms = int(retention_seconds * 1000)
        self._db = sqlite3.connect(
            store_file(folder), isolation_level=None, check_same_thread=False
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA busy_timeout=10000")
        self._db.executescript(SCHEMA)
        self._set("interval_seconds", interval_seconds)
        self._set("retention_seconds", retention_seconds)
        known = self._db.execute("SELECT labels, id FROM series")
        self._ids: dict[str, int] = dict(known.fetchall())
        self._last_ms: dict[int, int] = {}

    def series_id(self, labels: Mapping[str, str]) -> int:
        """Return the id of a label set; a new one is kept with the next append."""
        key = canonical_labels(labels)
        found = self._ids.get(key)
        if found is None:
            self._begin()
            cursor = self._db.execute("INSERT INTO series (labels) VALUES (?)", (key,))
            found = self._ids[key] = int(cursor.lastrowid or 0)
        return found

    def append(
        self, target: str, time_ms: int, ids: Sequence[int], samples: Sequence[float]
    ) -> None:
        """Keep one scrape of one target: series ids and their values, of equal length.

        A sample that is not after the last one of its series is left out: the clock went back, or
        two targets expose the same series.
        """
        last_ms = self._last_ms
        fresh = [n for n, series_id in enumerate(ids) if last_ms.get(series_id, -1) < time_ms]
        if len(fresh) < len(ids):
            ids, samples = [ids[n] for n in fresh], [samples[n] for n in fresh]
        packed = (
            pack_ids(np.array(ids, dtype=np.uint32)),
            pack_samples(np.array(samples, dtype=np.float64)),
        )
        self._begin()
        self._db.execute(
            "INSERT INTO scrape (time_ms, target, ids, samples) VALUES (?, ?, ?, ?)",
            (time_ms, target, *packed),
        )
        self._db.execute("COMMIT")
        last_ms.update(dict.fromkeys(ids, time_ms))

    def live_series(self, since_ms: int) -> dict[str, NDArray[np.uint32]]:
        """Return, by target, the series that its newest scrape since then did not mark stale."""
        query = (
            "SELECT target, ids, samples FROM scrape WHERE id IN"
            " (SELECT MAX(id) FROM scrape WHERE time_ms >= ? GROUP BY target)"
        )
        rows = self._db.execute(query, (since_ms,)).fetchall()
        return {
            target: unpack_ids(ids)[~is_stale(unpack_samples(samples))]
            for target, ids, samples in rows
        }

    def prune(self, now_ms: int) -> bool:
        """Remove what is older than the retention; say whether series ids went with it."""
        oldest = now_ms - self._retention_ms
        self._begin()
        self._db.execute("DELETE FROM scrape WHERE time_ms < ?", (oldest,))
        gone = [
            (key, i) for key, i in self._ids.items() if self._last_ms.setdefault(i, now_ms) < oldest
        ]
        self._db.executemany("DELETE FROM series WHERE id = ?", [(i,) for _, i in gone])
        self._db.execute("COMMIT")
        for key, i in gone:
            del self._ids[key], self._last_ms[i]
        return bool(gone)

    def close(self) -> None:
        """Let another process write here."""
        self._db.close()
        os.close(self._lock)

    def _begin(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")

    def _set(self, key: str, value: float) -> None:
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, value))


def _lock(folder: Path) -> int:
    """Hold the folder for this process; the kernel lets go of it when the process dies."""
    descriptor = os.open(folder / "writer.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise InputError(
            f"another process records into {folder}", hint="stop it, or choose another folder"
        ) from None
    return descriptor
