"""PagerDuty's signature: `v1=HEX`, several while secrets are rotated, HMAC SHA-256 of the body."""

from __future__ import annotations

from holdfast.integrations.pagerduty.parse import SENDER, parse
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

HEADER = "X-PagerDuty-Signature"


def signature(request: Request, credentials: Credentials) -> None:
    """Check it. No time is signed."""
    given = hex_signatures(request.header(HEADER), prefix="v1=")
    require_match(digests(credentials.signing_secrets, request.body), given, HEADER)


def verify(delivery: Delivery, credentials: Credentials) -> Verified:
    """A signature where there is a secret, and the Authorization header where there is a token."""
    return verify_with(delivery, credentials, signature)


ADAPTER = Adapter(name=SENDER, verify=verify, parse=parse)
