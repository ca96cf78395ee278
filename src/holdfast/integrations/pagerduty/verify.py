"""PagerDuty's signature: `v1=HEX`, several while secrets are rotated, HMAC SHA-256 of the body."""

from __future__ import annotations

from holdfast.integrations.pagerduty.parse import SENDER, parse
from holdfast.integrations.webhook import Adapter, Delivery
from holdfast.integrations.webhook_verify import Credentials, Verified, body_signature
from holdfast.integrations.webhook_verify import verify as verify_with

_SIGNATURE = body_signature("X-PagerDuty-Signature", prefix="v1=")


def verify(delivery: Delivery, credentials: Credentials) -> Verified:
    """A signature where there is a secret, and the Authorization header where there is a token."""
    return verify_with(delivery, credentials, _SIGNATURE)


ADAPTER = Adapter(name=SENDER, verify=verify, parse=parse)
