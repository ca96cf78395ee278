"""A Prometheus API over a recording, that can be made to answer wrongly in the ways servers do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from holdfast.errors import HoldfastError
from holdfast.evidence.recorded import RecorderSource

Points = tuple[tuple[float, float], ...]
Lie = Callable[[Points], Points]


def truth(points: Points) -> Points:
    """Answer as it is."""
    return points


class _Handler(BaseHTTPRequestHandler):
    """One question. `source`, `lie`, `cut_bytes` are set by `lying_server`."""

    source: RecorderSource
    lie: Lie
    cut_bytes: bool

    def do_GET(self) -> None:
        names = list(self.source.metric_names())
        self._send({"status": "success", "data": names})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fields = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        try:
            data = self._matrix(fields) if "step" in fields else self._vector(fields)
        except HoldfastError as error:
            self._send({"status": "error", "errorType": "bad_data", "error": str(error)})
            return
        self._send({"status": "success", "data": data}, cut=self.cut_bytes and "step" in fields)

    def _vector(self, fields: dict[str, str]) -> dict[str, object]:
        found = self.source.query(fields["query"], float(fields["time"]))
        result = [{"metric": s.labels, "value": [s.at, repr(s.value)]} for s in found.samples]
        return {"resultType": "vector", "result": result}

    def _matrix(self, fields: dict[str, str]) -> dict[str, object]:
        start, end, step = (float(fields[name]) for name in ("start", "end", "step"))
        found = self.source.query_range(fields["query"], start, end, step)
        lie = type(self).lie
        result = [
            {"metric": s.labels, "values": [[at, repr(value)] for at, value in lie(s.points)]}
            for s in found.series
        ]
        return {"resultType": "matrix", "result": result}

    def _send(self, answer: dict[str, object], *, cut: bool = False) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or cut

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def lying_server(
    source: RecorderSource, *, lie: Lie = truth, cut_bytes: bool = False
) -> Iterator[str]:
    """Serve a recording until the end of the block; give the base URL.

    `lie` alters the points of ranges; `cut_bytes` ends the connection amid their answers.
    """
    handler = type(
        "Handler", (_Handler,), {"source": source, "lie": staticmethod(lie), "cut_bytes": cut_bytes}
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
