"""Who sent it: HMAC SHA-256 of the raw body, bearer tokens, basic auth. Constant-time.

Every kind of credential that is configured must hold, and of each kind one value is enough: so
that keys can be rotated. Bearer and basic are one kind, since both are the `Authorization` header.
No credentials at all refuse everybody, unless `unverified` says otherwise in so many words.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from holdfast.errors import ConfigError, SenderRefused

MOST_SIGNATURES = 10
"""A header with more of them is refused: each costs a comparison."""


class Request(Protocol):
    """What of a delivery is verified."""

    @property
    def body(self) -> bytes: ...
    @property
    def received_at(self) -> datetime: ...
    def header(self, name: str) -> str: ...


@dataclass(frozen=True)
class Credentials:
    """What a sender must show. Nothing of it appears in a repr. Raises ConfigError."""

    signing_secrets: tuple[str, ...] = field(default=(), repr=False)
    bearer_tokens: tuple[str, ...] = field(default=(), repr=False)
    bearer_token_hashes: tuple[str, ...] = field(default=(), repr=False)
    """SHA-256 in hex, where the token itself is not kept."""
    basic: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """User and password."""
    unverified: bool = False
    """Takes deliveries from anybody: for a server on loopback, and nothing else."""
    window_seconds: float = 300.0
    """How old, or how far ahead, a signed time may be."""
    timestamp_header: str = ""
    """The header that holds the signed time, for senders where the user names it (Grafana)."""

    def __post_init__(self) -> None:
        users = tuple(part for pair in self.basic for part in pair)
        values = (*self.signing_secrets, *self.bearer_tokens, *self.bearer_token_hashes, *users)
        if any(not value.strip() for value in values):
            raise ConfigError(
                "a webhook's credential is empty, so that anybody could show it",
                hint="set the variable that it comes from",
            )
        if self.unverified and values:
            raise ConfigError(
                "a webhook cannot both have credentials and take deliveries from anybody",
                hint="remove `unverified`",
            )
        if self.timestamp_header and not self.signing_secrets:
            raise ConfigError(
                "a webhook's `timestamp_header` means nothing without a signing secret",
                hint="configure the secret, or remove the header",
            )
        if not 0 < self.window_seconds < float("inf"):
            raise ConfigError("`window_seconds` of a webhook must be above zero and finite")

    @property
    def authorizes(self) -> bool:
        """Whether an Authorization header is demanded."""
        return bool(self.bearer_tokens or self.bearer_token_hashes or self.basic)


@dataclass(frozen=True)
class Verified:
    """By what the sender is known, and the time of sending that its signature covers."""

    by: str
    signed_at: datetime | None = None


Signature = Callable[[Request, Credentials], datetime | None]
"""Checks a sender's signature; returns the time that it covers. Raises SenderRefused."""


def verify(
    request: Request, credentials: Credentials, signature: Signature | None = None
) -> Verified:
    """Return by what the sender is known. `signature` = None for a sender that signs nothing.

    Raises SenderRefused, and ConfigError where there is a secret for a sender that does not sign.
    """
    if credentials.unverified:
        return Verified("nobody")
    if credentials.signing_secrets and signature is None:
        raise ConfigError(
            "this sender signs nothing, so that a signing secret cannot be demanded of it",
            hint="use a bearer token or basic auth",
        )
    if not credentials.signing_secrets and not credentials.authorizes:
        raise SenderRefused(
            "no credentials are configured for this webhook", hint="configure a secret or a token"
        )
    shown: list[str] = []
    signed_at = None
    if credentials.signing_secrets and signature is not None:
        signed_at = signature(request, credentials)
        shown.append("signature")
    if credentials.authorizes:
        shown.append(_authorized(request.header("authorization"), credentials))
    return Verified("+".join(shown), signed_at)


def by_authorization(request: Request, credentials: Credentials) -> Verified:
    """`verify` of a sender that signs nothing."""
    return verify(request, credentials)


def body_signature(header: str, prefix: str) -> Signature:
    """Return the check of a body's HMAC SHA-256, given in hex behind a prefix. It signs no time."""

    def check(request: Request, credentials: Credentials) -> None:
        given = hex_signatures(request.header(header), prefix=prefix)
        require_match(digests(credentials.signing_secrets, request.body), given, header)

    return check


