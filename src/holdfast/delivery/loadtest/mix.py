"""What is asked: kinds of requests, drawn by weight; the same seed draws the same ones.

`{customer}` in a path is a whole number drawn anew for each request, evenly from 1 to 1000;
`{page:1-20}` names other ends. The name says only what it is for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from holdfast.delivery.http1 import Headers, RequestHead, request_bytes
from holdfast.errors import InputError

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PLACEHOLDER = re.compile(r"\{[a-z][a-z0-9_]*(?::(?P<low>\d{1,9})-(?P<high>\d{1,9}))?\}")
_USUAL_ENDS = (1, 1000)


@dataclass(frozen=True, slots=True)
class RequestKind:
    """One kind of request. `body` is sent as it is."""

    weight: float
    method: str
    path: str
    body: str = ""

    @classmethod
    def parse(cls, text: str) -> RequestKind:
        """Read `WEIGHT METHOD /path [BODY]`, for example `85 GET /customers?page={page:1-20}`."""
        parts = text.split(maxsplit=3)
        if len(parts) < 3 or parts[1] not in _METHODS or not parts[2].startswith("/"):
            raise InputError(f"{text!r} is not WEIGHT METHOD /path [BODY]")
        try:
            weight = float(parts[0])
        except ValueError:
            raise InputError(f"{parts[0]!r} in {text!r} is not a weight") from None
        if not 0 < weight < float("inf"):
            raise InputError(f"the weight in {text!r} must be above 0 and finite")
        _check_placeholders(parts[2])
        return cls(weight, *parts[1:])


class Mix:
    """Draws whole requests of several kinds, each sent with the same headers."""

    def __init__(
        self, kinds: Sequence[RequestKind], headers: Sequence[tuple[str, str]], *, seed: int
    ) -> None:
        self._kinds = tuple(kinds)
        self._headers = Headers(tuple(headers))
        self._whole = [None if "{" in kind.path else self._render(kind) for kind in kinds]
        self._places = range(len(self._kinds))
        self._weights = [kind.weight for kind in kinds]
        self._random = Random(f"mix-{seed}")

    def draw(self) -> bytes:
        """Return the next request, whole."""
        place = 0
        if len(self._kinds) > 1:
            place = self._random.choices(self._places, self._weights)[0]
        return self._whole[place] or self._render(self._kinds[place])

    def _render(self, kind: RequestKind) -> bytes:
        path = _PLACEHOLDER.sub(self._number, kind.path)
        return request_bytes(RequestHead(kind.method, path, self._headers), kind.body.encode())

    def _number(self, found: re.Match[str]) -> str:
        return str(self._random.randint(*_ends(found)))


def _ends(found: re.Match[str]) -> tuple[int, int]:
    return (int(found["low"]), int(found["high"])) if found["low"] else _USUAL_ENDS


def _check_placeholders(path: str) -> None:
    for found in _PLACEHOLDER.finditer(path):
        low, high = _ends(found)
        if low > high:
            raise InputError(f"{found.group()} in {path!r} has its ends the wrong way round")
    if set("{}") & set(_PLACEHOLDER.sub("", path)):
        raise InputError(
            f"{path!r} has braces that are no placeholder",
            hint="for example {customer} or {page:1-20}; a brace itself is written %7B",
        )
