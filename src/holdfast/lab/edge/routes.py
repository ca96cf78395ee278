"""What the edge is told: which versions of a service exist, and who gets how much traffic."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator

from holdfast.errors import InputError
from holdfast.model.base import Record


class Backend(Record):
    """One process of one version. `weight` is its share; shares need not sum to 100."""

    version: str = Field(min_length=1)
    url: str
    """`http://host:port`, without a path."""
    weight: float = Field(ge=0)

    @field_validator("url")
    @classmethod
    def _address_only(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or not parts.port or parts.path.strip("/"):
            raise ValueError(f"{url!r} is not http://host:port")
        return url

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0


class Route(Record):
    """One service's backends, its latency threshold, and how long a client is let wait."""

    backends: tuple[Backend, ...] = ()
    threshold_seconds: float = Field(default=0.3, gt=0)
    timeout_seconds: float = Field(default=5.0, gt=0)


def parse_route(body: bytes) -> Route:
    """Return the route of a `PUT /routes/{service}`; raises InputError naming the field."""
    try:
        return Route.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise InputError(f"{where}: {first['msg']}") from None
