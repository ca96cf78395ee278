"""GitHub's signature: `sha256=HEX` in X-Hub-Signature-256, HMAC SHA-256 of the body as it came."""

from __future__ import annotations

from holdfast.integrations.github.parse import parse
from holdfast.integrations.github.payload import SENDER
from holdfast.integrations.webhook import Adapter, Delivery
from holdfast.integrations.webhook_verify import (
    Credentials,
    Request,
    Verified,
    digests,
    hex_signatures,
    require_match,
)
from holdfast.integrations.webhook_verify import verify as verify_with

HEADER = "X-Hub-Signature-256"


def signature(request: Request, credentials: Credentials) -> None:
    """Check it. No time is signed."""
    given = hex_signatures(request.header(HEADER), prefix="sha256=")
    require_match(digests(credentials.signing_secrets, request.body), given, HEADER)


def verify(delivery: Delivery, credentials: Credentials) -> Verified:
    """A signature where there is a secret, and the Authorization header where there is a token."""
    return verify_with(delivery, credentials, signature)


ADAPTER = Adapter(name=SENDER, verify=verify, parse=parse)
