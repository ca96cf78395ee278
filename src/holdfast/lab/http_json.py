"""JSON over HTTP on loopback, with the standard library only: the lab starts fast."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit


def ask(
    method: str, url: str, body: str | None = None, *, timeout_seconds: float = 5.0
) -> tuple[int, str]:
    """Return (status, body). Raises OSError or http.client.HTTPException where there is none."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=timeout_seconds)
    try:
        headers = {"content-type": "application/json"} if body is not None else {}
        connection.request(method, parts.path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
