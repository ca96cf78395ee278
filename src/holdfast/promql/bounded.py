"""Reads an HTTP answer within a total time and size; a timeout of httpx2 is per read only."""

from __future__ import annotations

import time

import httpx2


class TooLarge(httpx2.RequestError):
    """The body is larger than allowed."""


def fetch(
    client: httpx2.Client, request: httpx2.Request, *, timeout_seconds: float, bytes_at_most: int
) -> httpx2.Response:
    """Send the request and read all of the answer.

    Raises httpx2.ReadTimeout once `timeout_seconds` have passed in total, TooLarge, or what
    httpx2 raises. The answer's status is not looked at.
    """
    deadline = time.monotonic() + timeout_seconds
    request.extensions["timeout"] = httpx2.Timeout(timeout_seconds).as_dict()
    streamed = client.send(request, stream=True)
    try:
        body = bytearray()
        for part in streamed.iter_bytes():
            body += part
            if len(body) > bytes_at_most:
                raise TooLarge(f"the answer is larger than {bytes_at_most} bytes", request=request)
            if time.monotonic() > deadline:
                raise httpx2.ReadTimeout(
                    f"the answer took longer than {timeout_seconds:g} s", request=request
                )
    finally:
        streamed.close()
    headers = [(k, v) for k, v in streamed.headers.multi_items() if k != "content-encoding"]
    return httpx2.Response(
        streamed.status_code, headers=headers, content=bytes(body), request=request
    )
