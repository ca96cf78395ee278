"""Around each request: trace, duration, log line, and the fault that is injected, if any."""

from __future__ import annotations

import time

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import metrics
from .faults import faults
from .logs import log
from .trace import Span, begin

_OWN_PATHS = {"/healthz", "/metrics"}


class Telemetry:
    """Measures everything but the paths that measure."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass on what is no request."""
        if scope["type"] != "http" or scope["path"] in _OWN_PATHS:
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        span = begin(headers.get(b"traceparent", ""), headers.get(b"x-user-id", ""))

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if delay_seconds := faults.delay_seconds():
                await anyio.sleep(delay_seconds)
            await self._app(scope, receive, note_status)
        finally:
            _record(scope, span, status, time.perf_counter() - started)


def _record(scope: Scope, span: Span, status: int, seconds: float) -> None:
    method, path = scope["method"], scope["path"]
    route = getattr(scope.get("route"), "path", "") or _route_of(scope)
    metrics.requests.labels(method, route, str(status)).observe(seconds)
    log(
        f"{method} {path} {status}",
        level="error" if status >= 500 else "info",
        span=span,
        http__request__method=method,
        http__route=route,
        url__path=path,
        http__response__status_code=status,
        duration_seconds=round(seconds, 6),
    )


def _route_of(scope: Scope) -> str:
    """Rebuild the route's template from the values that its parameters took."""
    path: str = scope["path"]
    for name, value in scope.get("path_params", {}).items():
        path = path.replace(f"/{value}", f"/{{{name}}}")
    return path if scope.get("endpoint") else "unknown"
