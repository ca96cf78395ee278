"""The HTTP server around the API: Starlette on uvicorn, on loopback only."""

from __future__ import annotations

import socket
from collections.abc import Callable
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from holdfast.errors import InputError
from holdfast.promql.serve.answers import Answer, failure
from holdfast.promql.serve.api import Api
from holdfast.promql.serve.parameters import Fields

_HOST = "127.0.0.1"
_FORM_BYTES_AT_MOST = 10_000_000
_METHODS = ["GET", "POST"]

Endpoint = Callable[[Fields], Answer]


def application(api: Api) -> Starlette:
    """Return the API as an application; evaluation runs in threads."""
    return Starlette(
        routes=[
            Route("/-/ready", _ready),
            Route("/-/healthy", _ready),
            _route("/api/v1/query", api.query),
            _route("/api/v1/query_range", api.query_range),
            _route("/api/v1/series", api.series),
            _route("/api/v1/labels", api.labels),
            Route("/api/v1/label/{name}/values", _label_values(api)),
            _route("/api/v1/status/buildinfo", api.build_info),
            Route("/{path:path}", _unknown, methods=_METHODS),
        ]
    )


def _route(path: str, endpoint: Endpoint) -> Route:
    async def serve(request: Request) -> Response:
        fields = await _fields(request)
        if isinstance(fields, Answer):
            return _response(fields)
        return _response(await run_in_threadpool(endpoint, fields))

    return Route(path, serve, methods=_METHODS)


def _label_values(api: Api) -> Callable[[Request], Response]:
    def serve(request: Request) -> Response:
        return _response(api.label_values(request.path_params["name"], _in_url(request)))

    return serve


def _ready(_request: Request) -> Response:
    return PlainTextResponse("Holdfast is ready.\n")


def _unknown(request: Request) -> Response:
    return _response(failure(404, "not_found", f"{request.url.path} is not served here"))


def _in_url(request: Request) -> Fields:
    return parse_qs(request.url.query, keep_blank_values=True)


async def _fields(request: Request) -> Fields | Answer:
    """Return the parameters of the URL and of the form, or why the form is refused."""
    fields = dict(_in_url(request))
    if request.method != "POST":
        return fields
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _FORM_BYTES_AT_MOST:
            return failure(413, "bad_data", f"the form is larger than {_FORM_BYTES_AT_MOST} bytes")
    try:
        form = parse_qs(body.decode(), keep_blank_values=True)
    except UnicodeDecodeError:
        return failure(400, "bad_data", "the form is no UTF-8")
    return {name: [*form.get(name, ()), *fields.get(name, ())] for name in form | fields}


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type="application/json")


def serve(api: Api, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until interrupted. `on_ready` is given the base URL once requests can be sent.

    Raises InputError where the port cannot be had.
    """
    try:
        listener = socket.create_server((_HOST, port))
    except (OSError, OverflowError) as error:
        raise InputError(
            f"port {port} of {_HOST} cannot be served: {error}", hint="--port 0 takes a free one"
        ) from error
    with listener:
        on_ready(f"http://{_HOST}:{listener.getsockname()[1]}")
        config = uvicorn.Config(application(api), log_level="warning", lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])
