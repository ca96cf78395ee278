"""Where load may be sent: loopback, and hosts that were allowed by name."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from holdfast.errors import GuardDenied, InputError, SourceUnavailable

CONNECT_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A checked http or https URL. `target` is its path with its query."""

    url: str
    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """What the `host` header says."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        return name if self.port == usual else f"{name}:{self.port}"


def parse_endpoint(url: str, allow_hosts: Sequence[str] = ()) -> Endpoint:
    """Read a URL. Raises InputError; GuardDenied for a host beyond loopback not allowed by name."""
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{url!r} is not an http:// or https:// URL with a host")
    if parts.username is not None or any(ord(c) <= 32 or ord(c) >= 127 for c in url):
        raise InputError(f"{url!r} has a user name, or signs that a URL encodes")
    if not is_loopback(parts.hostname) and parts.hostname not in allow_hosts:
        raise GuardDenied(
            f"load is sent to loopback only, and {parts.hostname} is not loopback",
            hint=f"if that host is yours to load: --allow-host {parts.hostname}",
        )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return Endpoint(url, parts.scheme, parts.hostname, port, target)


def is_loopback(host: str) -> bool:
    """Whether a host is `localhost` or a loopback address. Other names are not looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reach(endpoint: Endpoint) -> str:
    """Connect once and return the address that answered: names are not looked up under load.

    Raises SourceUnavailable where nobody listens.
    """
    where = (endpoint.host, endpoint.port)
    try:
        with socket.create_connection(where, CONNECT_TIMEOUT_SECONDS) as connection:
            address = str(connection.getpeername()[0])
    except OSError as error:
        raise SourceUnavailable(
            f"nothing answers at {endpoint.url}: {error}", hint="no load was sent"
        ) from error
    if endpoint.host == "localhost" and not is_loopback(address):
        raise GuardDenied(f"localhost is {address} here, which is not loopback")
    return address


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InputError(f"{url!r} is not a URL: {error}") from None
    return parts
