"""Trace context: W3C `traceparent` in, the same trace out, one span a request."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


@dataclass(frozen=True)
class Span:
    """Where in which trace this request is, and for whom. Ids in hex; "" = none."""

    trace_id: str
    span_id: str
    parent_span_id: str
    user_id: str

    def outgoing_headers(self) -> dict[str, str]:
        """Return what a call to another service carries."""
        carried = {"traceparent": f"00-{self.trace_id}-{self.span_id}-01"}
        return {**carried, "x-user-id": self.user_id} if self.user_id else carried

    def logged(self, fraction: float) -> bool:
        """Whether this trace is among the fraction that is logged: the same in every service."""
        return int(self.trace_id[-8:], 16) < fraction * 2**32


_current: ContextVar[Span | None] = ContextVar("span", default=None)


def current_span() -> Span | None:
    """Return the span of the request being served, or None outside one."""
    return _current.get()


def begin(traceparent: str, user_id: str) -> Span:
    """Start the span of an incoming request; a missing or broken parent starts a new trace."""
    match = _TRACEPARENT.fullmatch(traceparent)
    trace_id, parent = match.groups() if match else (secrets.token_hex(16), "")
    span = Span(trace_id, secrets.token_hex(8), parent, user_id)
    _current.set(span)
    return span
