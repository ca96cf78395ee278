"""A real prometheus_client server for tests, whose metrics the test sets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import MetricsHandler


class Exporter:
    """One target: a registry, and the server that exposes it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        handler = MetricsHandler.factory(self.registry)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop serving; a scrape then fails."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def running_exporter() -> Iterator[Exporter]:
    """Serve until the end of the block."""
    exporter = Exporter()
    try:
        yield exporter
    finally:
        exporter.close()


def write_targets(
    file: Path, addresses: Sequence[str], labels: Mapping[str, str] | None = None
) -> Path:
    """Write a file_sd file as a whole, as a service discovery does."""
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps([{"targets": list(addresses), "labels": dict(labels or {})}]))
    return partial.replace(file)
