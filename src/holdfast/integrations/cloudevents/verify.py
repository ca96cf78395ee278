"""Standard Webhooks' signature (https://www.standardwebhooks.com), for CloudEvents and CDEvents."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from holdfast.errors import ConfigError, SenderRefused
from holdfast.integrations.cloudevents.envelope import BINARY_MARK, SENDER
from holdfast.integrations.cloudevents.parse import parse
from holdfast.integrations.webhook import Adapter, Delivery
from holdfast.integrations.webhook_verify import (
    Credentials,
    Request,
    Verified,
    base64_signatures,
    digests,
    require_match,
    signed_time,
)
from holdfast.integrations.webhook_verify import verify as verify_with

ID, TIME, HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"
_PREFIX = "whsec_"


def signature(request: Request, credentials: Credentials) -> datetime:
    """Check it; return the signed time."""
    if request.header(BINARY_MARK):
        raise SenderRefused(
            "the signature does not cover the ce-* headers of binary mode",
            hint="send structured mode, application/cloudevents+json",
        )
    text = request.header(TIME)
    sent_at = signed_time(text, request.received_at, credentials.window_seconds, TIME)
    content = b".".join((request.header(ID).encode(), text.encode(), request.body))
    keys = [_key(secret) for secret in credentials.signing_secrets]
    given = base64_signatures(request.header(HEADER), prefix="v1,", separator=" ")
    require_match(digests(keys, content), given, HEADER)
    return sent_at


def _key(secret: str) -> bytes:
    """The key is what stands in base64 behind the prefix; a secret without it is the key itself."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(
            "a webhook's signing secret is not base64 behind `whsec_`", hint="copy it anew"
        ) from None


def verify(delivery: Delivery, credentials: Credentials) -> Verified:
    """A signature where there is a secret, and the Authorization header where there is a token."""
    return verify_with(delivery, credentials, signature)


ADAPTER = Adapter(name=SENDER, verify=verify, parse=parse)
