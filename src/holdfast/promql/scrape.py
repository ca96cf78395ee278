"""One scrape of one target: the text that it exposes, or why there is none."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx2

from holdfast.promql.bounded import fetch
from holdfast.promql.targets import Target

_BYTES_AT_MOST = 32 * 1024 * 1024
_HEADERS = {
    "Accept": "text/plain;version=0.0.4",
    "Accept-Encoding": "identity",
    "User-Agent": "holdfast-recorder",
}


@dataclass(frozen=True)
class ScrapeAnswer:
    """`text` is None where the scrape failed; `failure` then says why."""

    target: Target
    time_ms: int
    """When the scrape began: the time that its samples carry."""
    seconds: float
    text: str | None
    failure: str = ""


def scrape_client(connections: int, keepalive_seconds: float) -> httpx2.Client:
    """Return a client for several threads that keeps its connections between scrapes."""
    limits = httpx2.Limits(
        max_connections=connections,
        max_keepalive_connections=connections,
        keepalive_expiry=keepalive_seconds,
    )
    return httpx2.Client(headers=_HEADERS, limits=limits, trust_env=False)


def scrape(
    client: httpx2.Client, target: Target, timeout_seconds: float, due_ms: int
) -> ScrapeAnswer:
    """Ask a target. Never raises: a failure is an answer, and the target counts as down.

    A scrape that starts within 2 ms of its due time carries the due time, as in Prometheus
    (`scrapeTimestampTolerance`); aligned times deflate better.
    """
    began = time.perf_counter()
    now_ms = time.time_ns() // 1_000_000
    time_ms = due_ms if abs(now_ms - due_ms) <= 2 else now_ms
    text, failure = _ask(client, target.url, timeout_seconds)
    return ScrapeAnswer(target, time_ms, time.perf_counter() - began, text, failure)


def _ask(client: httpx2.Client, url: str, timeout_seconds: float) -> tuple[str | None, str]:
    try:
        request = client.build_request("GET", url)
        answer = fetch(
            client, request, timeout_seconds=timeout_seconds, bytes_at_most=_BYTES_AT_MOST
        )
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return None, f"{type(error).__name__}: {error}"
    if answer.status_code != 200:
        return None, f"status {answer.status_code}"
    kind = answer.headers.get("content-type", "")
    if "openmetrics" in kind or "protobuf" in kind:
        return None, f"it answers {kind}; only the text exposition 0.0.4 is read"
    try:
        return answer.content.decode("utf-8"), ""
    except UnicodeDecodeError:
        return None, "the exposition is not UTF-8"