def digests(secrets: Iterable[str | bytes], content: bytes) -> tuple[bytes, ...]:
    """Return the HMAC SHA-256 of the content under each secret (RFC 2104)."""
    keys = (s.encode() if isinstance(s, str) else s for s in secrets)
    return tuple(hmac.new(key, content, hashlib.sha256).digest() for key in keys)


def hex_signatures(header: str, *, prefix: str = "", separator: str = ",") -> tuple[bytes, ...]:
    """Return the digests that a header gives in hex, those with the prefix. Raises SenderRefused.

    What has another prefix (another version of the scheme) or is no hex is left out.
    """
    found: list[bytes] = []
    for part in _parts(header, separator):
        if part.startswith(prefix):
            try:
                found.append(bytes.fromhex(part.removeprefix(prefix)))
            except ValueError:  # no signature that could match; the others may
                continue
    return tuple(found)


def base64_signatures(header: str, *, prefix: str, separator: str) -> tuple[bytes, ...]:
    """The same for base64."""
    parts = [part for part in _parts(header, separator) if part.startswith(prefix)]
    found = (_base64(part.removeprefix(prefix)) for part in parts)
    return tuple(digest for digest in found if digest is not None)


def require_match(expected: Sequence[bytes], given: Sequence[bytes], header: str) -> None:
    """Raise SenderRefused unless one of the given digests is one of the expected ones.

    All pairs are compared, so that the time taken does not tell which one it was.
    """
    if not given:
        raise SenderRefused(
            f"the header {header} is missing or holds no signature of a kind that is read",
            hint="set the signing secret at the sender",
        )
    if not _any_equal(expected, given):
        raise SenderRefused(
            f"the signature in {header} is not of this body and secret",
            hint="compare the secrets; a proxy must not change the body",
        )


def signed_time(text: str, received_at: datetime, window_seconds: float, header: str) -> datetime:
    """Return a signed time in Unix seconds. Raises SenderRefused outside the window."""
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise SenderRefused(f"the header {header} is missing or holds no time in Unix seconds")
    sent_at = datetime.fromtimestamp(int(text), UTC)
    if not within(sent_at, received_at, window_seconds):
        raise SenderRefused(
            f"what was signed is more than {window_seconds:g} seconds away from now",
            hint="it may be a replay; or the clocks differ",
        )
    return sent_at


def within(sent_at: datetime, received_at: datetime, window_seconds: float) -> bool:
    """Whether two times are at most that far apart, in either direction."""
    return abs(received_at - sent_at) <= timedelta(seconds=window_seconds)


def _parts(header: str, separator: str) -> list[str]:
    parts = [part.strip() for part in header.split(separator, MOST_SIGNATURES) if part.strip()]
    if len(parts) > MOST_SIGNATURES:
        raise SenderRefused(f"there are more than {MOST_SIGNATURES} signatures")
    return parts


def _authorized(header: str, credentials: Credentials) -> str:
    scheme, _, rest = header.partition(" ")
    given = rest.strip()
    if scheme.lower() == "bearer" and _is_token(given, credentials):
        return "bearer"
    if scheme.lower() == "basic" and _is_user(given, credentials):
        return "basic"
    raise SenderRefused(
        "the Authorization header is missing, or holds no token or password of this webhook",
        hint="set it at the sender",
    )


def _is_token(given: str, credentials: Credentials) -> bool:
    known = [_sha256(token).hex() for token in credentials.bearer_tokens]
    known += [token_hash.strip().lower() for token_hash in credentials.bearer_token_hashes]
    return _any_equal([one.encode() for one in known], [_sha256(given).hex().encode()])


def _is_user(given: str, credentials: Credentials) -> bool:
    shown = hashlib.sha256(_base64(given) or b"").digest()
    known = [_sha256(f"{user}:{password}") for user, password in credentials.basic]
    return _any_equal(known, [shown])


def _any_equal(known: Sequence[bytes], given: Sequence[bytes]) -> bool:
    """Compare all pairs, so that the time taken does not tell which one was equal."""
    equal = [hmac.compare_digest(one, other) for one in known for other in given]
    return any(equal)


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):  # nothing that could match
        return None
