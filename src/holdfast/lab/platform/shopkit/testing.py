"""For services' own tests: one request, answered in this process, without a server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.routing import Match, Route


def ask(routes: Sequence[Route], url: str) -> tuple[int, Any]:
    """Return the status and the JSON that the routes answer to `GET url`.

    The handler runs in the caller's thread, as a database in memory asks for. Raises LookupError
    where no route is for the path.
    """
    path, _, query = url.partition("?")
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "root_path": ""}
    scope |= {"headers": [], "query_string": query.encode()}
    for route in routes:
        match, found = route.matches(scope)
        if match is Match.FULL:
            response = route.endpoint(Request({**scope, **found}))
            return response.status_code, json.loads(response.body)
    raise LookupError(f"no route is for {path}")
