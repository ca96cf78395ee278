"""Reads the embedded store while a recorder writes it; the series stay in memory, as arrays.

Each `select` first loads what was recorded since the one before.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import SourceUnavailable
from holdfast.promql.columns import GrowingTimes, SeriesColumn
from holdfast.promql.label_matching import matches
from holdfast.promql.samples import Matcher, StoredSeries
from holdfast.promql.store_schema import store_file, unpack_ids, unpack_samples

_ROWS_AT_ONCE = 4000
"""Bounds the memory that loading takes: about 13 MB for targets of 200 series."""

_ANSWERS_KEPT = 2000
"""How many selectors keep the list of the series that they match."""

Row = tuple[int, int, bytes, bytes]
"""Id, time in milliseconds, packed series ids, packed values."""


class RecordedSamples:
    """The series of one folder's store. Safe for several threads of a process.

    Every method raises SourceUnavailable where the folder has no store. A store that is replaced
    by a new one under the same name is noticed and read from its beginning.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._forget()

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[StoredSeries]:
        """Return the series that match, cut to start <= t <= end; those left empty are dropped."""
        with self._lock:
            self.refresh()
            cut = (column.window(start_ms, end_ms) for column in self._matching(tuple(matchers)))
            return [series for series in cut if series is not None]

    def refresh(self) -> None:
        """Load what was recorded since the last time."""
        with self._lock:
            self._open()
            try:
                self._load()
            except sqlite3.Error as error:
                raise SourceUnavailable(
                    f"the store in {self.folder} cannot be read: {error}"
                ) from error

    @property
    def interval_seconds(self) -> float:
        """How often the recorder scrapes."""
        self.refresh()
        return self._settings["interval_seconds"]

    def metric_names(self) -> tuple[str, ...]:
        """Return all metric names, sorted."""
        with self._lock:
            self.refresh()
            return tuple(sorted(self._by_name))

    def newest_scrapes_ms(self, at_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return, for each time, when the newest scrape at or before it was; -1 where none was."""
        with self._lock:
            self.refresh()
            return self._scrape_times.at_or_before(at_ms)

    def close(self) -> None:
        """Release the file and the memory."""
        with self._lock:
            if self._db is not None:
                self._db.close()
            self._db = None
            self._forget()

    # ---- finding ----

    def _matching(self, matchers: tuple[Matcher, ...]) -> list[SeriesColumn]:
        """Return matching series; only those that are new since the same question are examined."""
        if len(self._answers) > _ANSWERS_KEPT:
            self._answers.clear()
        seen, found = self._answers.get(matchers, (0, []))
        candidates = self._candidates(matchers)
        found.extend(c for c in candidates[seen:] if matches(matchers, c.labels))
        self._answers[matchers] = (len(candidates), found)
        return found

    def _candidates(self, matchers: tuple[Matcher, ...]) -> list[SeriesColumn]:
        for matcher in matchers:
            if matcher.label == "__name__" and matcher.operator == "=":
                return self._by_name.get(matcher.value, [])
        return self._in_order

    # ---- loading ----

    def _open(self) -> None:
        path = store_file(self.folder)
        try:
            found = os.stat(path)
        except OSError:
            self.close()
            raise SourceUnavailable(
                f"there is no store in {self.folder}", hint="is the recorder running?"
            ) from None
        if self._db is not None and self._inode != (found.st_dev, found.st_ino):
            self.close()
        if self._db is None:
            self._db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=10.0,
            )
            self._inode = (found.st_dev, found.st_ino)

    def _load(self) -> None:
        assert self._db is not None
        query = "SELECT id, time_ms, ids, samples FROM scrape WHERE id > ? ORDER BY id LIMIT ?"
        while True:
            rows: list[Row] = self._db.execute(query, (self._last_row, _ROWS_AT_ONCE)).fetchall()
            if not rows and self._settings:
                return
            self._settings = self._read_settings(self._db)
            if not rows:
                return
            self._take(self._db, rows)
            self._last_row = rows[-1][0]
            self._trim()

    def _read_settings(self, db: sqlite3.Connection) -> dict[str, float]:
        found: dict[str, float] = dict(db.execute("SELECT key, value FROM setting").fetchall())
        if not {"interval_seconds", "retention_seconds"} <= found.keys():
            raise SourceUnavailable(f"the store in {self.folder} is not complete yet")
        return found

    def _take(self, db: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Sort the rows' samples by series and time, and give each series its slice."""
        per_row = [unpack_ids(row[2]) for row in rows]
        row_times = np.array([row[1] for row in rows], dtype=np.int64)
        ids = np.concatenate(per_row)
        times = np.repeat(row_times, [len(part) for part in per_row])
        samples = np.concatenate([unpack_samples(row[3]) for row in rows])
        order = np.lexsort((times, ids))
        ids, times, samples = ids[order], times[order], samples[order]
        starts = np.flatnonzero(np.diff(ids, prepend=-1.0)).tolist()
        series_ids: list[int] = ids[starts].tolist()
        self._meet(db, {i for i in series_ids if i not in self._columns})
        for series_id, low, high in zip(series_ids, starts, [*starts[1:], len(ids)], strict=True):
            if series_id in self._columns:  # else it has left the store meanwhile
                self._columns[series_id].extend(times[low:high], samples[low:high])
        self._scrape_times.extend(row_times)

    def _meet(self, db: sqlite3.Connection, series_ids: set[int]) -> None:
        """Read the labels of series that were not in memory so far."""
        if not series_ids:
            return
        query = "SELECT id, labels FROM series WHERE id >= ? ORDER BY id"
        for series_id, labels in db.execute(query, (min(series_ids),)).fetchall():
            if series_id in series_ids:
                column = self._columns[series_id] = SeriesColumn(json.loads(labels))
                self._in_order.append(column)
                self._by_name.setdefault(column.labels.get("__name__", ""), []).append(column)

    def _trim(self) -> None:
        """Forget what the store no longer keeps, now and then."""
        keep_ms = int(self._settings["retention_seconds"] * 1000)
        newest, oldest = self._scrape_times.newest(), self._scrape_times.oldest()
        if newest - oldest <= keep_ms * 1.1:
            return
        self._scrape_times.forget_before(newest - keep_ms)
        for column in self._in_order:
            column.forget_before(newest - keep_ms)
        self._drop_empty()

    def _drop_empty(self) -> None:
        if all(column.size for column in self._in_order):
            return
        self._columns = {i: column for i, column in self._columns.items() if column.size}
        self._in_order = list(self._columns.values())
        self._by_name = {}
        for column in self._in_order:
            self._by_name.setdefault(column.labels.get("__name__", ""), []).append(column)
        self._answers = {}

    def _forget(self) -> None:
        self._settings: dict[str, float] = {}
        self._inode = (0, 0)
        self._last_row = 0
        self._columns: dict[int, SeriesColumn] = {}
        self._in_order: list[SeriesColumn] = []
        self._by_name: dict[str, list[SeriesColumn]] = {}
        self._answers: dict[tuple[Matcher, ...], tuple[int, list[SeriesColumn]]] = {}
        self._scrape_times = GrowingTimes()
