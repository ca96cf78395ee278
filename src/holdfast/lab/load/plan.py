"""What is asked: a weighted mix of requests, by users of a pool, each with a trace of its own.

`{page}` and `{customer}` in a path are drawn anew each time; a write without a body is an order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

from holdfast.delivery.http1 import Headers, RequestHead, request_bytes
from holdfast.delivery.loadtest.mix import RequestKind

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
        body = kind.body.encode()
        if kind.method in ("POST", "PUT") and not body:
            body = self._order(customer)
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
