"""Grafana's signature: HMAC SHA-256 of the body, or of `TIME:BODY`, in hex without a prefix."""

from __future__ import annotations

from datetime import datetime

from holdfast.integrations.grafana.parse import SENDER, parse
from holdfast.integrations.webhook import Adapter, Delivery
from holdfast.integrations.webhook_verify import (
    Credentials,
    Request,
    Verified,
    digests,
    hex_signatures,
    require_match,
    signed_time,
)
from holdfast.integrations.webhook_verify import verify as verify_with

HEADER = "X-Grafana-Alerting-Signature"


def signature(request: Request, credentials: Credentials) -> datetime | None:
    """Check it; return the signed time where the contact point signs one."""
    content, sent_at = request.body, None
    if credentials.timestamp_header:
        text = request.header(credentials.timestamp_header)
        sent_at = signed_time(
            text, request.received_at, credentials.window_seconds, credentials.timestamp_header
        )
        content = text.encode() + b":" + request.body
    given = hex_signatures(request.header(HEADER))
    require_match(digests(credentials.signing_secrets, content), given, HEADER)
    return sent_at


def verify(delivery: Delivery, credentials: Credentials) -> Verified:
    """A signature where there is a secret, and the Authorization header where there is a token."""
    return verify_with(delivery, credentials, signature)


ADAPTER = Adapter(name=SENDER, verify=verify, parse=parse)
