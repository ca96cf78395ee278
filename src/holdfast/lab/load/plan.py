"""What is asked: a weighted mix of requests, by users of a pool, each with a trace of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from holdfast.delivery.http1 import Headers, RequestHead, request_bytes
from holdfast.errors import InputError

_METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True)
class RequestKind:
    """One kind of request. `{page}`, `{customer}` in `path` are drawn anew each time."""

    weight: float
    method: str
    path: str

    @classmethod
    def parse(cls, text: str) -> RequestKind:
        """Read `WEIGHT METHOD PATH`, for example `85 GET /customers?page={page}`."""
        parts = text.split()
        if len(parts) != 3 or parts[1] not in _METHODS or not parts[2].startswith("/"):
            raise InputError(f"{text!r} is not WEIGHT METHOD /path")
        try:
            weight = float(parts[0])
        except ValueError:
            raise InputError(f"{parts[0]!r} in {text!r} is not a weight") from None
        if not weight > 0:
            raise InputError(f"the weight in {text!r} must be above 0")
        return cls(weight, parts[1], parts[2])


SHOP_MIX = (
    RequestKind(85, "GET", "/customers?page={page}"),
    RequestKind(15, "POST", "/orders"),
)


class RequestPlan:
    """Draws requests. The same seed draws the same ones, traces included."""

    def __init__(
        self,
        kinds: Sequence[RequestKind],
        *,
        host: str,
        users: int = 500,
        pages: int = 20,
        customers: int = 1000,
        seed: int = 0,
    ) -> None:
        self._kinds = tuple(kinds)
        self._weights = [kind.weight for kind in kinds]
        self._host = host
        self._users, self._pages, self._customers = users, pages, customers
        self._random = Random(f"plan-{seed}")

    def draw(self) -> bytes:
        """Return the next request, whole."""
        kind = self._random.choices(self._kinds, self._weights)[0]
        customer = self._random.randint(1, self._customers)
        path = kind.path.replace("{page}", str(self._random.randint(1, self._pages)))
        path = path.replace("{customer}", str(customer))
        body = self._order(customer) if kind.method in ("POST", "PUT") else b""
        return request_bytes(RequestHead(kind.method, path, self._headers(body)), body)

    def _headers(self, body: bytes) -> Headers:
        trace, span = self._random.getrandbits(128) | 1, self._random.getrandbits(64) | 1
        fields = [
            ("host", self._host),
            ("user-agent", "holdfast-lab-load"),
            ("x-user-id", f"user-{self._random.randint(1, self._users):04d}"),
            ("traceparent", f"00-{trace:032x}-{span:016x}-01"),
        ]
        if body:
            fields.append(("content-type", "application/json"))
        return Headers(tuple(fields))

    def _order(self, customer: int) -> bytes:
        sku = f"sku-{self._random.randint(1, 50):03d}"
        items = [{"sku": sku, "quantity": self._random.randint(1, 3)}]
        return json.dumps({"customer_id": customer, "items": items}).encode()
