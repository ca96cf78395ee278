"""Serving: Starlette on uvicorn, handlers in threads, health and metrics beside them."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import anyio.to_thread
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from . import metrics
from .calls import CallFailed
from .logs import log
from .middleware import Telemetry
from .settings import settings


def serve(routes: Sequence[BaseRoute]) -> None:
    """Serve the routes until stopped: on `--port`, or on the open socket `--fd` inherited."""
    parser = argparse.ArgumentParser()
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", type=int)
    where.add_argument("--fd", type=int)
    given = parser.parse_args()
    sys.setswitchinterval(0.0005)  # a thread whose statement came back should not wait for others
    with _listener(given.port, given.fd) as listener:
        config = uvicorn.Config(
            build(routes), log_level="warning", access_log=False, timeout_graceful_shutdown=2
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listener(port: int | None, fd: int | None) -> socket.socket:
    if fd is not None:
        return socket.socket(fileno=fd)
    return socket.create_server(("127.0.0.1", port or 0))


def build(routes: Sequence[BaseRoute]) -> Starlette:
    """Return the application around a service's own routes."""
    return Starlette(
        routes=[*routes, Route("/healthz", _health), Route("/metrics", _metrics)],
        middleware=[Middleware(Telemetry)],
        exception_handlers={CallFailed: _bad_gateway},
        lifespan=_lifespan,
    )


@asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncGenerator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = settings().threads
    log("started")
    yield
    log("stopped")


async def _health(_request: Request) -> Response:
    return JSONResponse({"service": settings().service, "version": settings().version})


async def _metrics(_request: Request) -> Response:
    return PlainTextResponse(metrics.exposition(), media_type="text/plain; version=0.0.4")


async def _bad_gateway(_request: Request, error: Exception) -> Response:
    log(str(error), level="error")
    return JSONResponse({"error": str(error)}, status_code=502)
