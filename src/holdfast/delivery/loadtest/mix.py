"""What is asked: kinds of requests, drawn by weight; the same seed draws the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from holdfast.delivery.http1 import Headers, RequestHead, request_bytes
from holdfast.errors import InputError

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class RequestKind:
    """One kind of request. `body` is sent as it is."""

    weight: float
    method: str
    path: str
    body: str = ""

    @classmethod
    def parse(cls, text: str) -> RequestKind:
        """Read `WEIGHT METHOD /path [BODY]`, for example `85 GET /customers?page=1`."""
        parts = text.split(maxsplit=3)
        if len(parts) < 3 or parts[1] not in _METHODS or not parts[2].startswith("/"):
            raise InputError(f"{text!r} is not WEIGHT METHOD /path [BODY]")
        try:
            weight = float(parts[0])
        except ValueError:
            raise InputError(f"{parts[0]!r} in {text!r} is not a weight") from None
        if not 0 < weight < float("inf"):
            raise InputError(f"the weight in {text!r} must be above 0 and finite")
        return cls(weight, *parts[1:])


class Mix:
    """Draws whole requests of several kinds, each sent with the same headers."""

    def __init__(
        self, kinds: Sequence[RequestKind], headers: Sequence[tuple[str, str]], *, seed: int
    ) -> None:
        self._requests = [_whole(kind, headers) for kind in kinds]
        self._weights = [kind.weight for kind in kinds]
        self._random = Random(f"mix-{seed}")

    def draw(self) -> bytes:
        """Return the next request, whole."""
        if len(self._requests) == 1:
            return self._requests[0]
        return self._random.choices(self._requests, self._weights)[0]


def _whole(kind: RequestKind, headers: Sequence[tuple[str, str]]) -> bytes:
    head = RequestHead(kind.method, kind.path, Headers(tuple(headers)))
    return request_bytes(head, kind.body.encode())
