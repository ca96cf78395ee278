"""GitHub's signature: `sha256=HEX` in X-Hub-Signature-256, HMAC SHA-256 of the body as it came."""

from __future__ import annotations

from holdfast.integrations.github.parse import parse
from holdfast.integrations.github.payload import SENDER
from holdfast.integrations.webhook import Adapter, Delivery
from holdfast.integrations.webhook_verify import Credentials, Verified, body_signature
from holdfast.integrations.webhook_verify import verify as verify_with

_SIGNATURE = body_signature("X-Hub-Signature-256", prefix="sha256=")


def verify(delivery: Delivery, credentials: Credentials) -> Verified:
    """A signature where there is a secret, and the Authorization header where there is a token."""
    return verify_with(delivery, credentials, _SIGNATURE)


ADAPTER = Adapter(name=SENDER, verify=verify, parse=parse)
