"""Calls to other services, always through the edge, with the trace carried on."""

from __future__ import annotations

import http.client
import json
import os
import threading
from typing import Any
from urllib.parse import urlsplit

from .trace import current_span

_connections = threading.local()


class CallFailed(Exception):
    """Another service answered with an error, or not at all."""


def call(service: str, path: str, *, timeout_seconds: float = 5.0) -> Any:
    """GET `path` of a service and return its JSON. Raises CallFailed.

    The address is in the environment: `EDGE_CUSTOMER_API` for `customer-api`.
    """
    address = urlsplit(os.environ["EDGE_" + service.upper().replace("-", "_")]).netloc
    span = current_span()
    headers = span.outgoing_headers() if span else {}
    try:
        status, body = _get(address, path, headers, timeout_seconds)
    except (OSError, http.client.HTTPException) as error:
        _forget(address)
        raise CallFailed(f"{service} did not answer: {error!r}") from error
    if status >= 400:
        raise CallFailed(f"{service} answered {status} to {path}")
    return json.loads(body)


def _get(
    address: str, path: str, headers: dict[str, str], timeout_seconds: float
) -> tuple[int, bytes]:
    """Use this thread's open connection; open a new one where the other end has closed it."""
    reused = _connections.__dict__.get(address)
    if reused is not None:
        try:
            return _ask(reused, path, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            _forget(address)
    connection = http.client.HTTPConnection(address, timeout=timeout_seconds)
    _connections.__dict__[address] = connection
    return _ask(connection, path, headers)


def _ask(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str]
) -> tuple[int, bytes]:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def _forget(address: str) -> None:
    connection = _connections.__dict__.pop(address, None)
    if connection is not None:
        connection.close()
