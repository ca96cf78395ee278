"""The access log: one JSON line a request. A thread writes it: no request waits for a disk."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TypedDict

FLUSH_SECONDS = 0.1

AccessRecord = TypedDict(
    "AccessRecord",
    {
        "time": str,
        "service.name": str,
        "service.version": str,
        "trace_id": str,
        "user.id": str | None,
        "http.request.method": str,
        "url.path": str,
        "http.response.status_code": int,
        "duration_seconds": float,
        "slow": bool,
        "failed": bool,
    },
)
"""One completed request. `time` is RFC 3339 in UTC, when it completed."""


class AccessLog:
    """Lines wait in memory for at most `FLUSH_SECONDS`. No path = no log."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._waiting: list[AccessRecord] = []

    def add(self, record: AccessRecord) -> None:
        """Take a record to be written."""
        if self._path:
            self._waiting.append(record)

    async def run(self) -> None:
        """Write what waits, again and again, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await asyncio.to_thread(self.flush)

    def flush(self) -> None:
        """Write what waits. Lines that cannot be written are lost, and said on stderr."""
        records, self._waiting = self._waiting, []
        if not records or not self._path:
            return
        text = "".join(json.dumps(r, separators=(",", ":")) + "\n" for r in records)
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            print(f"edge: {len(records)} access log lines lost: {error}", file=sys.stderr)
